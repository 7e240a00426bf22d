"""The stages that read logs and mine behavior pairs out of them."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from whybuy.behavior.events import IMPORT_CONFIG, read_events
from whybuy.behavior.mining import PAIR_CONFIG, mine_pairs
from whybuy.behavior.recognize import LOG_CONFIG
from whybuy.build.stage import Stage, Summary
from whybuy.catalog.sources import source_files
from whybuy.records import PRODUCTS
from whybuy.shop import Shop


def _logs(shop: Shop) -> Sequence[Path]:
    return [path for source in shop.settings.many(LOG_CONFIG) for path in source_files(source.path, shop.store)]


def _without_logs(shop: Shop, judgments: pa.Table) -> str:
    return "" if shop.settings.many(LOG_CONFIG) else "the shop has no logs"


def _read(shop: Shop, folder: Path) -> Summary:
    sources, config = shop.settings.many(LOG_CONFIG), shop.settings.one(IMPORT_CONFIG)
    report = read_events(sources, shop.store, folder, config)
    return {"events": report.events, "queries": report.queries, "set_aside": report.reading.set_aside.total()}


def _mine(shop: Shop, folder: Path) -> Summary:
    products = shop.folder(PRODUCTS.kind) / PRODUCTS.file
    report = mine_pairs(shop.folder("events"), products, folder, shop.settings.one(PAIR_CONFIG))
    counts: Summary = {"search_buy": report.search_buy, "co_buy": report.co_buy, "sessions": report.sessions}
    counts["evidence"] = report.evidence
    return counts | {f"step {index}": str(step) for index, step in enumerate(report.steps, 1)}


EVENTS = Stage(
    kind="events",
    version=2,
    make=_read,
    config=(LOG_CONFIG, IMPORT_CONFIG),
    files=_logs,
    skip=_without_logs,
)
PAIRS = Stage(kind="pairs", version=6, make=_mine, after=("catalog", "events"), config=(PAIR_CONFIG,))
