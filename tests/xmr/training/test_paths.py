"""Trees from paths and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training.paths import paths_of, tree_of_paths

PATHS = st.integers(0, 4).flatmap(
    lambda levels: st.lists(
        st.lists(st.integers(-1, 2), min_size=levels, max_size=levels), min_size=1, max_size=30
    ).map(lambda rows: np.array(rows, np.int64).reshape(len(rows), levels))
)


def together(paths: np.ndarray, level: int) -> np.ndarray:
    """Which labels share their path down to a level."""
    return np.asarray((paths[:, None, :level] == paths[None, :, :level]).all(axis=2))


@given(PATHS)
def test_labels_share_a_node_as_far_as_they_share_a_path(paths: np.ndarray) -> None:
    tree = tree_of_paths(paths)
    assert tree.levels == paths.shape[1] + 1
    assert sorted(tree.labels.tolist()) == list(range(len(paths)))
    assert tree.first_child[-1] == tree.nodes + len(paths)
    assert (np.diff(tree.first_child) > 0).all()
    found = paths_of(tree)
    for level in range(paths.shape[1] + 1):
        assert (together(found, level) == together(paths, level)).all()


@given(PATHS)
def test_a_tree_comes_back_from_its_paths(paths: np.ndarray) -> None:
    tree = tree_of_paths(paths)
    again = tree_of_paths(paths_of(tree))
    for one, other in zip(parts(tree), parts(again), strict=True):
        assert one.tolist() == other.tolist()


def parts(tree: LabelTree) -> tuple[np.ndarray, ...]:
    return tree.first_child, tree.level_start, tree.labels
