"""Texts as one array of bytes with offsets, in blocks of a megabyte, as kernels read them."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.text import tokenize

TextSource: TypeAlias = "pa.Array | pa.ChunkedArray | Sequence[str]"
R = TypeVar("R")
Number = TypeVar("Number", np.uint8, np.int64)

BLOCK = 1 << 20  # bytes of text that one call of a kernel takes


class Texts(NamedTuple):
    """Many texts: ASCII ones as they came, others already as their words, normalized, with one space between."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]  # shape (texts + 1,): text i is data[offsets[i] : offsets[i + 1]]
    tokenized: NDArray[np.bool_]  # shape (texts,): whether a text is its words already


def encode(text: str) -> tuple[NDArray[np.uint8], bool]:
    """One text as in `Texts`. Returns: its bytes, and whether they are its words already."""
    plain = text.isascii()
    return np.frombuffer((text if plain else _words(text)).encode(), np.uint8), not plain


def read_texts(source: TextSource) -> Texts:
    """Texts for the kernels; an Arrow column of ASCII texts is not copied, and a null is an empty text.

    Raises:
        InputError: what came are not texts.
    """
    column = _large_strings(source)
    tokenized = pc.invert(pc.string_is_ascii(column))
    if pc.any(tokenized).as_py():
        words = pa.array(map(_words, column.filter(tokenized).to_pylist()), pa.large_string())
        column = pc.replace_with_mask(column, tokenized, words)
    _, offsets, data = column.buffers()
    if len(column) == 0:
        offsets, data = np.zeros(1, np.int64), b""
    return Texts(
        _numbers(data, np.uint8),
        _numbers(offsets, np.int64)[column.offset : column.offset + len(column) + 1],
        tokenized.to_numpy(zero_copy_only=False),
    )


def by_block(texts: Texts, work: Callable[[Texts], R], threads: int) -> Iterator[R]:
    """What `work` makes of each block of about a megabyte of text, in their order."""
    edges = np.arange(texts.offsets[0], texts.offsets[-1], BLOCK)
    cuts = np.unique([0, *np.searchsorted(texts.offsets, edges), len(texts.tokenized)])
    blocks = [
        Texts(texts.data, texts.offsets[start : end + 1], texts.tokenized[start:end])
        for start, end in itertools.pairwise(cuts.tolist())
    ]
    if threads == 1:
        yield from map(work, blocks)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, blocks)


def _numbers(buffer: pa.Buffer | NDArray[np.int64] | bytes | None, kind: type[Number]) -> NDArray[Number]:
    """A read-only view, like that of `bytes`: kernels are compiled for one kind of array."""
    numbers = np.frombuffer(b"" if buffer is None else buffer, kind)
    numbers.flags.writeable = False
    return numbers


def _words(text: str) -> str:
    return " ".join(tokenize(text))


def _large_strings(source: TextSource) -> pa.Array:
    if isinstance(source, str):
        raise InputError(
            f"Texts came as one string, {source[:40]!r}; they must be a list or an Arrow column of strings."
        )
    if not isinstance(source, (pa.Array, pa.ChunkedArray)):
        try:
            return pa.array(source, pa.large_string()).fill_null("")
        except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError) as error:
            raise InputError(
                f"Texts must be strings of valid Unicode: {error}. Convert or clean them first."
            ) from error
    if not (pa.types.is_string(source.type) or pa.types.is_large_string(source.type)):
        raise InputError(f"Texts came as an Arrow column of {source.type}; it must be of strings. Cast it first.")
    column = source.cast(pa.large_string()).fill_null("")
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
