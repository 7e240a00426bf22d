"""Beam search among the labels of a span: a node without any of them takes no place in the beam."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.xmr.growth import AddedLabels
from whybuy.xmr.heap import key_of, number_of, offer, score_of, sort
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.search import Lists, SearchedTree, add_up, encode_query, log_share, room_for_query
from whybuy.xmr.weights import PackedWeights

Bounds: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32]]
"""The least and the greatest label below each node; both of shape (nodes,)."""


def bounds_of(tree: LabelTree) -> Bounds:
    """Bounds of all nodes; a node without labels has bounds that no span meets."""
    least = np.full(tree.nodes, len(tree.labels), np.int32)
    greatest = np.full(tree.nodes, -1, np.int32)
    parents = tree.parents()
    np.minimum.at(least, parents[tree.nodes :], tree.labels)
    np.maximum.at(greatest, parents[tree.nodes :], tree.labels)
    for level in range(tree.levels - 1, 0, -1):
        nodes = np.arange(tree.level_start[level], tree.level_start[level + 1])
        np.minimum.at(least, parents[nodes], least[nodes])
        np.maximum.at(greatest, parents[nodes], greatest[nodes])
    return least, greatest


@kernel
def search_within(
    plain: tuple[Any, ...],
    bounds: Bounds,
    query: tuple[NDArray[np.int32], NDArray[np.float32]],
    span: tuple[int, int],
    walk: tuple[int, int, int, int],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The best labels from `span[0]` up to `span[1]`, best first, and the logarithms of their scores.

    Added labels are not looked at. plain: see `plain_tree`. walk: see `Walk.plain`.
    """
    packed, first_child, labels, added, removed, most_children = plain
    tree = SearchedTree(PackedWeights(*packed), first_child, labels, AddedLabels(*added), removed, most_children)
    steps, beam, limit, power = walk
    asked = Lists(np.array([0, len(query[0])], np.int64), query[0], query[1])
    room = encode_query(tree, asked, 0, room_for_query(tree, len(query[0]), power))
    least, greatest = bounds
    low, high = span
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
                    inside = least[child] < high and greatest[child] >= low
                else:
                    inside = low <= number < high and not removed[number]
                if inside:
                    margin = bias[child - 1] + scale[child - 1] * room.sums[child - first]
                    found = offer(below, found, capacity, key_of(score + log_share(margin, power), number))
        sort(below, found)
        above, below, size = below, above, found
    best, scores = np.empty(size, np.int32), np.empty(size, np.float32)
    for place in range(size):
        best[place], scores[place] = number_of(above[place]), score_of(above[place])
    return best, scores
