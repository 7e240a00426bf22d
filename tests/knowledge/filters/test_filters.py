"""Filters take what is no reason, and leave what is one."""

import dataclasses
import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from tiny_shop import hypotheses_lists, of_type, product_table, reason
from whybuy.knowledge.filters import (
    Disfluent,
    Duplicate,
    Generic,
    HypothesisFilter,
    Incomplete,
    Restates,
    Similar,
    apply_filters,
)
from whybuy.knowledge.filters.limit_tuning import Aim
from whybuy.knowledge.proposing.hypothesizer import from_table, to_table
from whybuy.records import Head, HeadKind, Hypothesis, Product
from whybuy.relations import Relation
from whybuy.text import canonical

SHOE, LEASH = of_type("slip-on shoe"), of_type("dog leash")
PRODUCTS = product_table(
    [
        Product("p1", "Marlowe Drift", product_type="slip-on shoe"),
        Product("p2", "Trail leash", product_type="dog leash"),
        Product("p3", "Thing without a type"),
        Product("p4", "Clogs for nurses"),
    ]
)
KINDS = [f"type {number}" for number in range(20)]


def verdicts(judge: HypothesisFilter, hypotheses: Sequence[Hypothesis]) -> list[bool]:
    return [bool(score > judge.limit) for score in judge(to_table(hypotheses))]


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
        (Head(HeadKind.PRODUCT, ("p1",)), "drifts"),
        (Head(HeadKind.PRODUCT, ("p4",)), "Clog"),
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
        (Head(HeadKind.PRODUCT, ("p3",)), "type thing"),
        (Head(HeadKind.PRODUCT, ("p4",)), "nurses"),
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


def test_a_filter_sees_what_the_earlier_ones_left() -> None:
    table = to_table(
        [
            reason(SHOE, Relation.USED_TO, "walk in"),
            reason(SHOE, Relation.IS_A, "shoe"),
            reason(SHOE, Relation.IS_A, "shoes in"),
            reason(SHOE, Relation.USED_BY, "nurses"),
        ]
    )
    filtered = apply_filters(table, [Incomplete(), Restates(PRODUCTS)])
    assert filtered.rejected_by.tolist() == [0, 1, 0, 2]
    assert filtered.kept.tolist() == [False, False, False, True]
    assert filtered.counts() == {"incomplete": 2, "restates": 1}
    assert filtered.limits == (0.5, 0.8)


def test_a_limit_that_is_given_comes_before_one_that_is_tuned_and_this_before_its_own() -> None:
    table = to_table([reason(SHOE, Relation.USED_BY, "slip-on shoos"), reason(SHOE, Relation.USED_BY, "nurses")])
    given, plausible, aim = {"restates": 0.95}, np.array([1.0, 0.0]), Aim(least_judged=1)
    assert apply_filters(table, [Restates(PRODUCTS)]).rejected_by.tolist() == [0, 1]
    assert apply_filters(table, [Restates(PRODUCTS)], plausible=plausible, aim=aim).limits == (math.inf,)
    assert apply_filters(table, [Restates(PRODUCTS)], limits=given, plausible=plausible, aim=aim).limits == (0.95,)


def test_no_filters_take_nothing() -> None:
    assert apply_filters(to_table([reason(SHOE, Relation.USED_BY, "nurses")]), ()).kept.tolist() == [True]


def claim(relation: Relation, tail: str, head: Head = SHOE, *, support: int = 5, score: float = 0.8) -> Hypothesis:
    return reason(head, relation, tail, support=support, score=score)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param(
            [claim(Relation.USED_BY, "nurses", score=0.35), claim(Relation.USED_FOR_AUDIENCE, "a nurse")],
            [True, False],
            id="the less plausible one",
        ),
        pytest.param(
            [claim(Relation.USED_BY, "nurses", support=50), claim(Relation.USED_FOR_AUDIENCE, "nurses")],
            [False, True],
            id="the less supported one",
        ),
        pytest.param(
            [claim(Relation.USED_WITH, "nurses"), claim(Relation.USED_BY, "nurses")],
            [True, False],
            id="the one that nurses do not fit",
        ),
        pytest.param(
            [claim(Relation.USED_BY, "nurses"), claim(Relation.USED_BY, "nurse"), claim(Relation.X_IS_A, "nurses")],
            [False, False, True],
            id="two witnesses against one",
        ),
        pytest.param(
            [claim(Relation.USED_BY, "nurses"), claim(Relation.USED_FOR_AUDIENCE, "nurses")],
            [False, False],
            id="equals stay",
        ),
        pytest.param(
            [claim(Relation.USED_BY, "nurses", score=0.1), claim(Relation.USED_FOR_AUDIENCE, "nurses", LEASH)],
            [False, False],
            id="another head",
        ),
        pytest.param(
            [claim(Relation.USED_BY, "nurses", score=0.1), claim(Relation.USED_FOR_AUDIENCE, "teachers")],
            [False, False],
            id="another tail",
        ),
        pytest.param([claim(Relation.USED_BY, "nurses", score=0.0)], [False], id="nothing behind the only one"),
    ],
)
def test_of_one_reason_under_several_relations_the_best_stays(claims: list[Hypothesis], expected: list[bool]) -> None:
    assert verdicts(Duplicate(PRODUCTS), claims) == expected


