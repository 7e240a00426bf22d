"""Adds labels to a trained tree: each is trained by itself, against the labels of its leaf (our design)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from whybuy.errors import InputError
from whybuy.kernels import kernel
from whybuy.xmr.added_labels import NewLabel
from whybuy.xmr.post_processor import PostProcessor
from whybuy.xmr.search import BeamParams, beam_search, from_root
from whybuy.xmr.sparse_rows import SparseRows, single_row, sparse_rows
from whybuy.xmr.training.checks import check_numbers, check_rows
from whybuy.xmr.tree import XMRTree
from whybuy.xmr.weights import code_bits, codes_of, features_of, read_chunk

SWEEPS = 10  # over the positives of a new label and its siblings
ROUTING_BEAM = 10  # nodes per level on the path of a new label to its leaf
BIAS_PENALTY = 0.15  # taken from the bias: what only its text is known of should not outdo what shoppers have confirmed


class Positives(NamedTuple):
    """The instances of a new label."""

    starts: NDArray[np.int64]  # shape (instances + 1,)
    codes: NDArray[np.uint32]  # of the features of each instance
    values: NDArray[np.float32]
    costs: NDArray[np.float32]  # shape (instances,), > 0


class Siblings(NamedTuple):
    """The rankers of a leaf's labels, a row for each feature."""

    codes: NDArray[np.uint32]  # shape (rows,), ascending
    lengths: NDArray[np.int64]  # shape (rows,): entries of each
    children: NDArray[np.uint16]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]  # shape (children,)


def add_labels(tree: XMRTree, features: csr_matrix, labels: csr_matrix) -> range:
    """Add labels to a trained tree without training it anew: each goes to the leaf that its instances lead to.

    features: instances x features, the label's own text and its queries. labels: instances x new labels, weights
    > 0. Returns: the numbers of the new labels, in order.

    Raises:
        InputError: a label has no instance, or the matrices do not fit.
    """
    by_label = _check_instances(features, labels, tree.features)
    rows, starts = sparse_rows(features), by_label.indptr
    entries = [slice(*starts[new : new + 2]) for new in range(labels.shape[1])]
    return tree.attach(
        [_ranker(tree, _positives(rows, by_label.indices[of], by_label.data[of], tree.features)) for of in entries]
    )


def _ranker(tree: XMRTree, positives: Positives) -> NewLabel:
    packed, leaf = tree.searched.packed, _leaf(tree, positives)
    first, last = tree.tree.first_child[leaf : leaf + 2]
    codes, lengths, children, stored = read_chunk(packed, leaf)
    weights = stored * packed.scale[first - 1 : last - 1][children]
    siblings = Siblings(codes, lengths, children, weights, packed.bias[first - 1 : last - 1])
    return first_ranker(leaf, siblings, positives)


def _leaf(tree: XMRTree, positives: Positives) -> int:
    """The leaf that the sum of some instances leads to."""
    levels = tree.tree.levels
    if levels == 1:
        return 0
    weights = np.repeat(positives.costs, np.diff(positives.starts)) * positives.values
    codes, place = np.unique(positives.codes, return_inverse=True)
    total = np.bincount(place, weights).astype(np.float32)
    length = np.sqrt((total * total).sum()) or np.float32(1)
    query = single_row(features_of(codes, code_bits(tree.features)), total / length)
    params = BeamParams(levels - 1, ROUTING_BEAM, 1, PostProcessor.L3_HINGE.power)
    return int(beam_search(tree.searched, query, from_root(1), params).labels[0, 0])


def _positives(
    rows: SparseRows, instances: NDArray[np.int32], weights: NDArray[np.float32], features: int
) -> Positives:
    """Some of the instances, the heaviest with the cost 1."""
    entries = [slice(rows.starts[row], rows.starts[row + 1]) for row in instances]
    ids = np.concatenate([rows.ids[part] for part in entries])
    values = np.concatenate([rows.values[part] for part in entries])
    starts = np.cumsum([0, *(part.stop - part.start for part in entries)])
    return Positives(starts, codes_of(ids, code_bits(features)), values, (weights / weights.max()).astype(np.float32))


def _check_instances(features: csr_matrix, labels: csr_matrix, known: int) -> csc_matrix:
    """The labels column by column, without what is not above 0."""
    check_rows(features, labels)
    if features.shape[1] != known:
        raise InputError(f"The instances have {features.shape[1]} features, but the tree was trained on {known}.")
    check_numbers(features)
    by_label = csc_matrix(labels, copy=True)
    by_label.data[~(by_label.data > 0)] = 0
    by_label.eliminate_zeros()
    bare = np.flatnonzero(np.diff(by_label.indptr) == 0)
    if len(bare):
        raise InputError(f"New label {bare[0]} has no instance. Give it one at least, such as its text.")
    return by_label


