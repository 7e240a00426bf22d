"""The words of products as numbers, in reading order: what match features compare a query with."""

import functools
import hashlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.retrieval.terms import is_function_word, stem

UNKNOWN = -1  # a word of a query that no product has
NOTHING = -2  # no word at all
MIN_JOINED = 6  # letters of two words of a query that may be one word of a title
_SAVED = ArrayFolder("product terms", 1, "product_terms.json")


class TermTable(NamedTuple):
    """Terms of all products, for kernels. The title of product p is `title[title_start[p]:title_start[p + 1]]`."""

    title: NDArray[np.int32]  # shape (title words,)
    title_start: NDArray[np.int64]  # shape (products + 1,)
    kind: NDArray[np.int32]  # shape (words of types,): the words of the name of the product type
    kind_start: NDArray[np.int64]  # shape (products + 1,)
    other: NDArray[np.int32]  # shape (others,): distinct terms of brand, category and attributes
    other_start: NDArray[np.int64]  # shape (products + 1,)
    type_of: NDArray[np.int32]  # shape (products,): number of the product type
    rarity: NDArray[np.float32]  # shape (terms,): ln(1 + (products - n + 1/2) / (n + 1/2)), n products having it
    is_number: NDArray[np.bool_]  # shape (terms,)
    is_unit: NDArray[np.bool_]  # shape (terms,)


class QueryTerms(NamedTuple):
    """The words of one query, for kernels."""

    terms: NDArray[np.int32]  # shape (words,), `UNKNOWN` for words that no product has
    joined: NDArray[np.int32]  # shape (words,): the term that a word and the next one make together, or `NOTHING`
    light: NDArray[np.bool_]  # shape (words,): function words
    stems: NDArray[np.uint64]  # shape (words,): hash of the stem of each word, also of words that no product has


class ProductTerms:
    """The terms of a catalog; memory-mapped, immutable."""

    def __init__(self, hashes: NDArray[np.uint64], table: TermTable) -> None:
        """hashes: shape (terms,), ascending: the term of a word is the place of its hash."""
        self._hashes = hashes
        self.table = table

    def __len__(self) -> int:
        return len(self.table.type_of)

    def query(self, words: Sequence[str]) -> QueryTerms:
        """The terms of a query's words, spelling corrected, in reading order."""
        pairs = [left + right for left, right in pairwise(words)]
        stems = _hashes(map(stem, words))
        joined = _hashes(stem(pair) if pair.isalpha() and len(pair) >= MIN_JOINED else "" for pair in pairs)
        light = np.array([is_function_word(word) for word in words], np.bool_)
        after = np.append(self._terms(joined, NOTHING), np.int32(NOTHING))[: len(words)].astype(np.int32)
        return QueryTerms(self._terms(stems, UNKNOWN), after, light, stems)

    def _terms(self, hashes: NDArray[np.uint64], missing: int) -> NDArray[np.int32]:
        places = np.searchsorted(self._hashes, hashes)
        known = places < len(self._hashes)
        known[known] = self._hashes[places[known]] == hashes[known]
        return np.where(known, places, missing).astype(np.int32)

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        _SAVED.save(folder, self.table._asdict() | {"hashes": self._hashes})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved folder, memory-mapped.

        Raises:
            ArtifactError: the folder holds no terms, those of another format version, or damaged ones.
        """
        arrays, _ = _SAVED.load(folder)
        hashes = arrays.pop("hashes")
        return cls(hashes, TermTable(**arrays))


def _hashes(words: Iterable[str]) -> NDArray[np.uint64]:
    return np.array([word_hash(word) for word in words], np.uint64)


@functools.lru_cache(maxsize=200_000)
def word_hash(word: str) -> int:
    """A number for a stem, the same on every machine, below 2**64."""
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest())
