"""A search among the labels of a span is the search among all of them, without the others."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from whybuy.xmr.post_processor import PostProcessor
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.trainer import TrainingConfig, train_tree
from whybuy.xmr.tree import XMRTree

LABELS = 120


@pytest.fixture(scope="module")
def tree() -> XMRTree:
    rng = np.random.default_rng(3)
    features = csr_matrix(random_array((600, 80), density=0.1, rng=rng, dtype=np.float32))
    labels = csr_matrix((np.ones(600, np.float32), (np.arange(600), rng.integers(0, LABELS, 600))), (600, LABELS))
    return train_tree(features, labels, config=TrainingConfig(indexer=BalancedKMeans(branching=4, leaf_size=8)))


QUERY = (np.array([3, 17, 40, 71], np.int32), np.array([0.5, 0.5, 0.5, 0.5], np.float32))


@pytest.mark.parametrize("span", [(0, LABELS), (0, 1), (37, 80), (119, 120), (50, 50), (90, 20)])
@pytest.mark.parametrize("post", [PostProcessor.L3_HINGE, PostProcessor.SIGMOID, PostProcessor.LOG_L3_HINGE])
def test_with_a_beam_without_bounds_it_is_the_search_less_the_others(
    tree: XMRTree, span: tuple[int, int], post: PostProcessor
) -> None:
    every, scores = tree.search(*QUERY, beam=1000, limit=LABELS, post=post)
    kept = (every >= span[0]) & (every < span[1])
    found, of_found = tree.search_span(*QUERY, span, beam=1000, limit=LABELS, post=post)
    assert found.tolist() == every[kept].tolist()
    np.testing.assert_allclose(of_found, scores[kept], rtol=1e-5)


def test_a_narrow_beam_is_spent_within_the_span(tree: XMRTree) -> None:
    for low in range(LABELS - 5):
        found, scores = tree.search_span(*QUERY, (low, low + 5), beam=1, limit=3)
        assert 1 <= len(found) <= 3
        assert ((found >= low) & (found < low + 5)).all()
        assert (np.diff(scores) <= 0).all()


def test_removed_labels_are_not_found_and_none_are_where_none_are_wanted(tree: XMRTree) -> None:
    assert tree.search_span(*QUERY, (0, LABELS), limit=0)[0].tolist() == []
    tree.remove([7])
    assert tree.search_span(*QUERY, (7, 8), beam=1000)[0].tolist() == []
