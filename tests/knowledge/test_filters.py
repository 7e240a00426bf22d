"""Filters take what is no reason, and leave what is one."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_shop import hypotheses_lists, of_type, product_table, reason
from whybuy.knowledge import filters
from whybuy.knowledge.filters import (
    FilterYield,
    Generic,
    HypothesisFilter,
    Incomplete,
    Restates,
    apply_filters,
    default_filters,
)
from whybuy.knowledge.hypothesizer import from_table, to_table
from whybuy.records import Head, HeadKind, Hypothesis, Product
from whybuy.relations import Relation
from whybuy.text import canonical, edit_distance

SHOE, LEASH = of_type("slip-on shoe"), of_type("dog leash")
PRODUCTS = product_table(
    [
        Product("p1", "Marlowe Drift", product_type="slip-on shoe"),
        Product("p2", "Trail leash", product_type="dog leash"),
        Product("p3", "Thing without a type"),
    ]
)
KINDS = [f"type {number}" for number in range(20)]


def verdicts(judge: HypothesisFilter, hypotheses: Sequence[Hypothesis]) -> list[bool]:
    return [bool(verdict) for verdict in judge(to_table(hypotheses))]


def rejects_tail(tail: str) -> bool:
    (rejected,) = verdicts(Incomplete(), [reason(SHOE, Relation.USED_TO, tail)])
    return rejected


def rejects_restated(head: Head, tail: str) -> bool:
    (rejected,) = verdicts(Restates(PRODUCTS), [reason(head, Relation.USED_FOR_AUDIENCE, tail)])
    return rejected


def spread(tail: str, heads_by_type: dict[str, int]) -> list[Hypothesis]:
    """One tail under so many traits of each type."""
    return [
        reason(Head(HeadKind.TYPE_ATTRIBUTE, (kind, "color", str(number))), Relation.USED_FOR_EVENT, tail)
        for kind, count in heads_by_type.items()
        for number in range(count)
    ]


@pytest.mark.parametrize(
    "tail",
    [
        "walking in",
        "hold the",
        "camping and",
        "keep dry without",
        "what nurses are",
        "last longer than",
        "camping, hiking and more",
        "too",
        "and hiking",
        "more",
        "for less",
        "than leather",
        "of the house",
        "it for you",
        "",
        "!!!",
        "x",
        "12",
        "12v",
        "5 mm",
        "10 x 20 inches",
        "2 feet",
        "one two three four five six seven eight nine",
    ],
)
def test_what_is_no_whole_phrase_is_taken(tail: str) -> None:
    assert rejects_tail(tail)


@pytest.mark.parametrize(
    "tail",
    [
        "pregnant women",
        "feet",
        "in the yard",
        "muck out stalls",
        "warm up",
        "do a pull-up",
        "moms to be",
        "carry it",
        "sleep better",
        "sit less",
        "registry must-have",
        "12v batteries",
        "two-year-olds",
        "walk the dog",
        "Größe",
    ],
)
def test_a_whole_phrase_is_left(tail: str) -> None:
    assert not rejects_tail(tail)


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        (Head(HeadKind.QUERY, ("pregnant women",)), "a pregnant woman"),
        (Head(HeadKind.QUERY, ("hiking shoes",)), "hiking shoe"),
        (Head(HeadKind.QUERY, ("waterproof jackets",)), "waterproofs jacket"),
        (SHOE, "slip-on shoes"),
        (SHOE, "shoes"),
        (LEASH, "leash for dog".replace(" for", "")),
        (Head(HeadKind.PRODUCT, ("p1",)), "marlowe drift"),
        (Head(HeadKind.PRODUCT, ("p1",)), "a slip-on shoe"),
        (Head(HeadKind.PAIR, ("p1", "p2")), "trail leash"),
        (Head(HeadKind.PAIR, ("p1", "p2")), "dog leash"),
        (Head(HeadKind.TYPE_ATTRIBUTE, ("slip-on shoe", "sole", "slip-resistant")), "slip-resistant"),
        (Head(HeadKind.TYPE_ATTRIBUTE, ("slip-on shoe", "sole", "slip-resistant")), "slip-resistant slip-on shoe"),
    ],
)
def test_a_restatement_is_taken(head: Head, tail: str) -> None:
    assert rejects_restated(head, tail)


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        (Head(HeadKind.QUERY, ("shoes for pregnant women",)), "pregnant women"),
        (Head(HeadKind.QUERY, ("slip-on shoe for work",)), "work"),
        (SHOE, "pregnant women"),
        (SHOE, "work shoe"),
        (LEASH, "cat leash"),
        (LEASH, "slip-on shoe"),
        (Head(HeadKind.PRODUCT, ("p1",)), "dog leash"),
        (Head(HeadKind.PRODUCT, ("p3",)), "thing"),
        (Head(HeadKind.PRODUCT, ("not in the catalog",)), "shoe"),
    ],
)
def test_what_adds_to_its_head_is_left(head: Head, tail: str) -> None:
    assert not rejects_restated(head, tail)


def test_a_tail_that_goes_with_almost_every_type_is_taken_in_every_wording() -> None:
    everywhere = [
        *spread("everyday use", dict.fromkeys(KINDS[:18], 2)),
        reason(SHOE, Relation.USED_BY, "Everyday uses"),
    ]
    somewhere = spread("camping", dict.fromkeys(KINDS[:3], 20)) + spread("fun", dict.fromkeys(KINDS[3:6], 1))
    verdict = verdicts(Generic(PRODUCTS), everywhere + somewhere)
    assert verdict == [True] * len(everywhere) + [False] * len(somewhere)


def test_evenness_counts_types_not_heads() -> None:
    lopsided = spread("hiking", dict.fromkeys(KINDS[1:], 1) | {KINDS[0]: 400})
    assert not any(verdicts(Generic(PRODUCTS), lopsided))


def test_products_and_pairs_count_for_their_types() -> None:
    products = product_table([Product(f"p{number}", "t", product_type=kind) for number, kind in enumerate(KINDS)])
    single = [reason(Head(HeadKind.PRODUCT, (f"p{number}",)), Relation.USED_FOR_EVENT, "fun") for number in range(20)]
    paired = [
        reason(Head(HeadKind.PAIR, (f"p{number}", f"p{number + 1}")), Relation.USED_FOR_EVENT, "joy")
        for number in range(0, 20, 2)
    ]
    assert verdicts(Generic(products), single + paired) == [True] * 20 + [True] * 10


def test_too_few_types_or_heads_and_the_filter_abstains() -> None:
    few_types = spread("everyday use", dict.fromkeys(KINDS[:5], 50))
    assert not any(verdicts(Generic(PRODUCTS), few_types))
    few_heads = spread("everyday use", dict.fromkeys(KINDS[:19], 1))
    assert not any(verdicts(Generic(PRODUCTS), few_heads))


def test_a_query_follows_what_its_tail_does_elsewhere() -> None:
    query = reason(Head(HeadKind.QUERY, ("gifts for everyday use",)), Relation.USED_FOR_EVENT, "everyday use")
    assert verdicts(Generic(PRODUCTS), [*spread("everyday use", dict.fromkeys(KINDS, 2)), query])[-1]


def test_each_filter_reports_what_it_took_of_what_came_to_it() -> None:
    table = to_table(
        [
            reason(SHOE, Relation.USED_TO, "walk in"),
            reason(SHOE, Relation.IS_A, "shoe"),
            reason(SHOE, Relation.IS_A, "shoes"),
            reason(SHOE, Relation.USED_BY, "nurses"),
        ]
    )
    left, yields = apply_filters(table, default_filters(PRODUCTS))
    assert left["tail"].to_pylist() == ["nurses"]
    assert yields == (FilterYield("incomplete", 4, 1), FilterYield("restates", 3, 2), FilterYield("generic", 1, 0))
    assert left.schema == table.schema


def test_no_filters_take_nothing() -> None:
    table = to_table([reason(SHOE, Relation.USED_BY, "nurses")])
    assert apply_filters(table, ()) == (table, ())


CASES: dict[type, Callable[[], HypothesisFilter]] = {
    Incomplete: Incomplete,
    Restates: lambda: Restates(PRODUCTS),
    Generic: lambda: Generic(PRODUCTS, least_count=2, least_types=2, least_evenness=0.5),
}


def test_every_filter_is_tested() -> None:
    names = [f"{filters.__name__}.{module.name}" for module in pkgutil.iter_modules(filters.__path__)]
    found = {
        value.__name__
        for name in names
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, type) and value.__module__ == name and "__call__" in vars(value)
    }
    assert found == {kind.__name__ for kind in CASES}
    defaults = default_filters(PRODUCTS)
    assert {type(judge).__name__ for judge in defaults} == found
    assert len({judge.name for judge in defaults}) == len(defaults)


@pytest.mark.parametrize("make", CASES.values(), ids=[kind.__name__ for kind in CASES])
def test_no_hypotheses_no_verdicts(make: Callable[[], HypothesisFilter]) -> None:
    verdict = make()(to_table([]))
    assert verdict.tolist() == []
    assert verdict.dtype == np.bool_


@pytest.mark.parametrize("make", CASES.values(), ids=[kind.__name__ for kind in CASES])
@settings(max_examples=20, deadline=None)
@given(hypotheses=hypotheses_lists(), data=st.data())
def test_verdicts_do_not_depend_on_order_chunks_or_repetition(
    make: Callable[[], HypothesisFilter], hypotheses: list[Hypothesis], data: st.DataObject
) -> None:
    table, judge = to_table(hypotheses), make()
    order = data.draw(st.permutations(range(len(hypotheses))))
    verdict = judge(table)
    assert judge(table.take(pa.array(order, pa.int64()))).tolist() == verdict[np.array(order, dtype=int)].tolist()
    doubled = pa.concat_tables([table, table])
    assert judge(doubled).tolist() == [*verdict.tolist(), *verdict.tolist()]


@settings(max_examples=40, deadline=None)
@given(hypotheses_lists())
def test_restating_equals_the_slow_obvious_version(hypotheses: list[Hypothesis]) -> None:
    types = {"p1": "slip-on shoe", "p2": "dog leash", "p3": ""}
    titles = {"p1": "Marlowe Drift", "p2": "Trail leash", "p3": "Thing without a type"}

    def is_restatement(one: Hypothesis) -> bool:
        kind, key, tail = one.head.kind, one.head.key, canonical(one.tail)
        named = {
            HeadKind.TYPE: [key[0]],
            HeadKind.TYPE_ATTRIBUTE: [key[0]],
            HeadKind.QUERY: [],
        }.get(kind, [types[p] for p in key if types.get(p)])
        own = [titles[p] for p in key if p in titles]
        own += [key[0]] if kind is HeadKind.QUERY else []
        own += [key[2], f"{key[2]} {key[0]}"] if kind is HeadKind.TYPE_ATTRIBUTE else []
        if any(set(tail.split()) <= set(canonical(name).split()) for name in named):
            return True
        texts = [canonical(text) for text in [*named, *own]]
        return any(edit_distance(tail, text) < 0.2 * max(len(tail), len(text)) or tail == text for text in texts)

    tails = ["slip-on shoe", "leash", "red", "blue tent", "marlow drift", "tent for the trip", "hiking"]
    tried = [dataclasses.replace(one, tail=tail) for one in hypotheses[:5] for tail in tails] + hypotheses
    assert verdicts(Restates(PRODUCTS), tried) == [is_restatement(one) for one in tried]


def test_hypotheses_survive_the_way_through_columns() -> None:
    made = [reason(SHOE, Relation.USED_BY, "nurses"), reason(Head(HeadKind.PAIR, ("a", "b")), Relation.X_WANT, "run")]
    assert list(from_table(to_table(made))) == made
