"""What keeps a beam search to the labels of a span, such as the completions that begin with a prefix.

A node without any label of the span takes no place in the beam (our design; the step itself is that of `search`).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.xmr.label_tree import LabelTree

Span = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], int, int]
"""Bounds of a search: the three arrays of `LabelsBelow`, the first label and the one after the last."""


class LabelsBelow(NamedTuple):
    """The labels below each node in ascending order, so that one bisection finds whether some lie in a span."""

    labels: NDArray[np.int32]  # shape (levels * labels,): level by level, ascending within each node
    begin: NDArray[np.int32]  # shape (nodes,): the labels below node n are labels[begin[n]] up to labels[end[n]]
    end: NDArray[np.int32]

    def span(self, low: int, high: int) -> Span:
        """The bounds of a search among the labels from `low` up to `high`."""
        return self.labels, self.begin, self.end, low, high


def labels_below(tree: LabelTree) -> LabelsBelow:
    """The labels below all nodes: 4 bytes for each label and level."""
    begin, end = np.empty(tree.nodes, np.int32), np.empty(tree.nodes, np.int32)
    count = len(tree.labels)
    labels = np.empty((tree.levels, count), np.int32)
    starts = tree.first_child - tree.nodes  # of leaves: the positions of their labels
    for level in range(tree.levels - 1, -1, -1):
        nodes = slice(int(tree.level_start[level]), int(tree.level_start[level + 1]))
        first, last = tree.first_child[nodes], tree.first_child[nodes.start + 1 : nodes.stop + 1]
        if level == tree.levels - 1:
            begin[nodes], end[nodes] = starts[nodes], starts[nodes.start + 1 : nodes.stop + 1]
        else:
            begin[nodes], end[nodes] = begin[first], end[last - 1]
        node = np.repeat(np.arange(len(first), dtype=np.int32), end[nodes] - begin[nodes])
        labels[level] = tree.labels[np.lexsort((tree.labels, node))]
    level_of_node = np.repeat(np.arange(tree.levels), np.diff(tree.level_start))
    shift = (level_of_node * count).astype(np.int32)
    return LabelsBelow(labels.ravel(), begin + shift, end + shift)


@kernel
def has_any(labels: NDArray[np.int32], low: int, high: int, first: int, last: int) -> bool:
    """Whether one of the ascending labels at the places from `low` up to `high` lies from `first` up to `last`."""
    end = high
    while low < high:
        middle = (low + high) // 2
        if labels[middle] < first:
            low = middle + 1
        else:
            high = middle
    return bool(low < end and labels[low] < last)
