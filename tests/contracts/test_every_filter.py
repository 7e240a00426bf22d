"""What every filter keeps to: one battery, every filter."""

import importlib
import pkgutil
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_shop import heads, hypotheses_lists, make_shop, reason
from whybuy.knowledge import filters
from whybuy.knowledge.filters import (
    Disfluent,
    Duplicate,
    Generic,
    HypothesisFilter,
    Incomplete,
    Restates,
    Similar,
)
from whybuy.knowledge.filters.default import NAMES, FilterConfig, default_filters, encoder_of, fluency_of
from whybuy.knowledge.proposing.hypothesizer import to_table
from whybuy.records import Behavior, Head, HeadKind, Hypothesis, Product
from whybuy.relations import Relation

SHOP = make_shop(
    [
        Product("p1", "Marlowe Drift slip-on shoe", product_type="slip-on shoe"),
        Product("p2", "Trail leash for walking the dog", product_type="dog leash"),
        Product("p3", "Thing without a type"),
    ],
    [(Behavior.SEARCH_BUY, f"{word} for walking the dog", "p2", 3) for word in ("leash", "lead", "rope")],
)
FLUENCY, ENCODER = fluency_of(SHOP), encoder_of(SHOP)
CASES: dict[type, Callable[[], HypothesisFilter]] = {
    Incomplete: Incomplete,
    Restates: lambda: Restates(SHOP.products),
    Generic: lambda: Generic(SHOP.products, least_count=2, least_types=2, limit=0.5),
    Disfluent: lambda: Disfluent(FLUENCY),
    Similar: lambda: Similar(SHOP.products, ENCODER),
    Duplicate: lambda: Duplicate(SHOP.products),
}
every_filter = pytest.mark.parametrize("make", CASES.values(), ids=[kind.__name__ for kind in CASES])


def test_every_filter_is_here_and_runs_in_every_build() -> None:
    names = [f"{filters.__name__}.{module.name}" for module in pkgutil.iter_modules(filters.__path__)]
    found = {
        value.__name__
        for name in names
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, type) and value.__module__ == name and "__call__" in vars(value)
    }
    assert found == {kind.__name__ for kind in CASES}
    usual = default_filters(SHOP, FilterConfig())
    assert {type(judge).__name__ for judge in usual} == found
    assert tuple(judge.name for judge in usual) == NAMES
    assert len(set(NAMES)) == len(NAMES)


@every_filter
def test_no_hypotheses_no_scores(make: Callable[[], HypothesisFilter]) -> None:
    scores = make()(to_table([]))
    assert scores.shape == (0,)
    assert scores.dtype == np.float64


@every_filter
@settings(max_examples=20, deadline=None)
@given(hypotheses=hypotheses_lists(), data=st.data())
def test_scores_do_not_depend_on_order_chunks_or_repetition(
    make: Callable[[], HypothesisFilter], hypotheses: list[Hypothesis], data: st.DataObject
) -> None:
    table, judge = to_table(hypotheses), make()
    order = data.draw(st.permutations(range(len(hypotheses))))
    scores = judge(table)
    assert scores.shape == (len(hypotheses),)
    shuffled = judge(table.take(pa.array(order, pa.int64())))
    np.testing.assert_allclose(shuffled, scores[np.array(order, dtype=int)], atol=1e-6)
    np.testing.assert_allclose(judge(pa.concat_tables([table, table])), np.tile(scores, 2), atol=1e-6)


@every_filter
@settings(max_examples=20, deadline=None)
@given(head=heads(), relation=st.sampled_from(Relation), tail=st.text(max_size=40))
def test_any_tail_has_a_score_or_none(
    make: Callable[[], HypothesisFilter], head: Head, relation: Relation, tail: str
) -> None:
    (score,) = make()(to_table([reason(head, relation, tail)]))
    assert not np.isinf(score)


@every_filter
@pytest.mark.parametrize(
    "head",
    [
        Head(HeadKind.PRODUCT, ("gone",)),
        Head(HeadKind.PAIR, ("gone", "lost")),
        Head(HeadKind.TYPE, ("space ship",)),
        Head(HeadKind.QUERY, ("鞋",)),
    ],
)
def test_a_good_reason_of_an_unknown_head_passes(make: Callable[[], HypothesisFilter], head: Head) -> None:
    judge = make()
    (score,) = judge(to_table([reason(head, Relation.USED_FOR_EVENT, "walking the dog")]))
    assert not score > judge.limit
