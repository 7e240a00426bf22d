"""Words of a catalog: which products have them, how they are written, and which of them name products or brands."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.retrieval.spelling import edit_distances, letter_matrix
from whybuy.retrieval.terms import UNITS, is_function_word, stem, words

SHORTEST = 3  # letters
_FEW = 20  # titles without a term that are added to those with a word
_NAMES = 0.15  # a word names products where so many of its titles are of a type that ends in it
_FIRST = 0.4  # a word is taken for a brand where so many of its titles begin with it


class CatalogWords:
    """Words of products."""

    def __init__(self, products: pa.Table) -> None:
        self.titles = [list(map(stem, words(text))) for text in products["title"].to_pylist()]
        self._others = list(zip(*(products[name].to_pylist() for name in _OTHERS), strict=True))
        self.written = WrittenForms()
        for text in products["title"].to_pylist():
            self.written.add(text)
        self.counts = Counter(term for title in self.titles for term in set(title))
        self._named = Counter(stem(word) for kind in products["product_type"].to_pylist() for word in words(kind)[-1:])
        first = Counter(title[0] for title in self.titles if title)
        branded = {stem(word) for brand in set(products["brand"].to_pylist()) for word in words(brand)}
        self.brands = {
            term
            for term, count in self.counts.items()
            if term in branded or (first[term] >= _FIRST * count and count > 2)
        }
        self.number = {term: number for number, term in enumerate(self.counts)}  # column in `titles_with`
        lengths = np.cumsum([0, *map(len, self.titles)])
        columns = np.array([self.number[term] for title in self.titles for term in title], np.int32)
        has = csr_matrix(
            (np.ones(len(columns), np.float32), columns, lengths), shape=(len(self.titles), len(self.number))
        )
        has.sum_duplicates()
        has.data[:] = 1
        self.titles_with, self._by_term = has, csr_matrix(has.T)
        self._shares: dict[str, NDArray[np.float32]] = {}
        self.has = cache(self._words)

    def __len__(self) -> int:
        return len(self.titles)

    def _words(self, row: int) -> frozenset[str]:
        """Stems of all words of a product."""
        brand, kind, category, attributes, description = self._others[row]
        traits = (f"{entry['name']} {entry['value']}" for entry in attributes)
        texts = (brand, kind, *category, *traits, description)
        return frozenset((*self.titles[row], *(stem(word) for text in texts for word in words(text))))

    def names_products(self, term: str) -> bool:
        """Whether a term names products: a good part of the titles that have it are of types that end in it."""
        return self._named[term] >= _NAMES * self.counts[term] > 0

    def share(self, term: str, word: str) -> float:
        """How often titles have a term: all of them, or those with a word, whichever is more."""
        overall = self.counts[term] / max(1, len(self))
        both = term in self.number and word in self.number
        return max(overall, float(self._given(word)[self.number[term]])) if both else overall

    def wording(self, term: str) -> str:
        """How a term, or several, are written."""
        return " ".join(self.written[one] for one in term.split())

    def _given(self, term: str) -> NDArray[np.float32]:
        if term not in self._shares:
            rows = self._by_term[self.number[term]].indices
            self._shares[term] = (self.titles_with[rows].sum(axis=0).A1 / (len(rows) + _FEW)).astype(np.float32)
        return self._shares[term]


_OTHERS = ("brand", "product_type", "category", "attributes", "description")


class WrittenForms:
    """How a stem is written most often."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, text: str) -> None:
        """Count the words of a text."""
        for word in words(text):
            self._counts[stem(word)][word] += 1

    def __getitem__(self, term: str) -> str:
        counts = self._counts[term]
        return min(counts, key=lambda word: (-counts[word], word))


def abbreviated(word: str, title: Sequence[str]) -> str:
    """The words of a title, one after the other, whose first letters are a word: "grand theft auto" for "gta"."""
    for start in range(len(title) - len(word) + 1):
        run = title[start : start + len(word)]
        if "".join(term[0] for term in run) == word:
            return " ".join(run)
    return ""


def is_content_word(term: str) -> bool:
    """Whether a word of letters says something about a product: no unit, and no function word."""
    return len(term) >= SHORTEST and term.isalpha() and term not in UNITS and not is_function_word(term)


def are_spelled_similarly(left: str, right: str) -> bool:
    """One begins with the other or abbreviates it, or few letters differ."""
    return left.startswith(right) or right.startswith(left) or " " in right or few_letters_differ(left, right)


def few_letters_differ(left: str, right: str) -> bool:
    """One letter of short words, two of longer ones."""
    (edits,) = edit_distances(left, letter_matrix([right]), np.array([len(right)], np.int16)).tolist()
    return bool(edits <= (1 if min(len(left), len(right)) < 6 else 2))
