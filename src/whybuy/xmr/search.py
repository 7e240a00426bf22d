"""Beam search down a tree of packed rankers: one compiled pass over as many queries as come."""

from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.kernels import kernel
from whybuy.xmr.growth import AddedLabels, no_labels
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.weights import SPREAD, PackedWeights, read_number, read_weight


class PostProcessor(Enum):
    """How the margin of a child becomes its share in the score of a path (PECOS: `post_processor`).

    The score of a label is the product of the shares from the root down to it, or, with the log forms, the sum of their
    logarithms. The hinge forms are exp(-max(0, 1 - margin)**power).
    """

    L1_HINGE = "l1-hinge"
    L2_HINGE = "l2-hinge"
    L3_HINGE = "l3-hinge"
    L4_HINGE = "l4-hinge"
    SIGMOID = "sigmoid"
    LOG_L1_HINGE = "log-l1-hinge"
    LOG_L2_HINGE = "log-l2-hinge"
    LOG_L3_HINGE = "log-l3-hinge"
    LOG_L4_HINGE = "log-l4-hinge"
    LOG_SIGMOID = "log-sigmoid"

    @property
    def is_log(self) -> bool:
        """Whether scores stay logarithms."""
        return self.value.startswith("log-")

    @property
    def power(self) -> int:
        """The power of the hinge; 0 is the sigmoid."""
        name = self.value.removeprefix("log-")
        return 0 if name == "sigmoid" else int(name[1])


class SearchedTree(NamedTuple):
    """All that a search reads; replaced as a whole when labels are added."""

    packed: PackedWeights
    first_child: NDArray[np.int32]  # as in `LabelTree`
    labels: NDArray[np.int32]  # as in `LabelTree`
    added: AddedLabels
    removed: NDArray[np.bool_]  # shape (labels and places of added ones,)
    most_children: int  # of any node

    @classmethod
    def of(cls, tree: LabelTree, packed: PackedWeights) -> "SearchedTree":
        """A tree as it was trained: nothing added, nothing removed."""
        widest = int(np.diff(tree.first_child).max(initial=0))
        return cls(packed, tree.first_child, tree.labels, no_labels(), np.zeros(len(tree.labels), np.bool_), widest)


class Lists(NamedTuple):
    """A list of numbers with their values for each query, one after the other: the rows of a sparse matrix."""

    starts: NDArray[np.int64]  # shape (queries + 1,)
    ids: NDArray[np.int32]
    values: NDArray[np.float32]


class Walk(NamedTuple):
    """How far a search goes, and how wide."""

    steps: int  # levels down from where it starts
    beam: int  # nodes kept on each level
    limit: int  # results kept on the last one
    power: int  # of the hinge, 0 for the sigmoid


class Predictions(NamedTuple):
    """The best labels (or nodes) of each query, best first, ties by number; places left over have -1 and -inf."""

    labels: NDArray[np.int32]  # shape (queries, limit)
    scores: NDArray[np.float32]  # shape (queries, limit)

    def part(self, first: int, last: int) -> "Predictions":
        """Those of the queries from `first` up to `last`, in the same memory."""
        return Predictions(self.labels[first:last], self.scores[first:last])


def lists_of(matrix: csr_matrix) -> Lists:
    """The rows of a matrix, of whatever kind, as the search reads them."""
    rows = csr_matrix(matrix)
    return Lists(
        rows.indptr.astype(np.int64, copy=False),
        rows.indices.astype(np.int32, copy=False),
        rows.data.astype(np.float32, copy=False),
    )


def one_list(ids: NDArray[np.int32], values: NDArray[np.float32]) -> Lists:
    """A single query.

    Raises:
        InputError: there are more or fewer values than features.
    """
    if len(ids) != len(values):
        raise InputError(f"The query has {len(ids)} features, but {len(values)} values; each feature needs one.")
    return Lists(np.array([0, len(ids)]), ids, values)


def from_root(queries: int) -> Lists:
    """The start of every search that has no better one: the root alone."""
    return Lists(np.arange(queries + 1, dtype=np.int64), np.zeros(queries, np.int32), np.zeros(queries, np.float32))


