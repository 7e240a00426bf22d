import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from random_trees import random_queries, random_searched, score_every_label

from whybuy.xmr.post_processor import PostProcessor, log_factor
from whybuy.xmr.search import BeamParams, beam_search, from_root
from whybuy.xmr.sparse_rows import SparseRows, sparse_rows

ALL = 1000


def best_of(scores: NDArray[np.float64], limit: int) -> NDArray[np.int64]:
    """Labels by falling score, ties by number."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :limit]


@pytest.mark.parametrize("post", PostProcessor)
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_a_beam_over_all_nodes_equals_scoring_every_label(post: PostProcessor, bits: int) -> None:
    tree, searched = random_searched(120, bits=bits)
    queries = random_queries(20)
    expected = score_every_label(tree, searched.packed, queries, post)
    found = beam_search(searched, sparse_rows(queries), from_root(20), BeamParams(tree.levels, ALL, 120, post.power))
    np.testing.assert_allclose(np.take_along_axis(expected, found.labels, axis=1), found.scores, rtol=1e-5, atol=1e-5)
    assert (np.sort(found.labels, axis=1) == np.arange(120)).all()


@settings(max_examples=60, deadline=None)
@given(labels=st.integers(1, 80), beam=st.integers(1, 12), limit=st.integers(1, 30), seed=st.integers(0, 5))
def test_a_narrow_beam_gives_the_best_below_the_nodes_it_kept(labels: int, beam: int, limit: int, seed: int) -> None:
    tree, searched = random_searched(labels, seed)
    queries = random_queries(4, seed=seed)
    found = beam_search(searched, sparse_rows(queries), from_root(4), BeamParams(tree.levels, beam, limit, 3))
    exact = score_every_label(tree, searched.packed, queries, PostProcessor.LOG_L3_HINGE)
    leaf_of = tree.parents()[tree.nodes + tree.position_of_label()]
    kept = from_root(4).ids[:, None]
    if tree.levels > 1:
        kept = beam_search(
            searched, sparse_rows(queries), from_root(4), BeamParams(tree.levels - 1, beam, beam, 3)
        ).labels
    for row in range(4):
        reachable = np.where(np.isin(leaf_of, kept[row]), exact[row], -np.inf)
        expected = best_of(reachable[None], limit)[0]
        expected = expected[np.isfinite(reachable[expected])]
        assert (np.diff(found.scores[row, : len(expected)]) <= 0).all()
        np.testing.assert_allclose(found.scores[row, : len(expected)], reachable[expected], rtol=1e-4, atol=1e-5)
        assert (found.labels[row, len(expected) :] == -1).all()
        assert (found.scores[row, len(expected) :] == -np.inf).all()


def test_equal_scores_are_ordered_by_label() -> None:
    tree, searched = random_searched(40)
    packed = searched.packed._replace(bias=np.zeros_like(searched.packed.bias))
    empty = random_queries(1)
    found = beam_search(
        searched._replace(packed=packed), sparse_rows(empty), from_root(1), BeamParams(tree.levels, ALL, 7, 3)
    )
    np.testing.assert_array_equal(found.labels[0], np.arange(7))


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_and_single_queries_answer_as_the_batch_does(threads: int) -> None:
    tree, searched = random_searched(200)
    queries, params = random_queries(50), BeamParams(tree.levels, 3, 10, 3)
    whole = beam_search(searched, sparse_rows(queries), from_root(50), params)
    split = beam_search(searched, sparse_rows(queries), from_root(50), params, threads=threads)
    singles = [beam_search(searched, sparse_rows(queries[[row]]), from_root(1), params) for row in range(50)]
    for name in ("labels", "scores"):
        np.testing.assert_array_equal(getattr(split, name), getattr(whole, name))
        np.testing.assert_array_equal(np.concatenate([getattr(one, name) for one in singles]), getattr(whole, name))


def test_a_search_goes_on_from_where_another_stopped() -> None:
    tree, searched = random_searched(200)
    queries = sparse_rows(random_queries(10))
    whole = beam_search(searched, queries, from_root(10), BeamParams(tree.levels, 3, 10, 3))
    upper = beam_search(searched, queries, from_root(10), BeamParams(1, 3, 3, 3))
    places = np.arange(0, 31, 3)
    start = SparseRows(places, upper.labels.ravel(), upper.scores.ravel())
    rest = beam_search(searched, queries, start, BeamParams(tree.levels - 1, 3, 10, 3))
    np.testing.assert_array_equal(rest.labels, whole.labels)
    np.testing.assert_allclose(rest.scores, whole.scores, rtol=1e-6)


def test_removed_labels_are_passed_over() -> None:
    tree, searched = random_searched(60)
    queries, params = sparse_rows(random_queries(5)), BeamParams(tree.levels, ALL, 10, 3)
    before = beam_search(searched, queries, from_root(5), params._replace(limit=60))
    searched.removed[before.labels[:, :3].ravel()] = True
    after = beam_search(searched, queries, from_root(5), params)
    for row in range(5):
        expected = [label for label in before.labels[row] if not searched.removed[label]][:10]
        np.testing.assert_array_equal(after.labels[row], expected)


@pytest.mark.parametrize("margin", [-30.0, -1.0, 0.0, 0.5, 1.0, 3.0])
def test_shares_follow_their_formulas(margin: float) -> None:
    gap = max(0.0, 1 - margin)
    for power in (1, 2, 3, 4):
        assert log_factor(np.float32(margin), power) == pytest.approx(-(gap**power), rel=1e-6)
    assert log_factor(np.float32(margin), 0) == pytest.approx(-np.log1p(np.exp(-margin)), rel=1e-5)


def test_features_that_no_ranker_knows_change_nothing() -> None:
    tree, searched = random_searched(30)
    known = np.array([3, 40], np.int32)
    one = SparseRows(np.array([0, 2]), known, np.ones(2, np.float32))
    more = SparseRows(np.array([0, 3]), np.array([3, 40, 1_000_000], np.int32), np.ones(3, np.float32))
    params = BeamParams(tree.levels, 3, 5, 3)
    for left, right in zip(
        beam_search(searched, one, from_root(1), params), beam_search(searched, more, from_root(1), params), strict=True
    ):
        np.testing.assert_array_equal(left, right)
