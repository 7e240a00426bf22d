"""Metrics against hand-computed values and slow, obvious versions."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.errors import InputError
from whybuy.metrics import (
    MRR,
    NDCG,
    Direction,
    Recall,
    ZeroResults,
    calibration_error,
    confusion,
    macro_f1,
    micro_f1,
    roc_auc,
    share,
)

Metric = NDCG | Recall | MRR | ZeroResults

METRICS: tuple[Metric, ...] = (NDCG(at=5), Recall(at=5), MRR(at=5), ZeroResults())
grades = st.lists(st.integers(0, 3).map(float), max_size=12)


def test_ndcg_by_hand() -> None:
    # gains 3, 0, 2 of the judged 3, 2, 1: (3 + 2/2) / (3 + 2/log2(3) + 1/2)
    ideal = 3 + 2 / math.log2(3) + 0.5
    assert NDCG(at=10)([3, 0, 2], [1, 3, 2]) == pytest.approx(4 / ideal)


def test_ndcg_counts_gain_missed_beyond_the_list() -> None:
    assert NDCG(at=2)([1], [1, 1]) == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_recall_by_hand() -> None:
    assert Recall(at=2)([1, 0, 1], [1, 1, 1, 1]) == 0.25


def test_mrr_by_hand() -> None:
    assert MRR(at=10)([0, 0, 1, 1], [1, 1]) == pytest.approx(1 / 3)
    assert MRR(at=2)([0, 0, 1], [1]) == 0


def test_zero_results() -> None:
    assert [ZeroResults()([], []), ZeroResults()([0.0], [])] == [1, 0]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@given(judged=grades, order=st.randoms(use_true_random=False))
def test_values_stay_in_range(metric: Metric, judged: list[float], order: Random) -> None:
    ranked = order.sample(judged, len(judged))
    low, high = metric.value_range
    assert low <= metric(ranked, judged) <= high + 1e-12


@pytest.mark.parametrize("metric", METRICS[:3], ids=lambda metric: metric.name)
@given(judged=grades, order=st.randoms(use_true_random=False))
def test_no_order_beats_the_ideal_one(metric: Metric, judged: list[float], order: Random) -> None:
    assert metric.direction is Direction.HIGHER_IS_BETTER
    ranked = order.sample(judged, len(judged))
    assert metric(ranked, judged) <= metric(sorted(judged, reverse=True), judged) + 1e-12


@given(gains=grades, rest=grades)
def test_ndcg_equals_the_sum_over_ranks(gains: list[float], rest: list[float]) -> None:
    judged = gains + rest

    def total(values: list[float]) -> float:
        return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(values[:5], 1))

    ideal = total(sorted(judged, reverse=True))
    assert NDCG(at=5)(gains, judged) == pytest.approx(total(gains) / ideal if ideal else 0)


def test_names_are_the_keys_of_reports() -> None:
    assert [metric.name for metric in METRICS] == ["ndcg@5", "recall@5", "mrr@5", "zero_results"]


def test_a_cutoff_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1, not 0"):
        NDCG(at=0)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60))
def test_calibration_error_is_that_of_the_definition(answers: list[tuple[float, bool]]) -> None:
    bins: dict[int, list[tuple[float, bool]]] = {}
    for one in answers:
        bins.setdefault(min(int(one[0] * 10), 9), []).append(one)
    slow = sum(abs(sum(c for c, _ in each) - sum(r for _, r in each)) for each in bins.values()) / max(1, len(answers))
    confidence, right = np.array([c for c, _ in answers]), np.array([r for _, r in answers], np.bool_)
    assert calibration_error(confidence, right) == pytest.approx(slow)


def test_share_of_nothing_is_zero() -> None:
    assert (share(1, 4), share(0, 0)) == (0.25, 0)


# ---------------------------------------------------------------- classes
answers = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30)


@given(answers)
def test_f1_is_that_of_its_definition(pairs: list[tuple[int, int]]) -> None:
    actual, predicted = (np.array(column) for column in zip(*pairs, strict=True))
    table = confusion(actual, predicted, 3)
    by_class = []
    for one in range(3):
        hits = sum(a == p == one for a, p in pairs)
        said, true = sum(p == one for _, p in pairs), sum(a == one for a, _ in pairs)
        by_class.append(2 * hits / (said + true) if said + true else 0.0)
    assert macro_f1(table) == pytest.approx(sum(by_class) / 3)
    assert micro_f1(table) == pytest.approx(sum(a == p for a, p in pairs) / len(pairs))
    np.testing.assert_allclose(macro_f1(np.stack([table, 2 * table])), macro_f1(table))


def test_f1_of_nothing_is_nothing() -> None:
    assert macro_f1(np.zeros((3, 3))) == micro_f1(np.zeros((3, 3))) == 0


scored = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.booleans(), st.integers(0, 3)), max_size=12)


@given(scored)
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[float, bool, int]]) -> None:
    scores, positive = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], bool)
    weights = np.array([[row[2] for row in rows], [1.0] * len(rows)])
    every = [(score, right) for score, right, times in rows for _ in range(times)]
    pairs = [(up, down) for up, yes in every if yes for down, no in every if not no]
    expected = sum((up > down) + 0.5 * (up == down) for up, down in pairs) / len(pairs) if pairs else 0.5
    assert roc_auc(scores, positive, weights)[0] == pytest.approx(expected)
