"""What a tree thinks of given labels is what its paths say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import random as random_matrix

from whybuy.errors import InputError
from whybuy.xmr.post_processor import PostProcessor, log_factor
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.growth import add_labels
from whybuy.xmr.training.trainer import TrainingConfig, train_tree
from whybuy.xmr.tree import XMRTree

FEATURES, LABELS = 60, 40


@pytest.fixture(scope="module")
def tree() -> XMRTree:
    """Three levels, and two labels that were added."""
    features = random_matrix(200, FEATURES, density=0.1, format="csr", dtype=np.float32, random_state=1)
    labels = random_matrix(200, LABELS, density=0.05, format="csr", dtype=np.float32, random_state=2)
    config = TrainingConfig(indexer=BalancedKMeans(branching=2, leaf_size=10), bits=32)
    tree = train_tree(features, labels, config=config)
    add_labels(tree, features[:2], random_matrix(2, 2, density=1.0, format="csr", dtype=np.float32, random_state=3))
    return tree


@given(seed=st.integers(0, 1000), labels=st.lists(st.integers(0, LABELS + 1), max_size=30))
def test_scores_are_those_of_the_explained_path(tree: XMRTree, seed: int, labels: list[int]) -> None:
    query = random_matrix(1, FEATURES, density=0.3, format="csr", dtype=np.float32, random_state=seed)
    scored = tree.score(query.indices, query.data, np.array(labels, np.int32))
    for at, label in enumerate(labels):
        explained = tree.explain(query.indices, query.data, label, post=PostProcessor.LOG_L3_HINGE)
        last = explained.path[-1]
        assert scored.biases[at] == pytest.approx(last.bias, abs=1e-5)
        assert scored.margins[at] == pytest.approx(last.margin - last.bias, abs=1e-4)
        share = log_factor(np.float32(last.margin), 3)
        assert scored.paths[at] + share == pytest.approx(explained.score, rel=1e-3, abs=1e-4)


def test_found_labels_have_the_score_that_they_were_found_with(tree: XMRTree) -> None:
    query = random_matrix(1, FEATURES, density=0.3, format="csr", dtype=np.float32, random_state=5)
    labels, scores = tree.search(query.indices, query.data, beam=40, limit=42, post=PostProcessor.LOG_L3_HINGE)
    found = tree.score(query.indices, query.data, labels)
    shares = [log_factor(np.float32(margin), 3) for margin in found.margins + found.biases]
    np.testing.assert_allclose(found.paths + shares, scores, rtol=1e-4, atol=1e-4)


def test_an_unknown_label_is_refused(tree: XMRTree) -> None:
    none = np.empty(0, np.int32)
    with pytest.raises(InputError, match="There is no label 42; labels are 0 to 41"):
        tree.score(none, none.astype(np.float32), np.array([42], np.int32))


def test_a_value_that_is_no_number_ends_in_scores_that_are_none(tree: XMRTree) -> None:
    scored = tree.score(np.zeros(1, np.int32), np.full(1, np.nan, np.float32), np.arange(LABELS, dtype=np.int32))
    assert len(scored.paths) == LABELS