class _Examples(NamedTuple):
    """The training data of a new ranker; features are numbered as in the leaf, then those of its positives alone."""

    starts: NDArray[np.int64]
    features: NDArray[np.int64]
    values: NDArray[np.float32]
    sides: NDArray[np.float32]  # 1, or -1
    slack: NDArray[np.float32]  # 1 / (2 cost)


@kernel
def first_ranker(leaf: int, siblings: Siblings, positives: Positives) -> NewLabel:
    """A ranker for a label of which only the positives are known.

    It starts at the median of its siblings, which were all trained on the negatives of the leaf. Dual coordinate
    descent then separates its positives from the siblings, each of which stands for its positives by its weights
    above 0.
    """
    extra = np.unique(positives.codes[_places(siblings.codes, positives.codes) < 0])
    codes = np.concatenate((siblings.codes, extra))
    weights = np.zeros(len(codes), np.float32)
    _begin(siblings, weights)
    bias = np.float32(np.median(siblings.bias))
    bias += _descend(_examples(siblings, positives, extra), weights, bias) - np.float32(BIAS_PENALTY)
    kept = weights != 0
    return NewLabel(leaf, codes[kept], weights[kept], np.float32(bias))


@kernel
def _places(codes: NDArray[np.uint32], wanted: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Where codes stand in an ascending list, or -1."""
    places = np.searchsorted(codes, wanted)
    for number in range(len(wanted)):
        if places[number] == len(codes) or codes[places[number]] != wanted[number]:
            places[number] = -1
    return places


@kernel
def _begin(siblings: Siblings, weights: NDArray[np.float32]) -> None:
    """Set each feature's weight to the median over the siblings."""
    of_feature = np.empty(len(siblings.bias), np.float32)
    entry = 0
    for row in range(len(siblings.codes)):
        length = siblings.lengths[row]
        if 2 * length > len(of_feature):
            of_feature[:length] = siblings.weights[entry : entry + length]
            of_feature[length:] = 0
            weights[row] = np.median(of_feature)
        entry += length


@kernel
def _examples(siblings: Siblings, positives: Positives, extra: NDArray[np.uint32]) -> _Examples:
    """The positives, then each sibling as a negative of length 1."""
    count, rivals = len(positives.costs), len(siblings.bias)
    starts = np.zeros(count + rivals + 1, np.int64)
    squares = np.zeros(rivals, np.float32)
    for entry in range(len(siblings.weights)):
        if siblings.weights[entry] > 0:
            starts[count + siblings.children[entry] + 1] += 1
            squares[siblings.children[entry]] += siblings.weights[entry] ** 2
    starts[1 : count + 1] = positives.starts[1:] - positives.starts[:-1]
    starts = np.cumsum(starts)
    features, values = np.empty(starts[-1], np.int64), np.empty(starts[-1], np.float32)
    places = _places(siblings.codes, positives.codes)
    unseen = np.searchsorted(extra, positives.codes) + len(siblings.codes)
    features[: len(places)] = np.where(places < 0, unseen, places)
    values[: len(places)] = positives.values
    at = starts[count:-1].copy()
    entry = 0
    for row in range(len(siblings.codes)):
        for _ in range(siblings.lengths[row]):
            child = siblings.children[entry]
            if siblings.weights[entry] > 0:
                features[at[child]], values[at[child]] = row, siblings.weights[entry] / np.sqrt(squares[child])
                at[child] += 1
            entry += 1
    sides, slack = np.ones(count + rivals, np.float32), np.full(count + rivals, np.float32(0.5))
    sides[count:] = -1
    slack[:count] /= positives.costs
    return _Examples(starts, features, values, sides, slack)


@kernel
def _descend(examples: _Examples, weights: NDArray[np.float32], start: np.float32) -> np.float32:
    """Dual coordinate descent (squared hinge) from given weights, which are changed; returns what the bias gains."""
    dual = np.zeros(len(examples.sides), np.float32)
    gain = np.float32(0)
    for _ in range(SWEEPS):
        for row in range(len(dual)):
            margin, square = start + gain, np.float32(1)
            for entry in range(examples.starts[row], examples.starts[row + 1]):
                value = examples.values[entry]
                margin += value * weights[examples.features[entry]]
                square += value * value
            slope = examples.sides[row] * margin - np.float32(1) + examples.slack[row] * dual[row]
            change = max(-dual[row], -slope / (square + examples.slack[row]))
            dual[row] += change
            gain += change * examples.sides[row]
            for entry in range(examples.starts[row], examples.starts[row + 1]):
                weights[examples.features[entry]] += change * examples.sides[row] * examples.values[entry]
    return gain
