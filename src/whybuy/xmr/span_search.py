"""Beam search among the labels of a span: a node without any of them takes no place in the beam."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.xmr.added_labels import AddedLabels
from whybuy.xmr.heap import key_of, number_of, offer, score_of, sort
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.search import Lists, SearchedTree, add_up, encode_query, log_factor, room_for_query
from whybuy.xmr.weights import PackedWeights


class Below(NamedTuple):
    """The labels below each node, so that a few bisections tell whether some of them lie in a span."""

    labels: NDArray[np.int32]  # shape (levels, labels): by position, but rising within each node of the level
    begin: NDArray[np.int32]  # shape (nodes,): those of node n on its level are begin[n] up to end[n]
    end: NDArray[np.int32]


def labels_below(tree: LabelTree) -> Below:
    """The labels below all nodes: 4 bytes for each label and level."""
    begin, end = np.empty(tree.nodes, np.int32), np.empty(tree.nodes, np.int32)
    labels = np.empty((tree.levels, len(tree.labels)), np.int32)
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
    return Below(labels, begin, end)


@kernel
def _has_any(labels: NDArray[np.int32], low: int, high: int, span: tuple[int, int]) -> bool:
    """Whether one of the rising labels from `low` up to `high` lies in the span."""
    end = high
    while low < high:
        middle = (low + high) // 2
        if labels[middle] < span[0]:
            low = middle + 1
        else:
            high = middle
    return low < end and labels[low] < span[1]


@kernel
def search_span(
    plain: tuple[Any, ...],
    below_nodes: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]],
    query: tuple[NDArray[np.int32], NDArray[np.float32]],
    span: tuple[int, int],
    walk: tuple[int, int, int, int],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The best labels from `span[0]` up to `span[1]`, best first, and the logarithms of their scores.

    Added labels are not looked at. plain: see `plain_tree`. below_nodes: a `Below` without its names. walk: see
    `Walk.plain`.
    """
    packed, first_child, labels, added, removed, most_children = plain
    tree = SearchedTree(PackedWeights(*packed), first_child, labels, AddedLabels(*added), removed, most_children)
    steps, beam, limit, power = walk
    asked = Lists(np.array([0, len(query[0])], np.int64), query[0], query[1])
    room = encode_query(tree, asked, 0, room_for_query(tree, len(query[0]), power))
    known, begin, end = below_nodes
    nodes, bias, scale = len(first_child) - 1, tree.packed.bias, tree.packed.scale
    above, below = np.empty(max(beam, limit, 1), np.uint64), np.empty(max(beam, limit, 1), np.uint64)
    above[0] = key_of(np.float32(0), 0)
    size = 1
    for step in range(steps):
        capacity = limit if step == steps - 1 else beam
        found = 0
        for place in range(size if capacity else 0):
            score, node = score_of(above[place]), number_of(above[place])
            if found == capacity and score < score_of(below[0]):
                break  # no child scores above its parent
            add_up(tree.packed, int(node), room)
            first = first_child[node]
            for child in range(first, first_child[node + 1]):
                number = child if child < nodes else labels[child - nodes]
                if child < nodes:
                    inside = _has_any(known[step + 1], begin[child], end[child], span)
                else:
                    inside = span[0] <= number < span[1] and not removed[number]
                if inside:
                    margin = bias[child - 1] + scale[child - 1] * room.sums[child - first]
                    found = offer(below, found, capacity, key_of(score + log_factor(margin, power), number))
        sort(below, found)
        above, below, size = below, above, found
    best, scores = np.empty(size, np.int32), np.empty(size, np.float32)
    for place in range(size):
        best[place], scores[place] = number_of(above[place]), score_of(above[place])
    return best, scores
