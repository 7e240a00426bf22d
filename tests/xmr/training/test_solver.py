from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_matrix
from sklearn.svm import LinearSVC

from whybuy.errors import InputError
from whybuy.xmr.training.chunk import Chunk
from whybuy.xmr.training.ports import NodeTask
from whybuy.xmr.training.solver import SvmRanker

EXACT = SvmRanker(tolerance=1e-4, iterations=2000, threshold=0)
SIZES = (75, 600)


def instances(count: int, seed: int = 0) -> csr_matrix:
    return random_matrix(count, 80, 0.06, format="csr", dtype=np.float32, random_state=seed)


def task(count: int, positives: Sequence[Sequence[int]], costs: Sequence[float] | None = None) -> NodeTask:
    sizes = [0, *map(len, positives)]
    flat = np.array([row for rows in positives for row in rows], np.int32)
    return NodeTask(
        instances=np.arange(count, dtype=np.int32),
        positive_start=np.cumsum(sizes).astype(np.int64),
        positives=flat,
        costs=np.ones(len(flat), np.float32) if costs is None else np.array(costs, np.float32),
    )


def some_positives(count: int, children: int, seed: int = 1) -> list[list[int]]:
    random = np.random.default_rng(seed)
    return [sorted(random.choice(count, 1 + count // 20, replace=False).tolist()) for _ in range(children)]


def dense(chunk: Chunk, features: int = 80) -> NDArray[np.float64]:
    """Children x (features and bias)."""
    weights = np.zeros((len(chunk.bias), features + 1))
    weights[chunk.children, np.repeat(chunk.features, np.diff(chunk.starts))] = chunk.weights
    weights[:, -1] = chunk.bias
    return weights


def objective(
    rows: csr_matrix, weights: NDArray[np.float64], costs: NDArray[np.float64], sides: NDArray[np.float64]
) -> float:
    losses = np.maximum(0, 1 - sides * (rows @ weights[:-1] + weights[-1])) ** 2
    return float(weights @ weights / 2 + costs @ losses)


def slow_svm(
    rows: csr_matrix, sides: NDArray[np.float64], costs: NDArray[np.float64], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Scalar dual coordinate descent for one child, as in the textbook. prior: features and bias."""
    full = np.hstack([rows.toarray(), np.ones((rows.shape[0], 1))]).astype(np.float64)
    weights, alphas = prior.copy(), np.zeros(len(full))
    for sweep in range(1500):
        for row in np.random.default_rng(sweep).permutation(len(full)):
            diagonal = full[row] @ full[row] + 0.5 / costs[row]
            gradient = sides[row] * (weights @ full[row]) - 1 + 0.5 / costs[row] * alphas[row]
            alpha = max(alphas[row] - gradient / diagonal, 0)
            weights += (alpha - alphas[row]) * sides[row] * full[row]
            alphas[row] = alpha
    return weights


@pytest.mark.parametrize("count", SIZES)
def test_weights_reach_the_optimum_of_liblinear(count: int) -> None:
    rows, positives = instances(count), some_positives(count, 20)
    weights = dense(EXACT(rows, task(count, positives)))
    for child in range(20):
        sides = np.full(count, -1.0)
        sides[positives[child]] = 1
        theirs = LinearSVC(tol=1e-8, max_iter=100_000, random_state=0).fit(rows, sides)
        np.testing.assert_allclose(weights[child, :-1], theirs.coef_[0], atol=2e-3)
        assert weights[child, -1] == pytest.approx(theirs.intercept_[0], abs=2e-3)


@pytest.mark.parametrize("count", SIZES)
def test_the_usual_tolerance_is_within_a_percent_of_the_optimum(count: int) -> None:
    rows, positives = instances(count), some_positives(count, 20)
    loose = dense(replace(EXACT, tolerance=SvmRanker().tolerance)(rows, task(count, positives)))
    exact = dense(EXACT(rows, task(count, positives)))
    for child in range(20):
        sides = np.full(count, -1.0)
        sides[positives[child]] = 1
        costs = np.ones(count)
        assert objective(rows, loose[child], costs, sides) <= 1.01 * objective(rows, exact[child], costs, sides)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100), st.floats(0.2, 5), st.lists(st.floats(0.1, 1), min_size=3, max_size=3))
def test_costs_and_priors_mean_what_the_slow_version_means(seed: int, cost: float, costs: list[float]) -> None:
    rows = instances(12, seed)
    prior = random_matrix(2, 80, 0.1, format="csr", dtype=np.float32, random_state=seed)
    node = replace(task(12, [[1, 5], [2]], costs), prior=prior)
    weights = dense(replace(EXACT, cost=cost)(rows, node))
    for child, (positives, low) in enumerate((([1, 5], 0), ([2], 2))):
        sides, each = np.full(12, -1.0), np.full(12, cost)
        sides[positives] = 1
        each[positives] = cost * np.array(costs[low : low + len(positives)])
        slow = slow_svm(rows, sides, each, np.append(prior[child].toarray()[0], 0))
        np.testing.assert_allclose(weights[child], slow, atol=3e-3)


@pytest.mark.parametrize("count", SIZES)
def test_weights_leave_their_prior_only_for_what_instances_say(count: int) -> None:
    rows, positives = instances(count), [[0, 3], [7], []]
    prior = random_matrix(3, 80, 0.1, format="csr", dtype=np.float32, random_state=5)
    weights = dense(EXACT(rows, replace(task(count, positives), prior=prior)))
    full = np.hstack([rows.toarray(), np.ones((count, 1))])
    for child in range(2):
        sides = np.full(count, -1.0)
        sides[positives[child]] = 1
        slopes = -2 * full.T @ (sides * np.maximum(0, 1 - sides * (full @ weights[child])))
        np.testing.assert_allclose(weights[child] - np.append(prior[child].toarray()[0], 0), -slopes, atol=3e-3)


@pytest.mark.parametrize("count", SIZES)
def test_children_without_positives_share_one_solution_beside_their_prior(count: int) -> None:
    prior = random_matrix(3, 80, 0.1, format="csr", dtype=np.float32, random_state=2)
    rows = instances(count)
    weights = dense(EXACT(rows, task(count, [[1], [], []])))
    np.testing.assert_array_equal(weights[1], weights[2])
    assert weights[1, -1] < 0
    assert np.abs(weights[0] - weights[1]).max() > 0.1
    moved = dense(EXACT(rows, replace(task(count, [[1], [], []]), prior=prior)))
    np.testing.assert_allclose(moved[1:, :-1] - weights[1:, :-1], prior[1:].toarray(), atol=2e-3)


def test_a_node_without_instances_keeps_its_prior() -> None:
    prior = csr_matrix(np.array([[0.5, 0, 0.05], [0, 0, 1]], np.float32))
    nothing = replace(task(0, [[], []]), prior=prior)
    chunk = SvmRanker(threshold=0.1)(csr_matrix((4, 3), dtype=np.float32), nothing)
    np.testing.assert_allclose(dense(chunk, 3), np.array([[0.5, 0, 0, 0], [0, 0, 1, 0]]))


@pytest.mark.parametrize("count", SIZES)
def test_small_weights_are_left_out_and_the_bias_stays(count: int) -> None:
    rows, node = instances(count), task(count, some_positives(count, 5))
    full, pruned = dense(EXACT(rows, node)), dense(replace(EXACT, threshold=0.3)(rows, node))
    expected = np.where(np.abs(full) >= 0.3, full, 0)
    expected[:, -1] = full[:, -1]
    np.testing.assert_array_equal(pruned, expected)


def test_only_the_largest_weights_of_a_child_are_kept() -> None:
    rows, node = instances(60), task(60, some_positives(60, 5))
    full, pruned = dense(EXACT(rows, node)), dense(replace(EXACT, max_weights=7)(rows, node))
    for child in range(5):
        kept = pruned[child, :-1]
        np.testing.assert_array_equal(np.sort(np.abs(kept[kept != 0])), np.sort(np.abs(full[child, :-1]))[-7:])


@pytest.mark.parametrize("count", SIZES)
def test_chunks_are_well_formed(count: int) -> None:
    chunk = SvmRanker()(instances(count), task(count, some_positives(count, 20)))
    assert (np.diff(chunk.features) > 0).all()
    assert (np.diff(chunk.starts) > 0).all()
    assert chunk.starts[0] == 0
    assert chunk.starts[-1] == len(chunk.weights) == len(chunk.children)
    row_of_entry = np.repeat(np.arange(len(chunk.features)), np.diff(chunk.starts))
    assert (np.diff(row_of_entry * 20 + chunk.children) > 0).all()


def test_costs_that_are_not_positive_are_refused() -> None:
    with pytest.raises(InputError, match=r"cost is 0.*both must be above 0"):
        SvmRanker(cost=0)
    with pytest.raises(InputError, match="tolerance -1"):
        SvmRanker(tolerance=-1)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match=r"cost is nan.*both must be above 0"):
        SvmRanker(cost=float("nan"))
    with pytest.raises(InputError, match=r"threshold is nan; allowed: 0"):
        SvmRanker(threshold=float("nan"))
