from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from ibis.expr.types import Table
from shop_logs import memtable

from whybuy.behavior.pruning import (
    PruningConfig,
    ShopFacts,
    Step,
    category_levels,
    co_buy_steps,
    judge,
    report_steps,
    search_buy_steps,
    with_category_distance,
    with_partner_facts,
    with_type_share,
)
from whybuy.records import Action, Behavior

FULL_SHOP = ShopFacts(10, category_depth=3, impressions=1000, clicks=100, purchases=10, basket_action=Action.PURCHASE)
NOTHING = ShopFacts(0, category_depth=0, impressions=0, clicks=0, purchases=0, basket_action=Action.ADD_TO_CART)
SEARCH_BUY = {
    "left": "shoes",
    "right": "p1",
    "sessions": 3,
    "purchases": 3,
    "clicks": 30,
    "impressions": 300,
    "direct": 0,
    "type_share": 0.5,
}
CO_BUY = {
    "left": "p1",
    "right": "p2",
    "sessions": 3,
    "partner_types": 10,
    "partner_entropy": 0.5,
    "type_lift": 2.0,
    "category_distance": 2,
}


def taken_by(row: dict[str, object], steps: tuple[Step, ...]) -> str:
    types = {"type_share": pa.float64(), "type_lift": pa.float64(), "category_distance": pa.int64()}
    arrays = {name: pa.array([value], types.get(name)) for name, value in row.items()}
    number = judge(memtable(pa.table(arrays)), steps).to_pyarrow()["taken_by"][0].as_py()
    return steps[number].name if number < len(steps) else "nobody"


@pytest.mark.parametrize(
    ("changes", "taker"),
    [
        ({}, "nobody"),
        ({"sessions": 0}, "support"),
        ({"type_share": 0.01}, "product type"),
        ({"type_share": 0.01, "direct": 1}, "nobody"),
        ({"type_share": None}, "nobody"),
        ({"clicks": 0}, "click rate"),
        ({"clicks": 0, "impressions": 49}, "nobody"),
        ({"purchases": 1, "clicks": 201}, "purchase rate"),
        ({"purchases": 0, "clicks": 19}, "nobody"),
    ],
)
def test_search_buy_pairs_go_when_something_speaks_against_them(changes: dict[str, object], taker: str) -> None:
    assert taken_by(SEARCH_BUY | changes, search_buy_steps(FULL_SHOP, PruningConfig())) == taker


@pytest.mark.parametrize(
    ("changes", "taker"),
    [
        ({}, "nobody"),
        ({"sessions": 1}, "support"),
        ({"partner_types": 200, "partner_entropy": 0.9}, "too many types"),
        ({"partner_types": 200, "partner_entropy": 0.7}, "nobody"),
        ({"partner_types": 50, "partner_entropy": 0.9}, "nobody"),
        ({"type_lift": 0.9}, "product type"),
        ({"type_lift": None}, "nobody"),
        ({"category_distance": 5}, "category distance"),
        ({"category_distance": None}, "nobody"),
    ],
)
def test_co_buy_pairs_go_when_something_speaks_against_them(changes: dict[str, object], taker: str) -> None:
    assert taken_by(CO_BUY | changes, co_buy_steps(FULL_SHOP, PruningConfig(), pairs=1_000_000)) == taker


def test_rare_co_buy_pairs_stay_in_a_small_shop() -> None:
    assert taken_by(CO_BUY | {"sessions": 1}, co_buy_steps(FULL_SHOP, PruningConfig(), pairs=100_000)) == "nobody"


@pytest.mark.parametrize(
    ("facts", "reasons"),
    [
        (FULL_SHOP, ["", "", "", ""]),
        (
            NOTHING,
            [
                "",
                "the catalog has no product types",
                "the logs have no clicks",
                "the logs have no clicks",
            ],
        ),
        (
            replace(FULL_SHOP, impressions=0, clicks=0),
            [
                "",
                "the logs have no clicks and the logs do not say which products were shown",
                "the logs have no clicks",
                "the logs have no clicks",
            ],
        ),
        (replace(FULL_SHOP, impressions=0), ["", "", "the logs do not say which products were shown", ""]),
        (replace(FULL_SHOP, purchases=0), ["", "", "", "the logs have no purchases"]),
    ],
)
def test_search_buy_steps_say_what_the_shop_lacks(facts: ShopFacts, reasons: list[str]) -> None:
    assert [step.skipped for step in search_buy_steps(facts, PruningConfig())] == reasons


