"""What an action counts as evidence, by its kind and its age; a log without times has nothing old and nothing late."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.expr.types import Table
from shop_logs import slow_units

from whybuy.behavior.signals import (
    ACTION_COUNTS,
    DAY,
    KINDS,
    LogTime,
    SignalConfig,
    log_time,
    strongest,
    unit_weights,
    with_evidence,
)
from whybuy.errors import ConfigError
from whybuy.records import Action

COUNTS = st.dictionaries(st.sampled_from(KINDS), st.integers(0, 10**6))
JANUARY = int((datetime(2026, 1, 1) - datetime(1970, 1, 1)).total_seconds())
UNDATED, DATED = st.integers(0, 300 * DAY), st.integers(JANUARY, JANUARY + 90 * DAY)
WEIGHTS: dict[str, float] = {Action.PURCHASE: 1.0, Action.ADD_TO_CART: 0.5, Action.CLICK: 0.125}
RANKS = st.sampled_from([None, 1, 2, 7])
ACTS = st.lists(st.tuples(st.sampled_from(KINDS), st.one_of(UNDATED, DATED), RANKS), min_size=1, max_size=30)


# ---------------------------------------------------------------- kinds
@given(counts=COUNTS)
def test_one_kind_is_the_unit_and_stronger_kinds_never_count_less(counts: Mapping[Action, int]) -> None:
    weights = unit_weights({kind.value: count for kind, count in counts.items()})
    logged = {kind: count for kind, count in counts.items() if count}
    assert weights == pytest.approx(slow_units(counts))
    assert weights.keys() == logged.keys()
    assert all(1 / 25 <= weight <= 25 for weight in weights.values())
    assert not weights or 1 in weights.values()
    by_strength = [weights[kind] for kind in KINDS if kind in weights]
    assert by_strength == sorted(by_strength, reverse=True)


@pytest.mark.parametrize(
    ("counts", "weights"),
    [
        ({Action.CLICK: 7}, {Action.CLICK: 1}),
        ({Action.PURCHASE: 100, Action.CLICK: 400}, {Action.PURCHASE: 1, Action.CLICK: 0.25}),
        ({Action.PURCHASE: 10, Action.CLICK: 490}, {Action.PURCHASE: 1, Action.CLICK: 1 / 25}),
        (
            {Action.PURCHASE: 100, Action.ADD_TO_CART: 200, Action.CLICK: 20},
            {Action.PURCHASE: 1, Action.ADD_TO_CART: 0.5, Action.CLICK: 0.5},
        ),
        ({Action.PURCHASE: 9, Action.CLICK: 491}, {Action.PURCHASE: 25, Action.CLICK: 1}),
        (
            {Action.PURCHASE: 1, Action.ADD_TO_CART: 50, Action.CLICK: 100},
            {Action.PURCHASE: 25, Action.ADD_TO_CART: 1, Action.CLICK: 0.5},
        ),
    ],
    ids=["clicks alone", "a quarter", "a fiftieth", "few clicks", "too few purchases", "carts"],
)
def test_the_unit_is_the_strongest_kind_that_is_no_rarity(counts: dict[str, int], weights: dict[str, float]) -> None:
    assert unit_weights(counts) == pytest.approx(weights)


@pytest.mark.parametrize(
    ("counts", "column"),
    [
        ((10, 20, 90), "purchases"),
        ((0, 20, 90), "carts"),
        ((0, 0, 90), "clicks"),
        ((1, 2, 180), "clicks"),
        ((0, 0, 0), "purchases"),
    ],
    ids=["all", "no purchases", "clicks alone", "rarities", "nothing"],
)
def test_pairs_are_counted_by_the_strongest_kind_that_is_no_rarity(counts: tuple[int, int, int], column: str) -> None:
    pairs = pa.table({name: [count, 0] for name, count in zip(ACTION_COUNTS, counts, strict=True)})
    assert strongest(pairs).to_pylist() == pairs[column].to_pylist()


# ---------------------------------------------------------------- age
def acts_table(acts: Sequence[tuple[str, int, int | None]]) -> Table:
    """Actions from (action, seconds, rank)."""
    actions, seconds, ranks = zip(*acts, strict=True)
    columns = {
        "action": pa.array(map(str, actions)),
        "seconds": pa.array(seconds),
        "position": pa.array(ranks, pa.int32()),
    }
    return ibis.memtable(pa.table(columns))


@given(
    acts=ACTS,
    late_share=st.sampled_from([0.1, 0.2, 0.5]),
    half_life=st.sampled_from([1.0, 14.0]),
    ranks=st.sampled_from([{}, {1: 0.8, 2: 1.6}]),
)
@settings(max_examples=25)
def test_evidence_is_what_plain_python_says(
    acts: list[tuple[Action, int, int | None]], late_share: float, half_life: float, ranks: dict[int, float]
) -> None:
    config, table = SignalConfig(half_life, late_share), acts_table(acts)
    time = log_time(table.seconds, late_share)
    dated = [seconds for _, seconds, _ in acts if seconds >= JANUARY]
    assert time == (LogTime(max(dated), int(np.quantile(dated, 1 - late_share)) + 1) if dated else LogTime())
    rows = with_evidence(table, WEIGHTS, ranks, time, config).to_pyarrow().to_pylist()
    assert len(rows) == len(acts)
    for row in rows:
        rank, seconds = row["position"], row["seconds"]
        unit = WEIGHTS[row["action"]] * (ranks[min(rank, 2)] if rank and ranks else 1)
        late = time.late_from <= seconds
        ages = [(end - seconds) / DAY / half_life if seconds >= JANUARY else 0 for end in (time.last, time.late_from)]
        assert row["evidence"] == pytest.approx(unit)
        assert row["recent"] == pytest.approx(unit * 0.5 ** ages[0])
        assert row["earlier"] == pytest.approx(0 if late else unit * 0.5 ** ages[1])
        assert row["late"] == pytest.approx(unit if late else 0)


def test_after_a_half_life_an_action_counts_half() -> None:
    table = acts_table([("click", JANUARY, None), ("click", JANUARY + 14 * DAY, None)])
    weighed = with_evidence(table, {"click": 1.0}, {}, log_time(table.seconds, 0.2), SignalConfig())
    assert [row["recent"] for row in weighed.to_pyarrow().to_pylist()] == pytest.approx([0.5, 1])


def test_a_log_without_times_has_nothing_old_and_nothing_late() -> None:
    table = acts_table([("click", seconds, None) for seconds in (0, 5, 300 * DAY)])
    time = log_time(table.seconds, 0.2)
    assert time == LogTime()
    for row in with_evidence(table, {"click": 1.0}, {}, time, SignalConfig()).to_pyarrow().to_pylist():
        assert (row["evidence"], row["recent"], row["earlier"], row["late"]) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"half_life_days": 0}, r"half_life_days is 0; write a number of days above 0"),
        ({"late_share": 1}, r"late_share is 1; write a share between 0 and 1, such as 0\.2"),
        ({"late_share": 0}, r"late_share is 0; write a share between 0 and 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SignalConfig(**changes)
