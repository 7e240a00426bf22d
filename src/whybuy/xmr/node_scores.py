"""What one query gives at one node of the tree: the margins of all of its children (MSCM, Etter et al., WWW 2022)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.xmr.added_labels import AddedLabels
from whybuy.xmr.searched_tree import SearchedTree
from whybuy.xmr.simd import prefetch
from whybuy.xmr.sparse_rows import SparseRows
from whybuy.xmr.weights import HASH_MULTIPLIER, PackedWeights, read_number, read_weight

_BUCKET_BYTES = 6  # three numbers of 16 bits


class EncodedQuery(NamedTuple):
    """The features of one query that the tree has, with working memory for looking them up in a chunk."""

    codes: NDArray[np.uint32]
    values: NDArray[np.float32]
    places: NDArray[np.int64]  # shape (features, 3): where its bucket or row begins, which feature, entries of the row
    slots: NDArray[np.int64]  # a hash table by code: the number of a feature, or -1
    sums: NDArray[np.float32]  # of stored weights times values, for each child of a node
    factors: NDArray[np.float32]  # of the children, as logarithms
    power: int  # of the hinge, 0 for the sigmoid


@kernel
def room_for_query(tree: SearchedTree, longest: int, power: int) -> EncodedQuery:
    """Memory for a query of at most `longest` features; `encode_query` fills it. power: of the hinge."""
    slots = 4
    while slots < 2 * longest:
        slots *= 2
    return EncodedQuery(
        np.empty(longest, np.uint32),
        np.empty(longest, np.float32),
        np.empty((longest, 3), np.int64),
        np.empty(slots, np.int64),
        np.empty(tree.max_children, np.float32),
        np.empty(tree.max_children, np.float32),
        power,
    )


@kernel
def encode_query(tree: SearchedTree, queries: SparseRows, row: int, room: EncodedQuery) -> EncodedQuery:
    """Turn the known features of a query into codes, and into a hash table when there are added labels to look up."""
    bits = 1
    while 1 << bits < tree.packed.features:
        bits += 1
    count = 0
    for entry in range(queries.starts[row], queries.starts[row + 1]):
        if 0 <= queries.ids[entry] < tree.packed.features:
            code = (np.uint64(queries.ids[entry]) * np.uint64(HASH_MULTIPLIER)) & np.uint64((1 << bits) - 1)
            room.codes[count] = code
            room.values[count] = queries.values[entry]
            count += 1
    query = EncodedQuery(
        room.codes[:count], room.values[:count], room.places, room.slots, room.sums, room.factors, room.power
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
def prefetch_node(packed: PackedWeights, node: int, query: EncodedQuery) -> None:
    """Ask for the buckets of a node that `sum_node` will read first."""
    first_bucket, key_bits = packed.chunks[node, 1], packed.chunks[node, 2]
    for code in query.codes:
        prefetch(packed.buckets, _BUCKET_BYTES * (first_bucket + (np.int64(code) >> key_bits)))


@kernel
def sum_node(packed: PackedWeights, node: int, query: EncodedQuery) -> None:
    """Add up stored weight times value over the features of a query, for all children of a node, into `query.sums`.

    `PackedWeights` draws the bytes. In passes that each ask for the memory which the next one reads: so the processor
    waits for many places at once and not for one after the other.
    """
    rows, buckets, codes, values = packed.rows, packed.buckets, query.codes, query.values
    places, sums = query.places, query.sums
    first, first_bucket, key_bits = packed.chunks[node, 0], packed.chunks[node, 1], packed.chunks[node, 2]
    child_bytes, weight_bytes = packed.child_bytes, packed.weight_bytes
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
    matches = 0
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
                    places[matches, 0], places[matches, 1], places[matches, 2] = at, feature, count
                    matches += 1
                break
            if count > most:
                count = read_number(rows, at, child_bytes) + 1
                at += child_bytes
            at += count * width
            header_at += 2
    sums[:] = 0
    for place in range(matches):
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
    """Add up the entries of a row of one byte each for child and weight."""
    for entry in range(count):
        sums[rows[np.uint64(at + 2 * entry)]] += value * read_weight(rows, at + 2 * entry + 1, 1)


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
def contributions(tree: SearchedTree, node: int, child: int, query: SparseRows) -> NDArray[np.float32]:
    """What each feature of a query gives to the margin of a child: weight times value.

    child: numbered within its node. query: one row for each feature.
    """
    amounts = np.zeros(len(query.ids), np.float32)
    room = room_for_query(tree, 1, 0)
    for place in range(len(query.ids)):
        sum_node(tree.packed, node, encode_query(tree, query, place, room))
        amounts[place] = room.sums[child] * tree.packed.scale[tree.first_child[node] + child - 1]
    return amounts
