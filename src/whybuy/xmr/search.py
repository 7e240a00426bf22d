"""Beam search down a tree of packed rankers: one compiled pass over all queries of a call."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.xmr.heap import key_of, number_of, offer, score_of, sort
from whybuy.xmr.node_scores import EncodedQuery, added_margin, encode_query, prefetch_node, room_for_query, sum_node
from whybuy.xmr.post_processor import log_factor, log_factors
from whybuy.xmr.searched_tree import PlainTree, SearchedTree, tree_of
from whybuy.xmr.span_search import Span, has_any
from whybuy.xmr.sparse_rows import SparseRows, query_arrays

_PARTS_PER_THREAD = 4  # of a batch: threads that are done early take another


class BeamParams(NamedTuple):
    """How deep and how wide a beam search goes."""

    levels: int  # down from where it starts
    beam: int  # nodes kept on each level
    limit: int  # results kept on the last one
    power: int  # of the hinge, 0 for the sigmoid; see `PostProcessor`

    @property
    def plain(self) -> tuple[int, int, int, int]:
        """The same as a plain tuple, as `SearchedTree.plain`."""
        return self.levels, self.beam, self.limit, self.power


class Predictions(NamedTuple):
    """The best labels (or nodes) of each query, best first, ties by number; places left over have -1 and -inf."""

    labels: NDArray[np.int32]  # shape (queries, limit)
    scores: NDArray[np.float32]  # shape (queries, limit)

    @classmethod
    def empty(cls, queries: int, limit: int) -> "Predictions":
        """Memory for the results of a search."""
        return cls(np.empty((queries, limit), np.int32), np.empty((queries, limit), np.float32))

    def part(self, first: int, last: int) -> "Predictions":
        """Those of the queries from `first` up to `last`, in the same memory."""
        return Predictions(self.labels[first:last], self.scores[first:last])


def from_root(queries: int) -> SparseRows:
    """The usual start of a search: the root alone, with the score 1."""
    return SparseRows(
        np.arange(queries + 1, dtype=np.int64), np.zeros(queries, np.int32), np.zeros(queries, np.float32)
    )


def beam_search(
    tree: SearchedTree, queries: SparseRows, start: SparseRows, params: BeamParams, *, threads: int = 1
) -> Predictions:
    """Search for all queries, each from its own nodes. Scores are logarithms.

    start: for each query the nodes that it starts from, all of one level, and the logarithms of their scores.
    """
    count = len(queries.starts) - 1
    predictions = Predictions.empty(count, params.limit)
    if threads == 1 or count < 2:
        _search(tree, queries, start, params, None, predictions)
        return predictions
    cuts = np.linspace(0, count, _PARTS_PER_THREAD * threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        parts = [
            pool.submit(_search, tree, queries.part(*cut), start.part(*cut), params, None, predictions.part(*cut))
            for cut in pairwise(cuts)
        ]
        for part in parts:
            part.result()
    return predictions


def beam_search_one(
    tree: SearchedTree,
    ids: NDArray[np.int32],
    values: NDArray[np.float32],
    params: BeamParams,
    span: Span | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """As `beam_search` from the root for one query, with the least to do around it; no places are left over.

    span: bounds of the labels; added labels are not looked at then.

    Raises:
        InputError: there are more or fewer values than features.
    """
    ids, values = query_arrays(ids, values)
    return _search_one(tree.plain, ids, values, params.plain, span)


@kernel
def _search_one(
    plain: PlainTree,
    ids: NDArray[np.int32],
    values: NDArray[np.float32],
    params: tuple[int, int, int, int],
    span: Span | None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """One query from the root. plain: see `SearchedTree.plain`; params: see `BeamParams.plain`."""
    query = SparseRows(np.array([0, len(ids)], np.int64), ids, values)
    root = SparseRows(np.array([0, 1], np.int64), np.zeros(1, np.int32), np.zeros(1, np.float32))
    limit = params[2]
    best = Predictions(np.empty((1, limit), np.int32), np.empty((1, limit), np.float32))
    _search(tree_of(plain), query, root, BeamParams(*params), span, best)
    size = 0
    while size < limit and best.labels[0, size] >= 0:
        size += 1
    return best.labels[0, :size], best.scores[0, :size]


@kernel
def _search(
    tree: SearchedTree,
    queries: SparseRows,
    start: SparseRows,
    params: BeamParams,
    span: Span | None,
    best: Predictions,
) -> None:
    """Fill `best` with the results of the queries."""
    if params.limit == 0:
        return
    labels, scores = best.labels, best.scores
    memory = room_for_query(tree, _longest(queries.starts), params.power)
    room = max(params.beam, params.limit, _longest(start.starts))
    above, below = np.empty(room, np.uint64), np.empty(room, np.uint64)
    for row in range(len(labels)):
        query = encode_query(tree, queries, row, memory)
        size = 0
        for entry in range(start.starts[row], start.starts[row + 1]):
            size = offer(above, size, room, key_of(start.values[entry], start.ids[entry]))
        sort(above, size)
        for level in range(params.levels):
            capacity = params.limit if level == params.levels - 1 else params.beam
            size = _step_down(tree, query, above[:size], below, capacity, span)
            above, below = below, above
        for place in range(size):
            labels[row, place], scores[row, place] = number_of(above[place]), score_of(above[place])
        labels[row, size:] = -1
        scores[row, size:] = -np.inf


@kernel
def _longest(starts: NDArray[np.int64]) -> int:
    longest = 0
    for row in range(len(starts) - 1):
        longest = max(longest, starts[row + 1] - starts[row])
    return longest


@kernel
def _step_down(
    tree: SearchedTree,
    query: EncodedQuery,
    above: NDArray[np.uint64],
    below: NDArray[np.uint64],
    capacity: int,
    span: Span | None,
) -> int:
    """Put the best children of the nodes above into the list below, both best first. Returns: how many they are.

    capacity: of the list below, at least 1. Lists are of keys, see `heap`. Arrays are taken out of their tuples before
    the loop: within, that would cost more than the arithmetic.
    """
    first_child, labels, removed, newest = tree.first_child, tree.labels, tree.removed, tree.added.newest
    packed, bias, scale = tree.packed, tree.packed.bias, tree.packed.scale
    sums, factors = query.sums, query.factors
    nodes, power = len(first_child) - 1, query.power
    if span is not None:  # Numba compiles this kernel once for None, without all that asks for a span
        within, begin, end, first_label, last_label = span
    size, lowest = 0, np.float32(-np.inf)  # of the scores that may still enter the list
    for place in range(len(above)):
        score, node = score_of(above[place]), number_of(above[place])
        if score < lowest:
            break  # no child scores above its parent
        if place + 1 < len(above):  # by the time that this node is done, the buckets of the next one are near
            prefetch_node(packed, int(number_of(above[place + 1])), query)
        sum_node(packed, int(node), query)
        first, last = first_child[node], first_child[node + 1]
        if span is None:
            log_factors(sums, bias[first - 1 : last - 1], scale[first - 1 : last - 1], power, factors)
        for child in range(first, last):
            number = child if child < nodes else labels[child - nodes]
            if span is None:
                factor = factors[child - first]
            else:  # few children have labels of a span, so that the factors of all would be work for nothing
                below_it = child < nodes and has_any(within, begin[child], end[child], first_label, last_label)
                if not (below_it or (child >= nodes and first_label <= number < last_label)):
                    continue
                factor = log_factor(bias[child - 1] + scale[child - 1] * sums[child - first], power)
            reached = score + factor
            if reached < lowest or (child >= nodes and removed[number]):
                continue
            size = offer(below, size, capacity, key_of(reached, number))
            if size == capacity:
                lowest = score_of(below[0])
        if span is None and first >= nodes and len(newest):
            size = _offer_added(tree, query, int(node), score, below, size, capacity)
            lowest = score_of(below[0]) if size == capacity else lowest
    sort(below, size)
    return size


@kernel
def _offer_added(  # noqa: PLR0913, PLR0917 - the state of a search
    tree: SearchedTree,
    query: EncodedQuery,
    leaf: int,
    score: np.float32,
    below: NDArray[np.uint64],
    size: int,
    capacity: int,
) -> int:
    """Offer the labels that were added to a leaf. Returns: how many are in the list then."""
    place = tree.added.newest[leaf]
    while place >= 0:
        margin = tree.added.bias[place] + added_margin(tree.added, query, place)
        label = len(tree.labels) + place
        if not tree.removed[label]:
            size = offer(below, size, capacity, key_of(score + log_factor(margin, query.power), label))
        place = tree.added.older[place]
    return size
