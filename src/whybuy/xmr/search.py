"""Beam search down a tree of packed rankers: one compiled pass over as many queries as come."""

from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.kernels import kernel
from whybuy.xmr.added_labels import AddedLabels, no_labels
from whybuy.xmr.heap import key_of, number_of, offer, score_of, sort
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.simd import prefetch
from whybuy.xmr.weights import SPREAD, PackedWeights, read_number, read_only, read_weight

_BUCKET_BYTES = 6  # three numbers of 16 bits
_LAST_ID = 2**31 - 1


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

    def __init__(self, name: str) -> None:
        """Read once, since every search asks: whether scores stay logarithms, and the power of the hinge."""
        self.is_log = name.startswith("log-")
        form = name.removeprefix("log-")
        self.power = 0 if form == "sigmoid" else int(form[1])  # 0 is the sigmoid


class SearchedTree(NamedTuple):
    """All that a search reads; replaced as a whole when labels are added.

    Arrays that may be mapped from disk are read-only here, wherever they come from: kernels are compiled for each kind.
    """

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
        removed = np.zeros(len(tree.labels), np.bool_)
        children, labels = read_only(tree.first_child), read_only(tree.labels)
        untouched = cls(packed.read_only(), children, labels, no_labels(), removed, widest)
        return untouched.growing(untouched.added)

    def growing(self, added: AddedLabels) -> "SearchedTree":
        """The same with other added labels."""
        views = {name: read_only(array) for name, array in added._asdict().items()}
        return self._replace(added=AddedLabels(**views))


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

    @property
    def plain(self) -> tuple[int, int, int, int]:
        """Without its names: named tuples cost a microsecond each on the way into a kernel."""
        return self.steps, self.beam, self.limit, self.power


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
    ids, values = pair(ids, values)
    return Lists(np.array([0, len(ids)]), ids, values)


