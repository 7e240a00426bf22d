"""The stage that trains the student: which predicts intents of queries that the graph does not have."""

from pathlib import Path

from whybuy.build.stage import Stage, Summary
from whybuy.catalog.shop import SHOP_CONFIG
from whybuy.intents import student
from whybuy.intents.student_training import STUDENT_CONFIG, train_student
from whybuy.records import PAIRS
from whybuy.shop import Shop


def _make(shop: Shop, folder: Path) -> Summary:
    config = shop.settings.one(STUDENT_CONFIG)
    model = train_student(shop.graph, shop.catalog.table, shop.table(PAIRS), config)
    if model is None:
        return {"reasons": 0, "why": "the graph has too few queries and products to calibrate guesses"}
    model.save(folder)
    return {"reasons": len(model.tails)}


STUDENT = Stage(
    kind="student",
    version=student.FORMAT_VERSION,
    make=_make,
    after=("catalog", "graph"),
    after_if_there=("pairs",),
    config=(STUDENT_CONFIG, SHOP_CONFIG.only("language")),
)
