"""What a tree thinks of labels that others found: the margin of each and the score of the way to it."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.xmr.growth import AddedLabels
from whybuy.xmr.search import (
    EncodedQuery,
    Lists,
    SearchedTree,
    add_up,
    added_margin,
    encode_query,
    log_share,
    room_for_query,
)
from whybuy.xmr.weights import PackedWeights


class LabelScores(NamedTuple):
    """Opinions on some labels, in their order. A label's logarithmic score is way + share of (margin + bias)."""

    margins: NDArray[np.float32]  # shape (labels,): sum of weight times value, without the bias
    biases: NDArray[np.float32]  # shape (labels,)
    ways: NDArray[np.float32]  # shape (labels,): logarithm of the score of the leaf that the label hangs under, <= 0


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
    scores = np.ones(nodes, np.float32)  # of the nodes met so far; 1, which no logarithm of a share is, of the others
    scores[0] = 0
    summed = -1
    for at in np.argsort(leaves):
        leaf, place = leaves[at], places[at]
        _score_way(tree, parents, asked, leaf, scores)
        if summed != leaf:
            add_up(tree.packed, leaf, asked)
            summed = leaf
        ways[at] = scores[leaf]
        if place < trained:
            child = nodes + place
            margins[at] = tree.packed.scale[child - 1] * asked.sums[child - tree.first_child[leaf]]
            biases[at] = tree.packed.bias[child - 1]
        else:
            margins[at] = added_margin(tree.added, asked, place - trained)
            biases[at] = tree.added.bias[place - trained]
    return LabelScores(margins, biases, ways)


@kernel
def _score_way(
    tree: SearchedTree, parents: NDArray[np.int32], query: EncodedQuery, leaf: int, scores: NDArray[np.float32]
) -> None:
    """Fill in the scores of the nodes from the root down to a leaf, and of their siblings."""
    while scores[leaf] > 0:
        node = parents[leaf]
        while scores[node] > 0:
            node = parents[node]
        add_up(tree.packed, node, query)
        first = tree.first_child[node]
        for child in range(first, tree.first_child[node + 1]):
            margin = tree.packed.bias[child - 1] + tree.packed.scale[child - 1] * query.sums[child - first]
            scores[child] = scores[node] + log_share(margin, query.power)
