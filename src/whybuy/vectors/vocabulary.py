"""Which column each n-gram has, and how much it weighs: built from counts, kept as a folder of memory-mapped arrays."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import write_array
from whybuy.errors import ArtifactError
from whybuy.kernels import kernel
from whybuy.vectors.hashing import SET_BITS, SETS

_HASH_BITS = 64


class Vocabulary(NamedTuple):
    """The columns of a fitted vocabulary are in the order of hashes; without one, a column is a hash's highest bits."""

    idf: NDArray[np.float32]  # shape (columns,), >= 1
    hashes: NDArray[np.uint64]  # shape (columns,), ascending; empty when columns are hashed
    starts: NDArray[np.int32]  # shape (buckets + 1,): n-grams of bucket b are starts[b] up to starts[b + 1]; or empty
    shift: int  # a hash shifted right by so many bits is its bucket, or its hashed column


_KINDS = {"idf": np.float32, "hashes": np.uint64, "starts": np.int32}


@kernel
def find(ngrams: NDArray[np.uint64], vocabulary: Vocabulary) -> NDArray[np.int32]:
    """The column of each n-gram; -1 for unknown ones."""
    columns = np.empty(len(ngrams), np.int32)
    _, hashes, starts, shift = vocabulary  # taken out once: each access counts references
    hashed = len(starts) == 0
    for at in range(len(ngrams)):
        bucket = np.int64(ngrams[at] >> np.uint64(shift))
        columns[at] = bucket if hashed else -1
        if not hashed:
            for place in range(starts[bucket], starts[bucket + 1]):
                if hashes[place] == ngrams[at]:
                    columns[at] = place
                    break
    return columns


def fit_vocabulary(
    ngrams: NDArray[np.uint64], counts: NDArray[np.int32], texts: int, *, least_texts: int, most_features: int
) -> Vocabulary:
    """Keep n-grams, ascending, that stand in `counts` of the texts: often enough, and the most frequent of each set."""
    kept = counts >= least_texts
    if most_features:
        kept &= _most_frequent(ngrams, counts, most_features)
    ngrams, counts = ngrams[kept], counts[kept]
    bits = max(1, (len(ngrams) // 2).bit_length())  # about two n-grams a bucket
    buckets = np.arange(1 << bits, dtype=np.uint64) << np.uint64(_HASH_BITS - bits)
    starts = np.append(np.searchsorted(ngrams, buckets), len(ngrams)).astype(np.int32)
    return _read_only(Vocabulary(_idf(counts, texts), ngrams, starts, _HASH_BITS - bits))


def hash_vocabulary(columns: NDArray[np.uint64], counts: NDArray[np.int32], texts: int, bits: int) -> Vocabulary:
    """2 ** `bits` columns; those that are not among `columns` occur in no text."""
    all_counts = np.zeros(1 << bits, np.int32)
    all_counts[columns] = counts
    return _read_only(
        Vocabulary(_idf(all_counts, texts), np.empty(0, np.uint64), np.empty(0, np.int32), _HASH_BITS - bits)
    )


def save_vocabulary(vocabulary: Vocabulary, folder: Path) -> dict[str, int]:
    """Write the arrays. Returns: what `load_vocabulary` needs beside them."""
    arrays = vocabulary._asdict()
    for name in _KINDS:
        write_array(folder / f"{name}.npy", arrays[name])
    return {name: len(arrays[name]) for name in _KINDS} | {"shift": vocabulary.shift}


def load_vocabulary(folder: Path, sizes: dict[str, int]) -> Vocabulary:
    """Map the arrays into memory.

    Raises:
        ArtifactError: an array is not what was saved.
        OSError, ValueError, KeyError: an array or its size is missing, or a file is no array at all.
    """
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _KINDS}
    for name, array in arrays.items():
        if array.shape != (sizes[name],) or array.dtype != _KINDS[name]:
            raise ArtifactError(
                f"{folder / name}.npy holds {array.shape} of {array.dtype}; saved were ({sizes[name]},) of "
                f"{np.dtype(_KINDS[name])}. The file is of another model or damaged: save the model anew."
            )
    return _read_only(Vocabulary(**{name: np.asarray(array) for name, array in arrays.items()}, shift=sizes["shift"]))


def _idf(counts: NDArray[np.int32], texts: int) -> NDArray[np.float32]:
    return (np.log((1 + texts) / (1.0 + counts)) + 1).astype(np.float32)


def _most_frequent(ngrams: NDArray[np.uint64], counts: NDArray[np.int32], most: int) -> NDArray[np.bool_]:
    """Mark up to `most` n-grams of each set; among equally frequent ones, those that come first."""
    kept = np.zeros(len(ngrams), np.bool_)
    for of_set in range(SETS):
        members = np.flatnonzero((ngrams & SET_BITS) == of_set)
        kept[members[np.argsort(-counts[members], kind="stable")[:most]]] = True
    return kept


def _read_only(vocabulary: Vocabulary) -> Vocabulary:
    """As when memory-mapped: kernels are compiled for one kind of array."""
    for array in (vocabulary.idf, vocabulary.hashes, vocabulary.starts):
        array.flags.writeable = False
    return vocabulary
