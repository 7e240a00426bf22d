"""The trained rankers of a tree as bytes that are searched, saved and memory-mapped as they are.

The rankers of one node's children form a chunk (MSCM, Etter et al., WWW 2022), stored feature by feature::

    rows      | chunk of node 0 | chunk of node 1 | ...
    chunk     | bucket 0 | bucket 1 | ...                       the top bits of a feature's code choose the bucket
    bucket    | n | header 0 | ... | header n-1 | row 0 | ... | row n-1 |
                1   2 bytes each, ascending by key
    header    | entries of the row, less one | key: the low bits of the code |
                16 - key_bits bits             key_bits bits
    row       | [entries, less one] | child | weight | child | weight | ...
                only where they do   1 or 2   1, 2 or 4 bytes
                not fit the header:  bytes
                those bits are all 1

All numbers are little-endian. `buckets` has the start of each bucket and, in a mask of 16 bits, which keys, modulo 16,
it has: most features of a query are not in a chunk, and the mask rules out two thirds of them.
"""

from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import write_array
from whybuy.errors import ArtifactError
from whybuy.kernels import kernel

HASH_MULTIPLIER = 0x9E3779B1  # odd, so it permutes 0 .. 2**bits - 1; spreads neighbors (Knuth, TAOCP 6.4)
HEADER_BITS = 16  # of a row's header
Numbers = TypeVar("Numbers", bound=np.generic)


class PackedWeights(NamedTuple):
    """The rankers of all nodes, in the form that is searched and saved.

    A feature is known by its code, a permutation of the ids that spreads clustered ones; the module draws the bytes.
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


def code_bits(features: int) -> int:
    """How many bits the code of a feature has."""
    return max(1, (features - 1).bit_length())


def codes_of(features: NDArray[np.int32], bits: int) -> NDArray[np.uint32]:
    """The codes of features."""
    return ((features.astype(np.uint64) * HASH_MULTIPLIER) & ((1 << bits) - 1)).astype(np.uint32)


def features_of(codes: NDArray[np.uint32], bits: int) -> NDArray[np.int32]:
    """The features of codes."""
    return ((codes.astype(np.uint64) * pow(HASH_MULTIPLIER, -1, 1 << bits)) & ((1 << bits) - 1)).astype(np.int32)


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
