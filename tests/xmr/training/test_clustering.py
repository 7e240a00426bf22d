import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_matrix

from whybuy.errors import InputError
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training.clustering import BalancedKMeans


def embeddings(labels: int, seed: int = 0) -> csr_matrix:
    return random_matrix(labels, 30, 0.2, format="csr", dtype=np.float32, random_state=seed)


def leaf_sizes(tree: LabelTree) -> list[int]:
    return [int(tree.first_child[leaf + 1] - tree.first_child[leaf]) for leaf in tree.leaves]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(1, 40), st.sampled_from([2, 4, 8, 32]), st.integers(0, 3))
def test_a_tree_holds_every_label_once_in_even_leaves(labels: int, leaf_size: int, branching: int, seed: int) -> None:
    tree = BalancedKMeans(branching=branching, leaf_size=leaf_size, seed=seed)(embeddings(labels))
    assert sorted(tree.labels.tolist()) == list(range(labels))
    sizes = leaf_sizes(tree)
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= leaf_size
    assert sum(sizes) == labels


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 300), st.integers(1, 10), st.sampled_from([2, 4, 8, 32]))
def test_nodes_have_as_many_children_as_asked(labels: int, leaf_size: int, branching: int) -> None:
    tree = BalancedKMeans(branching=branching, leaf_size=leaf_size)(embeddings(labels))
    counts = np.diff(tree.first_child)
    assert tree.first_child[0] == 1
    assert tree.level_start[-1] == tree.nodes
    assert 2 <= counts[0] <= branching
    assert set(counts[1 : tree.level_start[-2]].tolist()) <= {branching}


def test_groups_that_share_nothing_come_apart() -> None:
    block = np.kron(np.eye(4), np.ones((25, 5))).astype(np.float32)
    order = np.random.default_rng(0).permutation(100)
    tree = BalancedKMeans(branching=2, leaf_size=50)(csr_matrix(block[order]))
    first = np.split(order[tree.labels] // 25, 2)[0]
    assert max(np.bincount(first, minlength=4)) == 25  # at least one group is not torn


def test_threads_change_nothing_and_seeds_do() -> None:
    matrix = embeddings(500)
    tree = BalancedKMeans(leaf_size=20)(matrix)
    np.testing.assert_array_equal(tree.labels, BalancedKMeans(leaf_size=20)(matrix, threads=3).labels)
    assert not np.array_equal(tree.labels, BalancedKMeans(leaf_size=20, seed=1)(matrix).labels)


def test_labels_without_features_are_spread_over_leaves() -> None:
    tree = BalancedKMeans(leaf_size=10)(csr_matrix((100, 8), dtype=np.float32))
    assert max(leaf_sizes(tree)) <= 10


def test_what_cannot_be_a_tree_is_refused() -> None:
    with pytest.raises(InputError, match="branching is 12; allowed: a power of 2"):
        BalancedKMeans(branching=12)
    with pytest.raises(InputError, match="leaf_size is 0"):
        BalancedKMeans(leaf_size=0)
    with pytest.raises(InputError, match="there are no labels"):
        BalancedKMeans()(csr_matrix((0, 5), dtype=np.float32))


def test_more_children_than_can_be_numbered_and_cuts_without_a_pass_are_refused() -> None:
    for wrong, said in [({"leaf_size": 70_000}, "leaf_size is 70000"), ({"branching": 1 << 17}, "branching is 131072")]:
        with pytest.raises(InputError, match=said):
            BalancedKMeans(**wrong)
    with pytest.raises(InputError, match="iterations is 0; a cut takes 1 pass or more"):
        BalancedKMeans(iterations=0)