def test_a_skipped_step_takes_nothing() -> None:
    row = CO_BUY | {"type_lift": 0.1, "category_distance": 6, "partner_types": 500, "partner_entropy": 1.0}
    assert taken_by(row, co_buy_steps(NOTHING, PruningConfig(), pairs=1)) == "nobody"


def test_each_pair_is_counted_for_the_first_step_that_takes_it() -> None:
    rows = [CO_BUY, CO_BUY | {"sessions": 1, "type_lift": 0.1}, CO_BUY | {"type_lift": 0.1}, CO_BUY | {"sessions": 1}]
    steps = co_buy_steps(FULL_SHOP, PruningConfig(), pairs=1_000_000)
    reports = report_steps(judge(memtable(pa.Table.from_pylist(rows)), steps), steps, Behavior.CO_BUY)
    assert [(step.name, step.taken, step.left) for step in reports] == [
        ("support", 2, 2),
        ("too many types", 0, 2),
        ("product type", 1, 1),
        ("category distance", 0, 1),
    ]
    assert str(reports[0]) == "co_buy support: took 2, left 2"


def test_type_share_is_of_what_a_query_showed_and_clicked() -> None:
    types = memtable({"product_id": ["s1", "s2", "l1"], "product_type": ["shoe", "shoe", "laptop"]})
    shown = memtable({"query": ["shoes", "shoes"], "product_id": ["s2", "l1"], "impressions": [6, 1]})
    pairs = memtable(
        {
            "left": ["shoes", "shoes", "shoes", "other", "shoes"],
            "right": ["s2", "l1", "unknown", "s1", "s1"],
            "clicks": [0, 0, 0, 0, 1],
        }
    )
    rows = by(with_type_share(pairs, shown, types), "left", "right")
    assert {key: row["type_share"] for key, row in rows.items()} == {
        **{("shoes", "s2"): 7 / 8, ("shoes", "s1"): 7 / 8, ("shoes", "l1"): 1 / 8},
        **{("shoes", "unknown"): None, ("other", "s1"): None},
    }


def test_partner_facts_follow_their_formulas() -> None:
    types = memtable({"product_id": list("abcd"), "product_type": ["A", "B", "C", "D"]})
    pairs = memtable({"left": ["a", "a", "c", "a"], "right": ["b", "c", "d", "x"], "sessions": [2, 2, 4, 9]})
    rows = by(with_partner_facts(pairs, types), "left", "right")
    assert rows["a", "b"]["partner_types"] == 2
    assert rows["a", "b"]["partner_entropy"] == pytest.approx(0.5)  # one bit of the two that four types allow
    assert rows["a", "b"]["type_lift"] == pytest.approx(2 * 16 / (4 * 2))
    assert rows["c", "d"]["type_lift"] == pytest.approx(4 * 16 / (6 * 4))
    assert rows["a", "x"]["type_lift"] is None


def test_category_distance_counts_steps_through_the_tree() -> None:
    paths = {
        "a": ["shop", "home", "lamp"],
        "b": ["shop", "home", "lamp"],
        "c": ["shop", "home", "rug"],
        "d": ["shop"],
        "e": ["toys", "home", "lamp"],
        "f": [],
    }
    products = memtable(pa.table({"product_id": list(paths), "category": list(paths.values())}))
    pairs = memtable({"left": ["a"] * 5, "right": list("bcdef")})
    rows = by(with_category_distance(pairs, category_levels(products)), "right")
    assert [rows[right]["category_distance"] for right in "bcdef"] == [0, 2, 2, 6, None]


def by(table: Table, *keys: str) -> dict[Any, dict[str, Any]]:
    rows = table.to_pyarrow().to_pylist()
    return {tuple(row[key] for key in keys) if len(keys) > 1 else row[keys[0]]: row for row in rows}