class ByLetters:
    """Fluent is what is short."""

    limit = 8.0

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([math.nan if " " not in text else float(len(text)) for text in texts])


def test_what_the_model_finds_badly_put_is_taken_and_the_limit_is_the_models() -> None:
    claims = [claim(Relation.USED_TO, tail) for tail in ("walk far", "walk further", "walkingandwalking")]
    assert verdicts(Disfluent(ByLetters()), claims) == [False, True, False]


def letters(texts: Sequence[str]) -> NDArray[np.float32]:
    """Texts are alike when they have the same letters."""
    counts = np.array([[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts])
    vectors: NDArray[np.float32] = (counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)).astype("f4")
    return vectors


@pytest.mark.parametrize(
    ("head", "relation", "tail", "expected"),
    [
        (Head(HeadKind.QUERY, ("late trains",)), Relation.USED_ON, "tale strain", True),
        (Head(HeadKind.QUERY, ("late trains for nurses",)), Relation.USED_BY, "nurses for late trains", True),
        (Head(HeadKind.QUERY, ("nurses nurses for",)), Relation.USED_BY, "nurses", False),
        (Head(HeadKind.QUERY, ("late trains",)), Relation.USED_ON, "boats", False),
        (Head(HeadKind.PRODUCT, ("p1",)), Relation.USED_ON, "drift marlowe", True),
        (Head(HeadKind.PAIR, ("p2", "p1")), Relation.USED_ON, "drift marlowe", True),
        (SHOE, Relation.USED_AS, "shoe on slip", True),
        (SHOE, Relation.IS_A, "shoe on slip", False),
        (Head(HeadKind.PRODUCT, ("not in the catalog",)), Relation.USED_ON, "drift marlowe", False),
    ],
)
def test_a_paraphrase_is_taken(head: Head, relation: Relation, tail: str, *, expected: bool) -> None:
    assert verdicts(Similar(PRODUCTS, letters), [reason(head, relation, tail)]) == [expected]


@cache
def edit_distance(one: str, other: str) -> int:
    """The fewest letters to insert, delete or replace that turn one text into another, by the definition."""
    if not one or not other:
        return len(one) + len(other)
    replaced = edit_distance(one[1:], other[1:]) + (one[0] != other[0])
    return min(replaced, edit_distance(one[1:], other) + 1, edit_distance(one, other[1:]) + 1)


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
        parts = [] if kind not in (HeadKind.PRODUCT, HeadKind.PAIR) else own
        if any(f" {tail} " in f" {canonical(title).split(' for ')[0]} " for title in parts):
            return True
        texts = [canonical(text) for text in [*named, *own]]
        return any(tail == text or edit_distance(tail, text) < 0.2 * max(len(tail), len(text)) for text in texts)

    tails = ["slip-on shoe", "leash", "red", "blue tent", "marlow drift", "tent for the trip", "hiking"]
    tried = [dataclasses.replace(one, tail=tail) for one in hypotheses[:5] for tail in tails] + hypotheses
    assert verdicts(Restates(PRODUCTS), tried) == [is_restatement(one) for one in tried]


def test_hypotheses_survive_the_way_through_columns() -> None:
    made = [reason(SHOE, Relation.USED_BY, "nurses"), reason(Head(HeadKind.PAIR, ("a", "b")), Relation.X_WANT, "run")]
    assert list(from_table(to_table(made))) == made
