import math

import pyarrow as pa
import pytest
from shop_logs import memtable

from whybuy.behavior.specificity import QUERY_STATS_SCHEMA, query_stats, word_specificity

TYPES = {"s": "shoe", "l": "laptop", "h": "harp", "r": "rug"}


def stats(
    searches: list[str], purchases: list[tuple[str, str, int]], *, prior: float = 0.0001, types: dict[str, str] = TYPES
) -> dict[str, dict[str, float]]:
    rows = [
        {"left": query, "right": product, "purchases": count, "carts": 0, "clicks": 0}
        for query, product, count in purchases
    ]
    counts = [(name, pa.int64()) for name in ("purchases", "carts", "clicks")]
    pairs = pa.Table.from_pylist(rows, pa.schema([("left", pa.string()), ("right", pa.string()), *counts]))
    catalog = pa.table(
        {"product_id": pa.array(list(types), pa.string()), "product_type": pa.array(list(types.values()), pa.string())}
    )
    table = query_stats(
        memtable(pa.table({"query": pa.array(searches, pa.string())})),
        memtable(pairs),
        memtable(catalog),
        prior=prior,
    ).to_pyarrow()
    assert table.schema.names == QUERY_STATS_SCHEMA.names
    return {row["query"]: row for row in table.to_pylist()}


def test_a_query_for_one_type_is_specific_and_one_for_all_types_is_not() -> None:
    rows = stats(
        ["narrow", "wide"],
        [("narrow", "s", 100), *(("wide", product, 100) for product in TYPES)],
    )
    assert rows["narrow"]["specificity"] == pytest.approx(1.0, abs=1e-4)
    assert rows["wide"]["specificity"] == pytest.approx(0.0, abs=1e-4)
    assert (rows["narrow"]["product_types"], rows["wide"]["product_types"]) == (1, 4)


def test_specificity_is_one_minus_the_entropy_over_the_log_of_all_types() -> None:
    rows = stats(["mixed"], [("mixed", "s", 300), ("mixed", "l", 100)])
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert rows["mixed"]["specificity"] == pytest.approx(1 - entropy / math.log(4), abs=1e-3)


def test_searches_and_purchases_are_counted_without_multiplying_each_other() -> None:
    rows = stats(["a", "a", "b"], [("a", "s", 2), ("a", "l", 3), ("c", "s", 1)])
    assert {query: (row["searches"], row["purchases"]) for query, row in rows.items()} == {
        "a": (2, 5),
        "b": (1, 0),
        "c": (0, 1),
    }


def test_rare_queries_lean_on_their_words() -> None:
    rows = stats(["rug", "rug", "rug for a harp"], [("rug", "s", 1), ("rug", "l", 1)], prior=1e9)
    words = {
        row["query"]: row["by_words"]
        for row in word_specificity(memtable({"query": ["rug", "rug for a harp"]})).to_pyarrow().to_pylist()
    }
    assert {query: row["specificity"] for query, row in rows.items()} == pytest.approx(words, abs=1e-6)


def test_more_words_and_rarer_words_are_more_specific() -> None:
    queries = ["shoes", "red shoes", "shoes for work", "xk-240"]
    rows = word_specificity(memtable({"query": queries})).to_pyarrow().to_pylist()
    words = {row["query"]: row["by_words"] for row in rows}
    assert words["shoes"] < words["red shoes"] <= words["shoes for work"] <= words["xk-240"] == 1
    assert all(0 <= value <= 1 for value in words.values())


def test_without_product_types_only_words_speak() -> None:
    rows = stats(["shoes", "red shoes"], [("shoes", "s", 50)], types={})
    assert rows["shoes"]["specificity"] < rows["red shoes"]["specificity"]
    assert rows["shoes"]["product_types"] == 0
