"""What a tree thinks of labels that others found: the margin of each and the score of the way to it."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.xmr.added_labels import AddedLabels
from whybuy.xmr.search import (
    EncodedQuery,
    Lists,
    SearchedTree,
    add_up,
    added_margin,
    encode_query,
    log_factor,
    room_for_query,
)
from whybuy.xmr.weights import PackedWeights


class LabelScores(NamedTuple):
    """Opinions on some labels, in their order. A label's logarithmic score is way + share of (margin + bias)."""

    margins: NDArray[np.float32]  # shape (labels,): sum of weight times value, without the bias
    biases: NDArray[np.float32]  # shape (labels,)
    ways: NDArray[np.float32]  # shape (labels,): logarithm of the score of the leaf that the label hangs under, <= 0


class Way(NamedTuple):
    """The nodes from the root down to a leaf, and what was scored on the ways so far."""

    nodes: NDArray[np.int32]  # shape (levels,)
    filled: NDArray[np.int32]  # shape (levels - 1,): the node whose children have the scores of a level
    scores: NDArray[np.float32]  # shape (levels - 1, children of any node)


@kernel
def range_of(labels: NDArray[np.int32]) -> tuple[int, int]:
    """The lowest and the highest of some labels, of which there are any."""
    return labels.min(), labels.max()


@kernel
def score_labels(
    plain: tuple[Any, ...],
    parents: NDArray[np.int32],
    positions: NDArray[np.int32],
    query: tuple[NDArray[np.int32], NDArray[np.float32]],
    asked_for: NDArray[np.int32],
    power: int,
) -> LabelScores:
    """Score labels, whether or not a search would have come to them.

    plain: see `plain_tree`. parents: as of `LabelTree`. positions: of its labels. asked_for: labels; added ones go on
    counting. power: of the hinge, 0 for the sigmoid.
    """
    packed, first_child, labels, added, removed, most_children = plain
    tree = SearchedTree(PackedWeights(*packed), first_child, labels, AddedLabels(*added), removed, most_children)
    nodes, trained, count = len(first_child) - 1, len(labels), len(asked_for)
    margins, biases, ways = np.zeros(count, np.float32), np.zeros(count, np.float32), np.zeros(count, np.float32)
    listed = Lists(np.array([0, len(query[0])], np.int64), query[0], query[1])
    asked = encode_query(tree, listed, 0, room_for_query(tree, len(query[0]), power))
    leaves, places = np.empty(count, np.int32), np.empty(count, np.int32)
    for at in range(count):
        label = asked_for[at]
        places[at] = positions[label] if label < trained else label
        leaves[at] = parents[nodes + places[at]] if label < trained else tree.added.leaf[label - trained]
    depth = _depth(parents, leaves[0]) if count else 0
    way = Way(np.empty(depth + 1, np.int32), np.full(depth, -1, np.int32), np.empty((depth, most_children), np.float32))
    summed = -1
    for at in np.argsort(leaves):  # so that ways go together as far as they can
        leaf, place = leaves[at], places[at]
        ways[at] = _score_way(tree, parents, asked, leaf, way)
        if summed != leaf:
            add_up(tree.packed, leaf, asked)
            summed = leaf
        if place < trained:
            child = nodes + place
            margins[at] = tree.packed.scale[child - 1] * asked.sums[child - tree.first_child[leaf]]
            biases[at] = tree.packed.bias[child - 1]
        else:
            margins[at] = added_margin(tree.added, asked, place - trained)
            biases[at] = tree.added.bias[place - trained]
    return LabelScores(margins, biases, ways)


@kernel
def _score_way(tree: SearchedTree, parents: NDArray[np.int32], query: EncodedQuery, leaf: int, way: Way) -> np.float32:
    """Lead the way to a leaf and score the nodes on it, with their siblings. Returns: the score of the leaf."""
    nodes, filled, scores = way.nodes, way.filled, way.scores
    node = leaf
    for level in range(len(nodes) - 1, -1, -1):
        nodes[level] = node
        node = parents[node]
    score = np.float32(0)
    for level in range(len(nodes) - 1):
        node, first = nodes[level], tree.first_child[nodes[level]]
        if filled[level] != node:
            filled[level] = node
            add_up(tree.packed, node, query)
            for child in range(first, tree.first_child[node + 1]):
                margin = tree.packed.bias[child - 1] + tree.packed.scale[child - 1] * query.sums[child - first]
                scores[level, child - first] = score + log_factor(margin, query.power)
        score = scores[level, nodes[level + 1] - first]
    return score


@kernel
def _depth(parents: NDArray[np.int32], node: int) -> int:
    """How many levels a node lies below the root."""
    depth = 0
    while parents[node] >= 0:
        node = parents[node]
        depth += 1
    return depth
