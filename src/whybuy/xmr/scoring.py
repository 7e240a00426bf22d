"""The score of a tree for given labels, such as candidates that something else has found."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.xmr.node_scores import EncodedQuery, added_margin, encode_query, room_for_query, sum_node
from whybuy.xmr.post_processor import log_factor
from whybuy.xmr.searched_tree import PlainTree, SearchedTree, tree_of
from whybuy.xmr.sparse_rows import SparseRows


class LabelScores(NamedTuple):
    """Scores of some labels, in their order; the logarithm of a label's score is path + log_factor(margin + bias)."""

    margins: NDArray[np.float32]  # shape (labels,): sum of weight times value, without the bias
    biases: NDArray[np.float32]  # shape (labels,)
    paths: NDArray[np.float32]  # shape (labels,): logarithm of the score of the leaf that the label hangs under, <= 0


class _Path(NamedTuple):
    """The nodes from the root down to a leaf, and the scores of their children on the paths followed so far."""

    nodes: NDArray[np.int32]  # shape (levels,)
    filled: NDArray[np.int32]  # shape (levels - 1,): the node whose children have the scores of a level
    scores: NDArray[np.float32]  # shape (levels - 1, children of any node)


@kernel
def range_of(labels: NDArray[np.int32]) -> tuple[int, int]:
    """The lowest and the highest of some labels, of which there are any."""
    return labels.min(), labels.max()


@kernel
def score_labels(
    plain: PlainTree,
    parents: NDArray[np.int32],
    positions: NDArray[np.int32],
    query: tuple[NDArray[np.int32], NDArray[np.float32]],
    candidates: NDArray[np.int32],
    power: int,
) -> LabelScores:
    """Score labels, whether or not a search would have come to them.

    plain: see `SearchedTree.plain`. parents: as of `LabelTree`. positions: of its labels. candidates: labels; numbers
    beyond the trained ones are added labels. power: of the hinge, 0 for the sigmoid.
    """
    tree = tree_of(plain)
    first_child, max_children = tree.first_child, tree.max_children
    nodes, trained, count = len(first_child) - 1, len(tree.labels), len(candidates)
    margins, biases, paths = np.zeros(count, np.float32), np.zeros(count, np.float32), np.zeros(count, np.float32)
    rows = SparseRows(np.array([0, len(query[0])], np.int64), query[0], query[1])
    encoded = encode_query(tree, rows, 0, room_for_query(tree, len(query[0]), power))
    leaves, places = np.empty(count, np.int32), np.empty(count, np.int32)
    for at in range(count):
        label = candidates[at]
        places[at] = positions[label] if label < trained else label
        leaves[at] = parents[nodes + places[at]] if label < trained else tree.added.leaf[label - trained]
    depth = _depth(parents, leaves[0]) if count else 0
    path = _Path(
        np.empty(depth + 1, np.int32), np.full(depth, -1, np.int32), np.empty((depth, max_children), np.float32)
    )
    summed = -1
    for at in np.argsort(leaves):  # so that nodes that paths share are scored once
        leaf, place = leaves[at], places[at]
        paths[at] = _score_path(tree, parents, encoded, leaf, path)
        if summed != leaf:
            sum_node(tree.packed, leaf, encoded)
            summed = leaf
        if place < trained:
            child = nodes + place
            margins[at] = tree.packed.scale[child - 1] * encoded.sums[child - tree.first_child[leaf]]
            biases[at] = tree.packed.bias[child - 1]
        else:
            margins[at] = added_margin(tree.added, encoded, place - trained)
            biases[at] = tree.added.bias[place - trained]
    return LabelScores(margins, biases, paths)


@kernel
def _score_path(
    tree: SearchedTree, parents: NDArray[np.int32], query: EncodedQuery, leaf: int, path: _Path
) -> np.float32:
    """Score the nodes on the path to a leaf, with their siblings. Returns: the logarithm of the score of the leaf."""
    nodes, filled, scores = path.nodes, path.filled, path.scores
    node = leaf
    for level in range(len(nodes) - 1, -1, -1):
        nodes[level] = node
        node = parents[node]
    score = np.float32(0)
    for level in range(len(nodes) - 1):
        node, first = nodes[level], tree.first_child[nodes[level]]
        if filled[level] != node:
            filled[level] = node
            sum_node(tree.packed, node, query)
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