def walk_down(tree: SearchedTree, queries: Lists, start: Lists, walk: Walk, *, threads: int = 1) -> Predictions:
    """Search for all queries, each from its own nodes. Scores are logarithms.

    start: for each query the nodes that it starts from, all of one level, and the logarithms of their scores.
    """
    count = len(queries.starts) - 1
    found = Predictions(np.empty((count, walk.limit), np.int32), np.empty((count, walk.limit), np.float32))
    if threads == 1 or count < 2:
        _search(tree, queries, start, walk, 0, found)
        return found
    cuts = np.linspace(0, count, 4 * threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        parts = [
            pool.submit(_search, tree, queries, start, walk, low, found.part(low, high)) for low, high in pairwise(cuts)
        ]
        for part in parts:
            part.result()
    return found


class EncodedQuery(NamedTuple):
    """The features of one query that the tree knows, with room for where they are found in a chunk."""

    codes: NDArray[np.uint32]
    values: NDArray[np.float32]
    at: NDArray[np.int64]  # where the bucket of each feature begins, then where the entries of each row found do
    length: NDArray[np.int64]  # of that bucket in rows, then of that row in entries
    found: NDArray[np.float32]  # values of the features found
    slots: NDArray[np.int64]  # a hash table by code: the place of a feature, or -1
    sums: NDArray[np.float32]  # of stored weights times values, for each child of a node
    power: int  # of the hinge, 0 for the sigmoid


class _Best(NamedTuple):
    """The best candidates so far: a heap with the worst on top, or, once sorted, a list, best first."""

    scores: NDArray[np.float32]
    ids: NDArray[np.int32]
    size: NDArray[np.int64]  # shape (1,)


@kernel
def _search(tree: SearchedTree, queries: Lists, start: Lists, walk: Walk, first: int, found: Predictions) -> None:
    """Fill the results of the queries from `first` on."""
    last = first + len(found.labels)
    query = room_for_query(tree, _longest(queries.starts, first, last), walk.power)
    room = max(walk.beam, walk.limit, _longest(start.starts, first, last))
    above = _Best(np.empty(room, np.float32), np.empty(room, np.int32), np.zeros(1, np.int64))
    below = _Best(np.empty(room, np.float32), np.empty(room, np.int32), np.zeros(1, np.int64))
    for row in range(first, last):
        asked = encode_query(tree, queries, row, query)
        above.size[0] = 0
        for entry in range(start.starts[row], start.starts[row + 1]):
            _offer(above, room, start.values[entry], start.ids[entry])
        _sort(above)
        for step in range(walk.steps):
            _step(tree, asked, above, below, walk.limit if step == walk.steps - 1 else walk.beam)
            above, below = below, above
        size = above.size[0]
        found.labels[row - first, :size] = above.ids[:size]
        found.scores[row - first, :size] = above.scores[:size]
        found.labels[row - first, size:] = -1
        found.scores[row - first, size:] = -np.inf


@kernel
def _longest(starts: NDArray[np.int64], first: int, last: int) -> int:
    longest = 0
    for row in range(first, last):
        longest = max(longest, starts[row + 1] - starts[row])
    return longest


@kernel
def room_for_query(tree: SearchedTree, longest: int, power: int) -> EncodedQuery:
    """Room for a query of at most so many features; `encode_query` fills it. power: of the hinge."""
    slots = 4
    while slots < 2 * longest:
        slots *= 2
    return EncodedQuery(
        np.empty(longest, np.uint32),
        np.empty(longest, np.float32),
        np.empty(longest, np.int64),
        np.empty(longest, np.int64),
        np.empty(longest, np.float32),
        np.empty(slots, np.int64),
        np.empty(tree.most_children, np.float32),
        power,
    )


@kernel
def encode_query(tree: SearchedTree, queries: Lists, row: int, room: EncodedQuery) -> EncodedQuery:
    """Turn the known features of a query into codes, and into a hash table when added labels will look them up."""
    bits = 1
    while 1 << bits < tree.packed.features:
        bits += 1
    count = 0
    for entry in range(queries.starts[row], queries.starts[row + 1]):
        if 0 <= queries.ids[entry] < tree.packed.features:
            room.codes[count] = (np.uint64(queries.ids[entry]) * np.uint64(SPREAD)) & np.uint64((1 << bits) - 1)
            room.values[count] = queries.values[entry]
            count += 1
    query = EncodedQuery(
        room.codes[:count], room.values[:count], room.at, room.length, room.found, room.slots, room.sums, room.power
    )
    if len(tree.added.newest):
        query.slots[:] = -1
        for place in range(count):
            slot = query.codes[place] & (len(query.slots) - 1)
            while query.slots[slot] >= 0:
                slot = (slot + 1) & (len(query.slots) - 1)
            query.slots[slot] = place
    return query


@kernel
def _step(tree: SearchedTree, query: EncodedQuery, above: _Best, below: _Best, capacity: int) -> None:
    """Put the best children of the nodes above into the list below."""
    nodes = len(tree.first_child) - 1
    below.size[0] = 0
    for place in range(above.size[0]):
        score, node = above.scores[place], above.ids[place]
        if below.size[0] == capacity and score < below.scores[0]:
            break  # no child scores above its parent
        add_up(tree.packed, node, query)
        first = tree.first_child[node]
        for child in range(first, tree.first_child[node + 1]):
            margin = tree.packed.bias[child - 1] + tree.packed.scale[child - 1] * query.sums[child - first]
            reached = score + log_share(margin, query.power)
            if below.size[0] == capacity and reached < below.scores[0]:
                continue
            if child < nodes:
                _offer(below, capacity, reached, child)
            elif not tree.removed[tree.labels[child - nodes]]:
                _offer(below, capacity, reached, tree.labels[child - nodes])
        if first >= nodes and len(tree.added.newest):
            _offer_added(tree, query, node, score, below, capacity)
    _sort(below)


@kernel
def add_up(packed: PackedWeights, node: int, query: EncodedQuery) -> None:
    """Add up stored weight times value over the features of the query, for all children of a node.

    In three passes that each only touch what the next one reads: so the processor waits for many places of memory at
    once and not for one after the other.
    """
    first, bucket, key_bits = packed.chunks[node]
    rows, child_bytes, width = packed.rows, packed.child_bytes, packed.child_bytes + packed.weight_bytes
    mask, most = (1 << key_bits) - 1, 0xFFFF >> key_bits
    for place in range(len(query.codes)):
        query.at[place] = first + np.int64(
            packed.bucket_start[np.uint64(bucket + (np.int64(query.codes[place]) >> key_bits))]
        )
        query.length[place] = read_number(rows, query.at[place], 1)
    found = 0
    for place in range(len(query.codes)):
        key, header_at = np.int64(query.codes[place]) & mask, query.at[place] + 1
        end = header_at + 2 * query.length[place]
        at = end
        while header_at < end:
            header = read_number(rows, header_at, 2)
            count = (header >> key_bits) + 1
            if header & mask >= key:
                if header & mask == key:
                    query.at[found], query.length[found], query.found[found] = at, count, query.values[place]
                    found += 1
                break
            if count > most:
                count = read_number(rows, at, child_bytes) + 1
                at += child_bytes
            at += count * width
            header_at += 2
    query.sums[:] = 0
    for place in range(found):
        at, count = query.at[place], query.length[place]
        if count > most:
            count = read_number(rows, at, child_bytes) + 1
            at += child_bytes
        if width == 2:
            _add_bytes(rows, at, count, query.found[place], query.sums)
        else:
            for entry in range(count):
                weight = read_weight(rows, at + entry * width + child_bytes, width - child_bytes)
                query.sums[read_number(rows, at + entry * width, child_bytes)] += query.found[place] * weight


@kernel
def _add_bytes(rows: NDArray[np.uint8], at: int, count: int, value: np.float32, sums: NDArray[np.float32]) -> None:
    """The same for entries of one byte each for child and weight."""
    for entry in range(count):
        sums[rows[np.uint64(at + 2 * entry)]] += value * read_weight(rows, at + 2 * entry + 1, 1)


@kernel
def _offer_added(
    tree: SearchedTree, query: EncodedQuery, leaf: int, score: np.float32, below: _Best, capacity: int
) -> None:
    """Offer the labels that were added to a leaf."""
    place = tree.added.newest[leaf]
    while place >= 0:
        margin = tree.added.bias[place] + added_margin(tree.added, query, place)
        label = len(tree.labels) + place
        if not tree.removed[label]:
            _offer(below, capacity, score + log_share(margin, query.power), label)
        place = tree.added.older[place]


@kernel
def added_margin(added: AddedLabels, query: EncodedQuery, place: int) -> np.float32:
    """Sum of weight times value for an added label, without its bias."""
    margin = np.float32(0)
    for entry in range(added.starts[place], added.starts[place + 1]):
        slot = added.codes[entry] & (len(query.slots) - 1)
        while query.slots[slot] >= 0:
            if query.codes[query.slots[slot]] == added.codes[entry]:
                margin += query.values[query.slots[slot]] * added.weights[entry]
            slot = (slot + 1) & (len(query.slots) - 1)
    return margin


@kernel
def contributions(tree: SearchedTree, node: int, child: int, query: Lists) -> NDArray[np.float32]:
    """What each feature of a query gives to the margin of a child, numbered within its node.

    query: one feature per list.
    """
    amounts = np.zeros(len(query.ids), np.float32)
    room = room_for_query(tree, 1, 0)
    for place in range(len(query.ids)):
        add_up(tree.packed, node, encode_query(tree, query, place, room))
        amounts[place] = room.sums[child] * tree.packed.scale[tree.first_child[node] + child - 1]
    return amounts


@kernel
def log_share(margin: np.float32, power: int) -> np.float32:
    """The logarithm of a child's share in the score of a path: -max(0, 1 - margin)**power, or of the sigmoid."""
    if power == 0:
        return np.float32(min(margin, np.float32(0)) - np.log1p(np.exp(-np.abs(margin))))
    gap = max(np.float32(1) - margin, np.float32(0))
    product = gap
    for _ in range(power - 1):
        product *= gap
    return -product


@kernel
def _offer(best: _Best, capacity: int, score: np.float32, number: int) -> None:
    """Keep a candidate when it is among the best `capacity`."""
    size = best.size[0]
    if size < capacity:
        best.scores[size], best.ids[size] = score, number
        best.size[0] = size + 1
        child = size
        while child > 0 and _worse(best, child, (child - 1) // 2):
            _swap(best, child, (child - 1) // 2)
            child = (child - 1) // 2
    elif capacity and (score > best.scores[0] or (score == best.scores[0] and number < best.ids[0])):
        best.scores[0], best.ids[0] = score, number
        _sink(best, size)


@kernel
def _sink(best: _Best, size: int) -> None:
    """Put the top of a heap where it belongs."""
    parent = 0
    while True:
        worst = parent
        for child in range(2 * parent + 1, min(2 * parent + 3, size)):
            if _worse(best, child, worst):
                worst = child
        if worst == parent:
            return
        _swap(best, parent, worst)
        parent = worst


@kernel
def _sort(best: _Best) -> None:
    """Turn the heap into a list, best first."""
    for last in range(best.size[0] - 1, 0, -1):
        _swap(best, 0, last)
        _sink(best, last)


@kernel
def _worse(best: _Best, left: int, right: int) -> bool:
    if best.scores[left] != best.scores[right]:
        return bool(best.scores[left] < best.scores[right])
    return bool(best.ids[left] > best.ids[right])


@kernel
def _swap(best: _Best, left: int, right: int) -> None:
    best.scores[left], best.scores[right] = best.scores[right], best.scores[left]
    best.ids[left], best.ids[right] = best.ids[right], best.ids[left]
