"""Prefixes to sparse TF-IDF vectors over character n-grams, early ones heavier (PrefXMRtree, KDD 2021)."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

MAX_LENGTH = 3  # letters of an n-gram
_LETTER_BITS = 21  # of a code point, so that a run is one number


class LetterVectorizer:
    """TF-IDF over runs of one to three letters of a whole text, spaces among them, normalized to length 1.

    idf = ln((1 + texts) / (1 + texts that have it)) + 1. Yadav et al., KDD 2021, arXiv 2012.07654.
    """

    def __init__(self, runs: NDArray[np.int64], idf: NDArray[np.float32], *, by_position: bool) -> None:
        """runs: known ones as numbers, rising: column i is `runs[i]`."""
        self._runs, self._idf, self._by_position = runs, idf, by_position

    @classmethod
    def fit(cls, texts: Sequence[str], *, by_position: bool) -> Self:
        """Learn the columns and how rare each is.

        by_position: a run that starts at letter i, from 0, counts 1 / (i + 1) instead of 1.
        """
        runs, text, _ = _runs(texts)
        known, column = np.unique(runs, return_inverse=True)
        distinct = np.unique(column * np.int64(len(texts) + 1) + text) // (len(texts) + 1)
        counts = np.bincount(distinct, minlength=len(known))
        idf = (np.log((1 + len(texts)) / (1.0 + counts)) + 1).astype(np.float32)
        return cls(known, idf, by_position=by_position)

    @property
    def features(self) -> int:
        """How many columns there are."""
        return len(self._runs)

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Shape (texts, features), float32, rows of length 1, columns ascending; unknown runs are left out."""
        runs, text, start = _runs(texts)
        column = np.searchsorted(self._runs, runs)
        known = column < len(self._runs)
        known[known] = self._runs[column[known]] == runs[known]
        text, column, start = text[known], column[known], start[known]
        count = 1 / (start + 1.0) if self._by_position else np.ones(len(start))
        rows = csr_matrix((count * self._idf[column], (text, column)), shape=(len(texts), self.features))
        rows.sum_duplicates()
        length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1))).ravel()
        rows.data /= np.repeat(length, np.diff(rows.indptr))
        return csr_matrix(rows, dtype=np.float32)


def _runs(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All runs of letters as numbers, the text of each and the letter it starts at."""
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "replace"), "<u4").astype(np.int64) + 1
    lengths = np.array([len(text) for text in texts], np.int64)
    text = np.repeat(np.arange(len(texts)), lengths)
    start = np.arange(len(letters)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    left = np.repeat(lengths, lengths) - start
    by_length, run = [], np.zeros(len(letters), np.int64)
    for length in range(1, MAX_LENGTH + 1):
        whole = left >= length
        ends = np.flatnonzero(whole) + length - 1
        run <<= _LETTER_BITS
        run[whole] += letters[ends]
        by_length.append((run[whole], text[whole], start[whole]))
    runs, of, at = (np.concatenate(parts) for parts in zip(*by_length, strict=True))
    return runs, of, at
