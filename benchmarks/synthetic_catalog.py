"""A catalog of any size with search-buy pairs: composed titles, Zipf popularity, queries as noisy parts of titles.

Run `python benchmarks/synthetic_catalog.py [PRODUCTS]` to see what it makes.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]  # shape (texts, slots): a word of the vocabulary in each slot, -1 for none

SLOTS = ("brand", "model", "adjective", "material", "modifier", "noun", "color", "size")
KEPT = np.array([0.25, 0.12, 0.15, 0.3, 0.7, 0.85, 0.3, 0.2])  # how often a query says the word of the slot
RENAMED = np.array([0.0, 0.0, 0.1, 0.15, 0.15, 0.15, 0.1, 0.0])  # how often it says a synonym
MISSPELLED = 0.04  # of the words
NOUN = SLOTS.index("noun")
SYLLABLES = [first + vowel for first in "b d f g k l m n p r s t v z br st tr".split() for vowel in "a e i o u".split()]
TEXTS_AT_ONCE = 250_000
LONGEST = 8  # rounds of drawing before a catalog is too small for the queries asked of it


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """Distinct queries with what was bought for them."""

    texts: pa.ChunkedArray  # of strings
    bought: csr_matrix  # queries x products: float32 purchases


@dataclass(frozen=True)
class SyntheticCatalog:
    """Products of a seed; the same numbers give the same catalog on every machine.

    The words of a title are drawn from vocabularies that grow with the catalog; products of one type share modifier
    and noun. Purchases follow Zipf's law, with one in three spread evenly, so that no product is without any.
    """

    products: int
    seed: int = 7

    @cached_property
    def titles(self) -> pa.ChunkedArray:
        """One title per product."""
        return _join(self._codes, self._words)

    def searches(self, queries: int, *, part: int = 0) -> Searches:
        """The first so many distinct queries of an endless stream of purchases, the stream of this part.

        Raises:
            ValueError: the catalog has not so many different queries to ask.
        """
        random = np.random.default_rng([self.seed, 1, part])
        hashes, codes, labels = _until_distinct(self._purchases(random, queries), queries)
        _, first, query_of = np.unique(hashes, return_index=True, return_inverse=True)
        order = np.argsort(first)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        rows = place[query_of]
        kept = rows < queries
        ones = np.ones(int(kept.sum()), np.float32)
        bought = csr_matrix((ones, (rows[kept], labels[kept])), (queries, self.products))
        return Searches(_join(codes[first[order[:queries]]], self._words), bought)

    @cached_property
    def _sizes(self) -> Ints:
        """How many words each slot has to choose from."""
        root = int(self.products**0.5)
        return np.array([20 + 2 * root, 20 + min(self.products // 20, 200_000), 200, 80, 20 + root, 20 + root, 60, 200])

    @cached_property
    def _starts(self) -> Ints:
        return np.concatenate([[0], np.cumsum(self._sizes)])

    @cached_property
    def _words(self) -> pa.Array:
        """Every word, then a synonym of every word, then each of those misspelled."""
        count = int(self._starts[-1])
        random = np.random.default_rng([self.seed, 0])
        words = _spell(random.permutation(len(SYLLABLES) ** 3)[: 2 * count])
        sizes = self._starts[SLOTS.index("size")]
        words[sizes:count] = [f"{number} in" for number in range(1, count - sizes + 1)]
        return pa.array([*words, *(word[:1] + word[2:] for word in words)])

    @cached_property
    def _codes(self) -> Codes:
        random = np.random.default_rng([self.seed, 2])
        types = max(20, self.products // 50)
        type_of = _zipf(random, types, self.products, 0.5)
        codes = np.empty((self.products, len(SLOTS)), np.int32)
        for slot, size in enumerate(self._sizes.tolist()):
            codes[:, slot] = _zipf(random, size, self.products, 0.7)
        for name in ("modifier", "noun"):
            slot = SLOTS.index(name)
            codes[:, slot] = random.integers(0, self._sizes[slot], types)[type_of]
        return codes + self._starts[:-1].astype(np.int32)

    def _purchases(self, random: np.random.Generator, count: int) -> Iterator[tuple[Codes, Ints]]:
        """Blocks of purchases: the words of the query, the product."""
        popular = np.random.default_rng([self.seed, 3]).permutation(self.products)
        while True:
            evenly = np.resize(random.permutation(self.products), count // 3)
            labels = np.concatenate([evenly, popular[_zipf(random, self.products, count - len(evenly), 1.0)]])
            yield self._ask(random, labels), labels

    def _ask(self, random: np.random.Generator, labels: Ints) -> Codes:
        codes = self._codes[labels]
        total = np.int32(self._starts[-1])
        for slot in range(len(SLOTS)):
            codes[random.random(len(codes)) < RENAMED[slot], slot] += total
            codes[random.random(len(codes)) < MISSPELLED, slot] += 2 * total
            codes[random.random(len(codes)) >= KEPT[slot], slot] = -1
        silent = (codes < 0).all(axis=1)
        codes[silent, NOUN] = self._codes[labels[silent], NOUN]
        return codes


def _until_distinct(blocks: Iterator[tuple[Codes, Ints]], queries: int) -> tuple[NDArray[np.uint64], Codes, Ints]:
    hashes, codes, labels = np.empty(0, np.uint64), np.empty((0, len(SLOTS)), np.int32), np.empty(0, np.int64)
    for block_codes, block_labels in blocks:
        hashes = np.concatenate([hashes, _hash(block_codes)])
        codes = np.concatenate([codes, block_codes])
        labels = np.concatenate([labels, block_labels])
        if len(np.unique(hashes)) >= queries:
            return hashes, codes, labels
        if len(labels) >= LONGEST * queries:
            break
    raise ValueError(f"{len(labels)} purchases show less than {queries} different queries. Ask for fewer.")


def _hash(codes: Codes) -> NDArray[np.uint64]:
    mixed = np.zeros(len(codes), np.uint64)
    for slot in range(codes.shape[1]):
        mixed = (mixed ^ (codes[:, slot] + 2).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _zipf(random: np.random.Generator, items: int, count: int, exponent: float) -> Ints:
    """Items by Zipf's law, the most frequent first; the head is flattened as catalogs show it."""
    shares = np.cumsum((np.arange(items) + 10.0) ** -exponent)
    found: Ints = np.searchsorted(shares, random.random(count) * shares[-1])
    return found