def pair(ids: NDArray[np.int32], values: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The features of a single query, of the types that kernels take.

    Raises:
        InputError: there are more or fewer values than features.
    """
    if len(ids) != len(values):
        raise InputError(f"The query has {len(ids)} features, but {len(values)} values; each feature needs one.")
    if ids.dtype != np.int32:
        ids = np.where((ids >= 0) & (ids <= _LAST_ID), ids, -1).astype(np.int32)  # no number wraps around into another
    return ids, np.asarray(values, np.float32)


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


def walk_down_once(
    tree: SearchedTree, ids: NDArray[np.int32], values: NDArray[np.float32], walk: Walk
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """As `walk_down` from the root for one query, with the least to do around it.

    Raises:
        InputError: there are more or fewer values than features.
    """
    ids, values = pair(ids, values)
    return _search_once(plain_tree(tree), ids, values, walk.plain)


def plain_tree(tree: SearchedTree) -> tuple[Any, ...]:
    """A tree without its names, as `Walk.plain`."""
    return tuple(tree.packed), tree.first_child, tree.labels, tuple(tree.added), tree.removed, tree.most_children


class EncodedQuery(NamedTuple):
    """The features of one query that the tree knows, with room for where they are found in a chunk."""

    codes: NDArray[np.uint32]
    values: NDArray[np.float32]
    places: NDArray[np.int64]  # shape (features, 3): where its bucket or row begins, which it is, how long that is
    slots: NDArray[np.int64]  # a hash table by code: the place of a feature, or -1
    sums: NDArray[np.float32]  # of stored weights times values, for each child of a node
    shares: NDArray[np.float32]  # of the children, as logarithms
    power: int  # of the hinge, 0 for the sigmoid


@kernel
def _search_once(
    plain: tuple[Any, ...], ids: NDArray[np.int32], values: NDArray[np.float32], walk: tuple[int, int, int, int]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """One query from the root. plain: a `SearchedTree` and `Walk` without their names."""
    packed, first_child, labels, added, removed, most_children = plain
    tree = SearchedTree(PackedWeights(*packed), first_child, labels, AddedLabels(*added), removed, most_children)
    query = Lists(np.array([0, len(ids)], np.int64), ids, values)
    root = Lists(np.array([0, 1], np.int64), np.zeros(1, np.int32), np.zeros(1, np.float32))
    limit = walk[2]
    found = Predictions(np.empty((1, limit), np.int32), np.empty((1, limit), np.float32))
    _search(tree, query, root, Walk(*walk), 0, found)
    return found.labels[0], found.scores[0]


@kernel
def _search(tree: SearchedTree, queries: Lists, start: Lists, walk: Walk, first: int, found: Predictions) -> None:
    """Fill the results of the queries from `first` on."""
    labels, scores = found.labels, found.scores
    last = first + len(labels)
    query = room_for_query(tree, _longest(queries.starts, first, last), walk.power)
    room = max(walk.beam, walk.limit, _longest(start.starts, first, last))
    above, below = np.empty(room, np.uint64), np.empty(room, np.uint64)
    for row in range(first, last):
        asked = encode_query(tree, queries, row, query)
        size = 0
        for entry in range(start.starts[row], start.starts[row + 1]):
            size = offer(above, size, room, key_of(start.values[entry], start.ids[entry]))
        sort(above, size)
        for step in range(walk.steps):
            size = _step(tree, asked, above[:size], below, walk.limit if step == walk.steps - 1 else walk.beam)
            above, below = below, above
        for place in range(size):
            labels[row - first, place], scores[row - first, place] = number_of(above[place]), score_of(above[place])
        labels[row - first, size:] = -1
        scores[row - first, size:] = -np.inf


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
        np.empty((longest, 3), np.int64),
        np.empty(slots, np.int64),
        np.empty(tree.most_children, np.float32),
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
        room.codes[:count], room.values[:count], room.places, room.slots, room.sums, room.shares, room.power
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
def _step(
    tree: SearchedTree, query: EncodedQuery, above: NDArray[np.uint64], below: NDArray[np.uint64], capacity: int
) -> int:
    """Put the best children of the nodes above, best first, into the list below. Returns: how many they are.

    Arrays are taken out of their tuples before the loop: within, that would cost more than the arithmetic.
    """
    if capacity == 0:
        return 0
    first_child, labels, removed, newest = tree.first_child, tree.labels, tree.removed, tree.added.newest
    chunks, bias, scale = tree.packed.chunks, tree.packed.bias, tree.packed.scale
    rows, buckets = tree.packed.rows, tree.packed.buckets
    widths = tree.packed.child_bytes, tree.packed.weight_bytes
    codes, values, places, sums, shares = query.codes, query.values, query.places, query.sums, query.shares
    nodes, power = len(first_child) - 1, query.power
    size, least = 0, np.float32(-np.inf)  # of the scores that may still enter the list
    for place in range(len(above)):
        score, node = score_of(above[place]), number_of(above[place])
        if score < least:
            break  # no child scores above its parent
        if place + 1 < len(above):  # by the time that this node is done, the buckets of the next one are near
            after = number_of(above[place + 1])
            for code in codes:
                prefetch(buckets, _BUCKET_BYTES * (chunks[after, 1] + (np.int64(code) >> chunks[after, 2])))
        chunk = chunks[node, 0], chunks[node, 1], chunks[node, 2]
        _sum_chunk(rows, buckets, chunk, widths, codes, values, places, sums)
        first, last = first_child[node], first_child[node + 1]
        _share_out(sums, bias[first - 1 : last - 1], scale[first - 1 : last - 1], power, shares)
        for child in range(first, last):
            reached = score + shares[child - first]
            if reached < least:
                continue
            if child < nodes:
                size = offer(below, size, capacity, key_of(reached, child))
            elif not removed[labels[child - nodes]]:
                size = offer(below, size, capacity, key_of(reached, labels[child - nodes]))
            if size == capacity:
                least = score_of(below[0])
        if first >= nodes and len(newest):
            size = _offer_added(tree, query, int(node), score, below, size, capacity)
            if size == capacity:
                least = score_of(below[0])
    sort(below, size)
    return size


@kernel
def add_up(packed: PackedWeights, node: int, query: EncodedQuery) -> None:
    """Add up stored weight times value over the features of the query, for all children of a node."""
    chunk = packed.chunks[node, 0], packed.chunks[node, 1], packed.chunks[node, 2]
    widths = packed.child_bytes, packed.weight_bytes
    _sum_chunk(packed.rows, packed.buckets, chunk, widths, query.codes, query.values, query.places, query.sums)


@kernel
def _sum_chunk(  # noqa: PLR0913, PLR0917 - see `_step`
    rows: NDArray[np.uint8],
    buckets: NDArray[np.uint16],
    chunk: tuple[int, int, int],
    widths: tuple[int, int],
    codes: NDArray[np.uint32],
    values: NDArray[np.float32],
    places: NDArray[np.int64],
    sums: NDArray[np.float32],
) -> None:
    """As `add_up`, for a chunk of `PackedWeights`. widths: bytes of a child and of a weight.

    In passes that each ask for the memory which the next one reads: so the processor waits for many places at once and
    not for one after the other.
    """
    first, first_bucket, key_bits = chunk
    child_bytes, weight_bytes = widths
    width = child_bytes + weight_bytes
    mask, most = (1 << key_bits) - 1, 0xFFFF >> key_bits
    likely = 0
    for feature in range(len(codes)):
        bucket = np.uint64(first_bucket + (np.int64(codes[feature]) >> key_bits))
        places[likely, 0] = first + (np.int64(buckets[bucket, 0]) | np.int64(buckets[bucket, 1]) << 16)
        places[likely, 1] = feature
        there = (buckets[bucket, 2] >> (codes[feature] & 15)) & 1
        if there:
            prefetch(rows, places[likely, 0])
        likely += there
    found = 0
    for place in range(likely):
        feature, header_at = places[place, 1], places[place, 0] + 1
        key, end = np.int64(codes[np.uint64(feature)]) & mask, header_at + 2 * read_number(rows, header_at - 1, 1)
        at = end
        while header_at < end:
            header = read_number(rows, header_at, 2)
            count = (header >> key_bits) + 1
            if header & mask >= key:
                if header & mask == key:
                    prefetch(rows, at)
                    places[found, 0], places[found, 1], places[found, 2] = at, feature, count
                    found += 1
                break
            if count > most:
                count = read_number(rows, at, child_bytes) + 1
                at += child_bytes
            at += count * width
            header_at += 2
    sums[:] = 0
    for place in range(found):
        at, count, value = places[place, 0], places[place, 2], values[np.uint64(places[place, 1])]
        if count > most:
            count = read_number(rows, at, child_bytes) + 1
            at += child_bytes
        if width == 2:
            _add_bytes(rows, int(at), int(count), value, sums)
        else:
            for entry in range(count):
                weight = read_weight(rows, at + entry * width + child_bytes, weight_bytes)
                sums[read_number(rows, at + entry * width, child_bytes)] += value * weight


@kernel
def _add_bytes(rows: NDArray[np.uint8], at: int, count: int, value: np.float32, sums: NDArray[np.float32]) -> None:
    """The same for entries of one byte each for child and weight."""
    for entry in range(count):
        sums[rows[np.uint64(at + 2 * entry)]] += value * read_weight(rows, at + 2 * entry + 1, 1)


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
def _share_out(
    sums: NDArray[np.float32],
    bias: NDArray[np.float32],
    scale: NDArray[np.float32],
    power: int,
    shares: NDArray[np.float32],
) -> None:
    """As `log_factor` for all children of a node at once; the sums are used up."""
    if power == 0:
        for child in range(len(bias)):
            shares[child] = log_factor(bias[child] + scale[child] * sums[child], 0)
        return
    for place in range(len(bias)):
        at = np.uint64(place)  # an unsigned index is not looked at for being negative: so the loop becomes vectors
        gap = np.float32(1) - (bias[at] + scale[at] * sums[at])
        sums[at] = np.float32(0) if gap < np.float32(0) else gap
        shares[at] = -sums[at]
    for _ in range(power - 1):
        for place in range(len(bias)):
            shares[np.uint64(place)] *= sums[np.uint64(place)]


@kernel
def log_factor(margin: np.float32, power: int) -> np.float32:
    """The logarithm of a child's share in the score of a path: -max(0, 1 - margin)**power, or of the sigmoid."""
    if power == 0:
        return np.float32(min(margin, np.float32(0)) - np.log1p(np.exp(-np.abs(margin))))
    gap = max(np.float32(1) - margin, np.float32(0))
    product = gap
    for _ in range(power - 1):
        product *= gap
    return -product
