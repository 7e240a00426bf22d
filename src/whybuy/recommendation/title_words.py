"""The words of titles as matrices: what each product is, and how rare its words are."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from scipy import sparse

from whybuy.catalog.titles import own_words
from whybuy.text import lemmas


class TitleWords:
    """Products × words of their titles and of some phrases, weighed by inverse document frequency over titles."""

    def __init__(self, products: pa.Table, phrases: Sequence[str], language: str) -> None:
        """products: PRODUCT_SCHEMA."""
        titles, brands = (products[name].to_pylist() for name in ("title", "brand"))
        words = [lemmas(title, language) for title in titles]
        self.phrase_words = [frozenset(lemmas(phrase, language)) for phrase in phrases]
        frequency = Counter(word for title in words for word in set(title))
        self._column = {word: at for at, word in enumerate(dict.fromkeys([*frequency, *_all(self.phrase_words)]))}
        counts = np.array([frequency[word] for word in self._column], np.float64)
        self._weights = sparse.diags_array(1.0 + np.log((1 + len(words)) / (1 + counts)))
        own = [own_words(title, brand, language) for title, brand in zip(titles, brands, strict=True)]
        self.own = self._matrix(own)  # products × words of what they are: 1, or 0
        self.phrases = sparse.csr_array(self._matrix(self.phrase_words) @ self._weights)  # phrases × words: weights
        weights = sparse.csr_array(self._matrix(words) @ self._weights)
        norms = np.maximum(np.sqrt(weights.multiply(weights).sum(axis=1)), 1.0)
        self.titles = sparse.csr_array(sparse.diags_array(1.0 / norms) @ weights)  # products × words, each of norm 1

    def _matrix(self, rows: Sequence[Iterable[str]]) -> sparse.csr_array:
        cells = [(at, self._column[word]) for at, words in enumerate(rows) for word in set(words) & self._column.keys()]
        places = np.array(cells, np.int64).reshape(-1, 2).T
        return sparse.csr_array((np.ones(len(cells)), tuple(places)), shape=(len(rows), len(self._column)))


def _all(phrases: Iterable[Iterable[str]]) -> Iterable[str]:
    return sorted({word for words in phrases for word in words})
