"""All chunks of a tree in flat arrays that are searched where they lie: quantized, found by feature in two steps."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import write_array
from whybuy.errors import ArtifactError, InputError
from whybuy.kernels import kernel
from whybuy.xmr.chunk import Chunk
from whybuy.xmr.label_tree import LabelTree

SPREAD = 0x9E3779B1  # odd: multiplication by it permutes 0 .. 2**bits - 1; neighbors land far apart (Knuth, TAOCP 6.4)
HEADER_BITS = 16  # at the front of each row
ROWS_PER_BUCKET = 4  # at least so many on average; fewer are hardly faster, and larger
FULLEST_BUCKET = 255
WIDTHS = (8, 16, 32)  # bits of a stored weight
Numbers = TypeVar("Numbers", bound=np.generic)


class PackedWeights(NamedTuple):
    """The rankers of all nodes (MSCM, Etter et al. 2022), in the form that is searched and saved.

    A feature is known by its code, a permutation of the ids that spreads clustered ones. The top bits of the code
    choose a bucket of the chunk, the bits below are the key of a row. A bucket is the number of its rows (1 byte), a
    header of 16 bits for each, ascending by key (the key and, above it, the number of entries less one; where that does
    not fit, the bits are all ones), and the entries row by row: the number that did not fit its header, if so, then
    each entry's child, numbered within the node, and weight. All numbers are little-endian. Most features of a query
    are not in a chunk; a mask beside the start of each bucket tells so for two thirds of them, without its bytes.
    A child of the tree is numbered from 1, as in `LabelTree`; its bias stands at that number less one.
    """

    rows: NDArray[np.uint8]  # the buckets of all chunks, one after the other
    buckets: NDArray[np.uint16]  # shape (buckets, 3): start in its chunk, low and high half; bits of its keys modulo 16
    chunks: NDArray[np.int64]  # shape (nodes, 3): first byte in `rows`, first of `buckets`, bits of a key
    bias: NDArray[np.float32]  # shape (children,)
    scale: NDArray[np.float32]  # shape (children,): what a stored weight is multiplied with
    features: int
    child_bytes: int  # 1, or 2 where a node has more than 256 children
    weight_bytes: int  # 1, 2 (whole numbers) or 4 (floats)

    @property
    def size(self) -> int:
        """Bytes in memory and on disk."""
        return sum(array.nbytes for array in self._arrays().values())

    def unpack(self, node: int, tree: LabelTree) -> Chunk:
        """The chunk of a node, with the weights as they are searched."""
        first, last = int(tree.first_child[node]), int(tree.first_child[node + 1])
        codes, counts, children, stored = read_chunk(self, node)
        features = features_of(codes, code_bits(self.features))
        weights = stored * self.scale[first - 1 : last - 1][children]
        order = np.argsort(features)
        entries = np.argsort(np.repeat(features, counts), kind="stable")
        starts = np.concatenate([[0], np.cumsum(counts[order])])
        return Chunk(self.bias[first - 1 : last - 1], features[order], starts, children[entries], weights[entries])

    def save(self, folder: Path) -> None:
        """Write the arrays into a folder that is there."""
        for name, array in self._arrays().items():
            write_array(folder / f"{name}.npy", array)

    @classmethod
    def load(cls, folder: Path, *, features: int, child_bytes: int, weight_bytes: int) -> "PackedWeights":
        """Map what `save` wrote; the numbers are those of the weights that were saved."""
        rows, buckets, chunks, bias, scale = (read_array(folder / f"{name}.npy") for name in cls._fields[:5])
        return cls(rows, buckets, chunks, bias, scale, features, child_bytes, weight_bytes)

    def read_only(self) -> "PackedWeights":
        """The same memory, which cannot be written through these."""
        return PackedWeights(**self._asdict() | {name: read_only(array) for name, array in self._arrays().items()})

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {name: value for name, value in self._asdict().items() if isinstance(value, np.ndarray)}


def read_only(array: NDArray[Numbers]) -> NDArray[Numbers]:
    """The same memory, which cannot be written through this."""
    view = array.view()
    view.flags.writeable = False
    return view


def read_array(path: Path) -> NDArray[Any]:
    """An array of a saved model, mapped into memory and read-only.

    Raises:
        ArtifactError: the file is missing or damaged.
    """
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise ArtifactError(f"{path} is missing or damaged ({error}). Train and save the model again.") from error


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


def code_bits(features: int) -> int:
    """How many bits the code of a feature has."""
    return max(1, (features - 1).bit_length())


def codes_of(features: NDArray[np.int32], bits: int) -> NDArray[np.uint32]:
    """The codes of features."""
    return ((features.astype(np.uint64) * SPREAD) & ((1 << bits) - 1)).astype(np.uint32)


def features_of(codes: NDArray[np.uint32], bits: int) -> NDArray[np.int32]:
    """The features of codes."""
    return ((codes.astype(np.uint64) * pow(SPREAD, -1, 1 << bits)) & ((1 << bits) - 1)).astype(np.int32)


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
    wanted = (len(codes) // ROWS_PER_BUCKET).bit_length() - 1
    key_bits = bits - min(max(wanted, bits - HEADER_BITS, 0), bits)
    while np.bincount(codes >> key_bits).max(initial=0) > FULLEST_BUCKET:
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


@kernel
def read_number(rows: NDArray[np.uint8], at: int, width: int) -> np.int64:
    """The whole number, not negative, of one or two bytes that stands at a place."""
    number = np.int64(rows[np.uint64(at)])  # an unsigned index is not looked at for being negative
    return number if width == 1 else number | (np.int64(rows[np.uint64(at + 1)]) << 8)


@kernel
def read_weight(rows: NDArray[np.uint8], at: int, width: int) -> np.float32:
    """The stored weight of one, two or four bytes that stands at a place, before its scale."""
    if width == 1:
        return np.float32(np.int8(rows[np.uint64(at)]))
    if width == 2:
        return np.float32(np.int16(read_number(rows, at, 2)))
    return np.uint32(read_number(rows, at, 2) | (read_number(rows, at + 2, 2) << 16)).view(np.float32)


@kernel
def read_chunk(
    packed: PackedWeights, node: int
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.uint16], NDArray[np.float32]]:
    """Codes, numbers of entries, children and stored weights of a node, in the order in which they lie."""
    first, _, key_bits = packed.chunks[node]
    last = packed.chunks[node + 1, 0] if node + 1 < len(packed.chunks) else len(packed.rows)
    codes, counts = np.empty(last - first, np.uint32), np.empty(last - first, np.int64)
    children, weights = np.empty(last - first, np.uint16), np.empty(last - first, np.float32)
    rows, entries, bucket, at = 0, np.int64(0), 0, first
    while at < last:
        in_bucket = int(packed.rows[at])
        header_at, at = at + 1, at + 1 + 2 * in_bucket
        for row in range(rows, rows + in_bucket):
            header = read_number(packed.rows, header_at, 2)
            header_at += 2
            codes[row] = (bucket << key_bits) | (header & ((1 << key_bits) - 1))
            counts[row] = (header >> key_bits) + 1
            if counts[row] > 0xFFFF >> key_bits:
                counts[row] = read_number(packed.rows, at, packed.child_bytes) + 1
                at += packed.child_bytes
            for entry in range(entries, entries + counts[row]):
                children[entry] = read_number(packed.rows, at, packed.child_bytes)
                weights[entry] = read_weight(packed.rows, at + packed.child_bytes, packed.weight_bytes)
                at += packed.child_bytes + packed.weight_bytes
            entries += counts[row]
        rows, bucket = rows + in_bucket, bucket + 1
    return codes[:rows], counts[:rows], children[:entries], weights[:entries]