def _spell(numbers: Ints) -> list[str]:
    base = len(SYLLABLES)
    return [SYLLABLES[n % base] + SYLLABLES[n // base % base] + SYLLABLES[n // base**2] for n in numbers.tolist()]


def _join(codes: Codes, words: pa.Array) -> pa.ChunkedArray:
    """The words of each row with spaces between."""
    return pa.chunked_array(
        [_join_block(codes[start : start + TEXTS_AT_ONCE], words) for start in range(0, len(codes), TEXTS_AT_ONCE)],
        pa.string(),
    )


def _join_block(codes: Codes, words: pa.Array) -> pa.Array:
    said = codes >= 0
    ends = np.concatenate([[0], np.cumsum(said.sum(axis=1))]).astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(ends, words.take(pa.array(codes[said]))), " ")


def main(products: int) -> None:
    """Print how long it took and a few of the texts."""
    began = time.perf_counter()
    catalog = SyntheticCatalog(products)
    searches = catalog.searches(3 * products)
    figures = {
        "products": len(catalog.titles),
        "queries": len(searches.texts),
        "pairs": searches.bought.nnz,
        "purchases": int(searches.bought.sum()),
        "seconds": round(time.perf_counter() - began, 1),
        "titles": catalog.titles[:5].to_pylist(),
        "asked": searches.texts[:10].to_pylist(),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
