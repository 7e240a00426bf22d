"""Label trees from the path of each label, and the paths of a tree: for trees of any shape."""

import numpy as np
from numpy.typing import NDArray

from whybuy.xmr.label_tree import LabelTree


def tree_of_paths(paths: NDArray[np.int64]) -> LabelTree:
    """The tree in which labels share a node as far as their paths are the same.

    paths: shape (labels, levels), any numbers, from the root's children down to the leaves; no levels make one leaf.
    Children stand in the order of their numbers, labels of a leaf in the order of theirs.
    """
    labels, levels = paths.shape
    order = np.lexsort([np.arange(labels), *paths.T[::-1]]).astype(np.int32)
    begins = np.zeros(labels, np.bool_)  # whether another node begins at a label
    begins[:1] = True
    counts, sizes = [], [1]
    for level in range(levels):
        above = np.flatnonzero(begins)
        codes = paths[order, level]
        begins[1:] |= codes[1:] != codes[:-1]
        counts.append(np.add.reduceat(begins, above))
        sizes.append(int(begins.sum()))
    counts.append(np.diff(np.append(np.flatnonzero(begins), labels)))
    first_child = np.cumsum(np.concatenate([[1], *counts]))
    return LabelTree(first_child.astype(np.int32), np.cumsum([0, *sizes]).astype(np.int32), order)


def paths_of(tree: LabelTree) -> NDArray[np.int64]:
    """The numbers of the nodes above each label, the root left out. Returns: shape (labels, levels - 1)."""
    parents, node = tree.parents(), tree.parents()[tree.nodes + tree.position_of_label()]
    paths = []
    for _ in range(tree.levels - 1):
        paths.append(node)
        node = parents[node]
    return np.array(paths[::-1], np.int64).reshape(tree.levels - 1, len(tree.labels)).T
