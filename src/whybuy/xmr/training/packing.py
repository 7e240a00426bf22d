"""Makes trained chunks the bytes that a search reads; `weights` draws them."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.kernels import kernel
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training.chunk import Chunk
from whybuy.xmr.weights import HEADER_BITS, PackedWeights, code_bits, codes_of

MIN_ROWS_PER_BUCKET = 4  # at least so many on average; fewer are hardly faster, and larger
MAX_BUCKET_ROWS = 255
WIDTHS = (8, 16, 32)  # bits of a stored weight


def pack(chunks: Iterable[Chunk], tree: LabelTree, features: int, *, bits: int = 8) -> PackedWeights:
    """Pack the chunks of all nodes, in node order, one at a time.

    features: how many there are; bits: 8, 16 or 32 a weight. With 8 and 16, each child has a scale of its own.

    Raises:
        InputError: the chunks are not those of the tree, or `bits` is another number.
    """
    check_bits(bits)
    fan_out = np.diff(tree.first_child)
    child_bytes = 1 if fan_out.max(initial=0) <= 256 else 2
    packed = [
        _pack_chunk(_checked(chunk, node, fan_out, features), code_bits(features), child_bytes, bits // 8)
        for node, chunk in enumerate(chunks)
    ]
    if len(packed) != tree.nodes:
        raise InputError(f"The tree has {tree.nodes} nodes, but {len(packed)} chunks came. Train all of its nodes.")
    rows, buckets, key_bits, bias, scale = zip(*packed, strict=True)
    return PackedWeights(
        np.concatenate(rows),
        np.concatenate(buckets),
        np.stack([_starts(rows), _starts(buckets), np.array(key_bits, np.int64)], axis=1),
        np.concatenate(bias),
        np.concatenate(scale),
        features,
        child_bytes,
        bits // 8,
    )


def check_bits(bits: int) -> None:
    """Raise InputError unless a weight can have so many bits."""
    if bits not in WIDTHS:
        raise InputError(f"A weight of {bits} bits is not known. Allowed: {', '.join(map(str, WIDTHS))}.")


def _checked(chunk: Chunk, node: int, fan_out: NDArray[np.int32], features: int) -> Chunk:
    if node < len(fan_out) and len(chunk.bias) != fan_out[node]:
        raise InputError(
            f"Node {node} has {fan_out[node]} children, but its chunk has {len(chunk.bias)}. "
            "Train the tree that is packed."
        )
    if len(chunk.features) and chunk.features[-1] >= features:
        raise InputError(f"The chunk of node {node} has feature {chunk.features[-1]}, but there are {features}.")
    return chunk


def _starts(arrays: tuple[NDArray[np.generic], ...]) -> NDArray[np.int64]:
    return np.cumsum([0, *map(len, arrays[:-1])], dtype=np.int64)


class _Rows(NamedTuple):
    """A chunk on its way into bytes."""

    codes: NDArray[np.uint32]  # of its features
    order: NDArray[np.int64]  # rows, ascending by code
    starts: NDArray[np.int64]  # of the entries of each row
    children: NDArray[np.uint16]
    stored: NDArray[np.uint32]  # weights, in their lowest bytes
    key_bits: int
    child_bytes: int
    weight_bytes: int


def _pack_chunk(
    chunk: Chunk, bits: int, child_bytes: int, weight_bytes: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint16], int, NDArray[np.float32], NDArray[np.float32]]:
    """Rows, buckets, bits of a key, biases and scales of one chunk."""
    codes = codes_of(chunk.features, bits)
    order = np.argsort(codes)
    key_bits = _key_bits(codes[order], bits)
    scale = _scales(chunk, weight_bytes)
    stored = _stored(chunk.weights / scale[chunk.children], weight_bytes)
    source = _Rows(codes, order, chunk.starts, chunk.children, stored, key_bits, child_bytes, weight_bytes)
    buckets = np.empty((1 << (bits - key_bits), 3), np.uint16)
    room = len(buckets) + len(codes) * (2 + child_bytes) + len(stored) * (child_bytes + weight_bytes)
    rows = np.empty(room, np.uint8)
    length = _write_chunk(source, rows, buckets)
    return rows[:length].copy(), buckets, key_bits, chunk.bias.astype(np.float32), scale


def _key_bits(codes: NDArray[np.uint32], bits: int) -> int:
    """Of sorted codes, so many bits that a bucket has rows enough, but a header holds a key and a byte the rows."""
    wanted = (len(codes) // MIN_ROWS_PER_BUCKET).bit_length() - 1
    key_bits = bits - min(max(wanted, bits - HEADER_BITS, 0), bits)
    while np.bincount(codes >> key_bits).max(initial=0) > MAX_BUCKET_ROWS:
        key_bits -= 1
    return key_bits


def _scales(chunk: Chunk, weight_bytes: int) -> NDArray[np.float32]:
    """What a stored weight of each child is multiplied with: its largest weight fills the range."""
    largest = np.zeros(len(chunk.bias), np.float32)
    if weight_bytes < 4:
        np.maximum.at(largest, chunk.children, np.abs(chunk.weights))
        largest /= np.float32((1 << (8 * weight_bytes - 1)) - 1)
    return np.where(largest > 0, largest, np.float32(1))


def _stored(weights: NDArray[np.float32], weight_bytes: int) -> NDArray[np.uint32]:
    if weight_bytes == 4:
        return weights.astype(np.float32).view(np.uint32)
    return np.rint(weights).astype(np.int32).view(np.uint32)


@kernel
def _write_chunk(source: _Rows, rows: NDArray[np.uint8], buckets: NDArray[np.uint16]) -> int:
    """Fill the rows and the buckets; returns how many bytes were written."""
    at, first = 0, 0
    most = 0xFFFF >> source.key_bits
    for bucket in range(len(buckets)):
        buckets[bucket, 0], buckets[bucket, 1], buckets[bucket, 2] = at & 0xFFFF, at >> 16, 0
        last = first
        while last < len(source.order) and source.codes[source.order[last]] >> source.key_bits == bucket:
            buckets[bucket, 2] |= 1 << (source.codes[source.order[last]] & 15)
            last += 1
        at = _write(last - first, 1, rows, at)
        for row in source.order[first:last]:
            more = min(source.starts[row + 1] - source.starts[row] - 1, most)
            at = _write(source.codes[row] & ((1 << source.key_bits) - 1) | (more << source.key_bits), 2, rows, at)
        for row in source.order[first:last]:
            if source.starts[row + 1] - source.starts[row] > most:
                at = _write(source.starts[row + 1] - source.starts[row] - 1, source.child_bytes, rows, at)
            for entry in range(source.starts[row], source.starts[row + 1]):
                at = _write(source.children[entry], source.child_bytes, rows, at)
                at = _write(source.stored[entry], source.weight_bytes, rows, at)
        first = last
    return at


@kernel
def _write(number: int, width: int, rows: NDArray[np.uint8], at: int) -> int:
    for byte in range(width):
        rows[at + byte] = (number >> (8 * byte)) & 0xFF
    return at + width
