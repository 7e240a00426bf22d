"""Prefixes to sparse TF-IDF vectors over character n-grams, early ones heavier (PrefXMRtree, KDD 2021)."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

MAX_LENGTH = 3  # letters of an n-gram
_LETTER_BITS = 21  # of a code point, so that an n-gram is one number


class LetterVectorizer:
    """TF-IDF over n-grams of one to three letters of a whole text, spaces among them, normalized to length 1.

    idf = ln((1 + texts) / (1 + texts that have it)) + 1. Yadav et al., KDD 2021, arXiv 2012.07654.
    """

    def __init__(self, ngrams: NDArray[np.int64], idf: NDArray[np.float32], *, by_position: bool) -> None:
        """ngrams: known ones as numbers, rising: column i is `ngrams[i]`."""
        self._ngrams, self._idf, self._by_position = ngrams, idf, by_position

    @classmethod
    def fit(cls, texts: Sequence[str], *, by_position: bool) -> Self:
        """Learn the columns and how rare each is.

        by_position: an n-gram that starts at letter i, from 0, counts 1 / (i + 1) instead of 1.
        """
        ngrams, text, _ = _ngrams_of(texts)
        known, column = np.unique(ngrams, return_inverse=True)
        distinct = np.unique(column * np.int64(len(texts) + 1) + text) // (len(texts) + 1)
        counts = np.bincount(distinct, minlength=len(known))
        idf = (np.log((1 + len(texts)) / (1.0 + counts)) + 1).astype(np.float32)
        return cls(known, idf, by_position=by_position)

    @property
    def features(self) -> int:
        """How many columns there are."""
        return len(self._ngrams)

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Shape (texts, features), float32, rows of length 1, columns ascending; unknown n-grams are left out."""
        ngrams, text, start = _ngrams_of(texts)
        column = np.searchsorted(self._ngrams, ngrams)
        known = column < len(self._ngrams)
        known[known] = self._ngrams[column[known]] == ngrams[known]
        text, column, start = text[known], column[known], start[known]
        count = 1 / (start + 1.0) if self._by_position else np.ones(len(start))
        rows = csr_matrix((count * self._idf[column], (text, column)), shape=(len(texts), self.features))
        rows.sum_duplicates()
        length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1))).ravel()
        rows.data /= np.repeat(length, np.diff(rows.indptr))
        return csr_matrix(rows, dtype=np.float32)


def _ngrams_of(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All n-grams as numbers, the text of each and the letter it starts at."""
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "replace"), "<u4").astype(np.int64) + 1
    lengths = np.array([len(text) for text in texts], np.int64)
    text = np.repeat(np.arange(len(texts)), lengths)
    start = np.arange(len(letters)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    left = np.repeat(lengths, lengths) - start
    by_length, ngram = [], np.zeros(len(letters), np.int64)
    for length in range(1, MAX_LENGTH + 1):
        whole = left >= length
        ends = np.flatnonzero(whole) + length - 1
        ngram <<= _LETTER_BITS
        ngram[whole] += letters[ends]
        by_length.append((ngram[whole], text[whole], start[whole]))
    ngrams, of, at = (np.concatenate(parts) for parts in zip(*by_length, strict=True))
    return ngrams, of, at
