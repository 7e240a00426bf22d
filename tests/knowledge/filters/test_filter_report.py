"""What the filters took, by where it came from."""

import dataclasses
from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_shop import hypotheses_lists, make_shop, of_type, reason
from whybuy.artifacts import digest
from whybuy.knowledge.filters import FilterResult
from whybuy.knowledge.filters.report import (
    CATALOG,
    EXAMPLES,
    FILTER_REPORT_SCHEMA,
    ORIGIN_SCHEMA,
    filter_report,
    origins,
)
from whybuy.knowledge.proposing.hypothesizer import to_table
from whybuy.records import Behavior, Head, HeadKind, Hypothesis, Product
from whybuy.relations import Relation

SHOP = make_shop(
    [
        Product("p1", "Marlowe Drift", product_type="slip-on shoe", category=("Clothing", "Shoes")),
        Product("p2", "Trail leash", product_type="dog leash", category=("Pets",)),
        Product("p3", "Thing"),
        Product("p4", "Clog", product_type="slip-on shoe", category=("Work",)),
        Product("p5", "Loafer", product_type="slip-on shoe", category=("Clothing",)),
    ],
    [(Behavior.SEARCH_BUY, "leash for two dogs", "p2", 3), (Behavior.CO_BUY, "p1", "p2", 2)],
)
SEARCHED = digest(Behavior.SEARCH_BUY, "leash for two dogs", "p2")
TOGETHER = digest(Behavior.CO_BUY, "p1", "p2")


def shown(head: Head, *evidence: str) -> Hypothesis:
    return dataclasses.replace(reason(head, Relation.USED_BY, "nurses"), evidence=evidence)


def test_a_hypothesis_has_the_category_of_its_head_and_the_behavior_of_its_evidence() -> None:
    query = Head(HeadKind.QUERY, ("leash for two dogs",))
    cases = {
        shown(of_type("slip-on shoe"), SEARCHED): ("Clothing", Behavior.SEARCH_BUY),
        shown(Head(HeadKind.TYPE_ATTRIBUTE, ("dog leash", "color", "red")), "p2"): ("Pets", CATALOG),
        shown(Head(HeadKind.PRODUCT, ("p4",)), "p4"): ("Work", CATALOG),
        shown(Head(HeadKind.PAIR, ("p1", "p2")), TOGETHER): ("Clothing", Behavior.CO_BUY),
        shown(query, SEARCHED): ("Pets", Behavior.SEARCH_BUY),
        shown(query): ("", CATALOG),
        shown(Head(HeadKind.PRODUCT, ("p3",)), "p3"): ("", CATALOG),
        shown(Head(HeadKind.PRODUCT, ("gone",)), "gone"): ("", CATALOG),
        shown(of_type("space ship"), SEARCHED): ("Pets", Behavior.SEARCH_BUY),
    }
    found = origins(to_table(cases), SHOP)
    assert found.schema == ORIGIN_SCHEMA
    assert [(row["category"], row["behavior"]) for row in found.to_pylist()] == list(cases.values())


def test_no_hypotheses_no_yields() -> None:
    nothing = to_table([])
    filtered = FilterResult(np.zeros(0, np.int64), ("one",), (0.0,))
    assert filter_report(nothing, filtered, origins(nothing, SHOP)).equals(FILTER_REPORT_SCHEMA.empty_table())


@settings(max_examples=50, deadline=None)
@given(hypotheses=hypotheses_lists(), data=st.data())
def test_yields_equal_a_count_one_by_one(hypotheses: list[Hypothesis], data: st.DataObject) -> None:
    names = ("first", "second")
    taken = data.draw(st.lists(st.integers(0, 2), min_size=len(hypotheses), max_size=len(hypotheses)))
    table = to_table(hypotheses)
    origin = origins(table, SHOP)
    keys = [tuple(row.values()) for row in origin.to_pylist()]
    reached: Counter[tuple[str, ...]] = Counter()
    rejected: Counter[tuple[str, ...]] = Counter()
    for key, place in zip(keys, taken, strict=True):
        reached.update((name, *key) for name in names[: place + 1])
        rejected.update((name, *key) for name in names[place : place + 1])
    found = filter_report(table, FilterResult(np.array(taken, np.int64), names, (0.0, 0.0)), origin)
    rows = {tuple(row[name] for name in ("filter", *ORIGIN_SCHEMA.names)): row for row in found.to_pylist()}
    assert {key: row["reached"] for key, row in rows.items()} == reached
    assert {key: row["rejected"] for key, row in rows.items() if row["rejected"]} == rejected
    assert all(len(row["examples"]) == min(EXAMPLES, row["rejected"]) for row in rows.values())
    assert list(rows) == sorted(rows)


def test_the_best_supported_ones_are_the_examples() -> None:
    table = to_table([reason(of_type("tent"), Relation.USED_BY, f"tail {n}", support=n) for n in range(1, 6)])
    found = filter_report(table, FilterResult(np.zeros(5, np.int64), ("one",), (0.0,)), origins(table, SHOP))
    assert found["examples"].to_pylist() == [["tent: tail 5", "tent: tail 4", "tent: tail 3"]]
