"""What the words of a lexical index say: which products have them, what a misspelled one may mean."""

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import tantivy
from numpy.typing import NDArray
from tantivy import Order
from tantivy import Query as Search

from whybuy.retrieval.spelling import Reading, Speller, Spelling
from whybuy.retrieval.terms import FIELDS, QueryWord, stem
from whybuy.retrieval.word_documents import SCHEMA

_TERMS_KEPT = 4_000  # whose products are remembered: four bytes for each product with the term
_BITS_KEPT = 8 * 32_000_000  # of the same, a bit for each product of the shop


class WordView:
    """One state of a lexical index: its searcher and what is derived from its words; safe for many threads."""

    def __init__(self, index: tantivy.Index) -> None:
        self.searcher = index.searcher()
        self.fields = [name for name in FIELDS if self.searcher.terms_with_prefix(name, "", limit=1)]
        last = self.searcher.search(Search.all_query(), 1, order_by_field="row", order=Order.Desc).hits
        self.rows = 1 + last[0][0] if last else 0  # those of deleted products are counted
        self.frequency = functools.lru_cache(maxsize=20_000)(self._frequency)
        self.having = functools.lru_cache(maxsize=_TERMS_KEPT)(self._having)
        kept = min(_TERMS_KEPT, 1 + _BITS_KEPT // max(1, self.rows))
        self.having_anywhere = functools.lru_cache(maxsize=kept)(self._having_anywhere)
        self.having_named = functools.lru_cache(maxsize=kept)(self._having_named)
        self.having_type = functools.lru_cache(maxsize=kept)(self._having_type)

    @functools.cached_property
    def speller(self) -> Speller:
        """Made when the first unknown or rare word comes."""
        spelling = Spelling(dict(self.searcher.terms_with_prefix("word", "")))
        return Speller(spelling, lambda word: self.having_anywhere(stem(word)), self.searcher.num_docs)

    def knows(self, word: str) -> bool:
        """Whether a product has a word, in any inflection."""
        return self.frequency(word) > 0

    def _frequency(self, word: str) -> int:
        """Products that have a word in the field where most have it."""
        term = stem(word)
        return max((self.searcher.doc_freq(name, term) for name in self.fields), default=0)

    def read(self, word: str, others: Sequence[str]) -> Sequence[Reading]:
        """What an unknown or rare word may mean, likeliest first: itself where nothing is near it."""
        itself = Reading((word,))
        if not self.knows(word):
            return self.speller.readings(word, others)
        is_brand = "brand" in self.fields and self.searcher.doc_freq("brand", stem(word))
        return (itself,) if is_brand else (itself, *self.speller.meant(word, others))

    def having_any(self, word: QueryWord) -> NDArray[np.uint8]:
        """Whether each product has a word of a query, or what may stand for it: a bit by row."""
        options = (map(self.having_anywhere, terms) for terms, _ in options_of(word))
        return functools.reduce(np.bitwise_or, (functools.reduce(np.bitwise_and, one) for one in options))

    def _having(self, name: str, term: str) -> NDArray[np.int32]:
        """Rows of the products that have a term in a field, ascending."""
        wanted = Search.term_query(SCHEMA, name, term, "basic")
        every = max(1, self.searcher.num_docs)
        hits = self.searcher.search(wanted, every, count=False, order_by_field="row", order=Order.Asc).hits
        return np.fromiter((row for row, _ in hits), np.int32, len(hits))

    def _having_anywhere(self, term: str) -> NDArray[np.uint8]:
        """Whether each product has a term in any field: a bit by row."""
        return self._having_in(self.fields, term)

    def _having_named(self, term: str) -> NDArray[np.uint8]:
        """Whether each product has a term in a field that names or sorts it, and not in its description alone."""
        return self._having_in([name for name in self.fields if name != "description"], term)

    def _having_in(self, fields: Sequence[str], term: str) -> NDArray[np.uint8]:
        having = np.zeros(self.rows, np.bool_)
        for name in fields:
            having[self.having(name, term)] = True
        return np.packbits(having)

    def _having_type(self, kinds: Sequence[str]) -> NDArray[np.uint8]:
        """Whether each product is of one of some types: a bit by row."""
        having = np.zeros(self.rows, np.bool_)
        for kind in kinds:
            having[self.having("exact_type", kind.casefold())] = True
        return np.packbits(having)

    def joins(self, left: str, right: str) -> bool:
        """Whether the catalog writes two words as one, too: "lawn mower" and "lawnmower"."""
        whole = left + right
        return whole.isalpha() and len(whole) >= 6 and self.searcher.doc_freq("word", whole) > 0


def options_of(word: QueryWord) -> Iterator[tuple[tuple[str, ...], float]]:
    """The terms of a word and of what may stand for it, each with its weight."""
    yield (word.term,), 1.0
    for other in word.others:
        yield other.terms, other.weight


def bits_at(packed: NDArray[np.uint8], places: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The bits at some places of `np.packbits`."""
    bytes_there = packed.take(places >> 3, mode="clip")  # rows may have come from a newer state of the index
    bits: NDArray[np.bool_] = (bytes_there << (places & 7) & 128) > 0
    return bits
