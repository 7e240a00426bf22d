"""The words of products as numbers, in reading order: what match features compare a query with."""

import functools
import hashlib
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.retrieval.terms import UNITS, is_function_word, stem, words

UNKNOWN = -1  # a word of a query that no product has
NOTHING = -2  # no word at all
LEAST_JOINED = 6  # letters of two words of a query that may be one word of a title
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
    stems: NDArray[np.uint64]  # shape (words,): what tells words apart, those that no product has too


class ProductTerms:
    """The terms of a catalog; memory-mapped, immutable."""

    def __init__(self, hashes: NDArray[np.uint64], table: TermTable) -> None:
        """hashes: shape (terms,), ascending: the term of a word is the place of its hash."""
        self._hashes = hashes
        self.table = table

    @classmethod
    def build(cls, products: pa.Table) -> Self:
        """Number the words of products. products: `PRODUCT_SCHEMA`."""
        titles = [_stems(text) for text in products["title"].to_pylist()]
        types = products["product_type"].to_pylist()
        kinds = list(map(functools.lru_cache(_stems), types))
        others = [sorted(set(_stems(text)), key=_hash) for text in _other_texts(products)]
        fields = titles, kinds, others
        vocabulary = sorted(set(chain.from_iterable(chain.from_iterable(fields))), key=_hash)
        number = {word: term for term, word in enumerate(vocabulary)}
        owners = [set().union(*found) for found in zip(*fields, strict=True)]
        counts = np.bincount([number[word] for own in owners for word in own], minlength=len(vocabulary))
        table = TermTable(
            *_flat(titles, number),
            *_flat(kinds, number),
            *_flat(others, number),
            type_of=np.unique(np.array(types, dtype=object), return_inverse=True)[1].astype(np.int32),
            rarity=np.log(1 + (len(titles) - counts + 0.5) / (counts + 0.5)).astype(np.float32),
            is_number=np.array([word[:1].isdigit() for word in vocabulary], np.bool_),
            is_unit=np.array([word in UNITS for word in vocabulary], np.bool_),
        )
        return cls(np.array(list(map(_hash, vocabulary)), np.uint64), table)

    def __len__(self) -> int:
        return len(self.table.type_of)

    def query(self, asked: Sequence[str]) -> QueryTerms:
        """The terms of a query's words, spelling corrected, in reading order."""
        pairs = [left + right for left, right in pairwise(asked)]
        stems = _hashes(map(stem, asked))
        joined = _hashes(stem(pair) if pair.isalpha() and len(pair) >= LEAST_JOINED else "" for pair in pairs)
        light = np.array([is_function_word(word) for word in asked], np.bool_)
        after = np.append(self._terms(joined, NOTHING), np.int32(NOTHING))[: len(asked)].astype(np.int32)
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


def _stems(text: str) -> list[str]:
    return [stem(word) for word in words(text)]


def _other_texts(products: pa.Table) -> Iterable[str]:
    columns = (products[name].to_pylist() for name in ("brand", "category", "attributes"))
    for brand, category, attributes in zip(*columns, strict=True):
        yield " ".join([brand, *category, *(f"{entry['name']} {entry['value']}" for entry in attributes)])


def _flat(field: Sequence[Sequence[str]], number: dict[str, int]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    lengths = np.array([0, *map(len, field)], np.int64)
    return np.array([number[word] for found in field for word in found], np.int32), np.cumsum(lengths)


def _hashes(words: Iterable[str]) -> NDArray[np.uint64]:
    return np.array([_hash(word) for word in words], np.uint64)


@functools.lru_cache(maxsize=200_000)
def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest())
