"""Ranks what earlier searches of the same words led to: signals boosting (Grainger et al., AI-Powered Search)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.artifacts import ArrayFolder, digest
from whybuy.retrieval.query import AnalyzedQuery
from whybuy.retrieval.ranked import Ranked
from whybuy.text import bag_of_words

FORMAT_VERSION = 1
_SAVED = ArrayFolder("signals", FORMAT_VERSION, "signals.json")


class SignalIndex:
    """Products by the words of past searches, in any order; memory-mapped, safe for many threads."""

    def __init__(self, bags: NDArray[np.uint64], starts: NDArray[np.int64], ranked: Ranked) -> None:
        """bags: shape (searches,), ascending hashes of their words. ranked: products of search s from starts[s] on."""
        self._bags, self._starts, self._ranked = bags, starts, ranked

    @classmethod
    def build(cls, queries: Sequence[str], product_by_query: csr_matrix) -> Self:
        """Index queries with what they led to; those of the same words are added up.

        product_by_query: shape (queries, products): the evidence for each product, > 0.
        """
        bags, search = np.unique(np.array([_hash(text) for text in queries], np.uint64), return_inverse=True)
        ones = np.ones(len(search), np.float32)
        sums = csr_matrix((ones, (search, np.arange(len(search)))), shape=(len(bags), len(search))) @ product_by_query
        sums.sort_indices()
        owner = np.repeat(np.arange(len(bags)), np.diff(sums.indptr))
        order = np.lexsort((sums.indices, -sums.data, owner))
        ranked = Ranked(sums.indices[order].astype(np.int32), sums.data[order].astype(np.float32))
        return cls(bags, sums.indptr.astype(np.int64), ranked)

    def __len__(self) -> int:
        return len(self._bags)

    def rank(self, query: AnalyzedQuery, depth: int) -> Ranked:
        """What searches of the same words led to, else of the same words with spelling corrected.

        Scores: the evidence for each product, > 0.
        """
        for text in (query.text, " ".join(query.words.corrected)) if query.tokens else ():
            hashed = _hash(text)
            place = int(np.searchsorted(self._bags, hashed))
            if place < len(self._bags) and self._bags[place] == hashed:
                span = slice(self._starts[place], min(self._starts[place + 1], self._starts[place] + depth))
                return Ranked(self._ranked.rows[span], self._ranked.scores[span])
        return Ranked.empty()

    def save(self, folder: Path) -> None:
        """Write the folder that `open` opens; it is made when missing."""
        arrays: Mapping[str, NDArray[Any]] = {
            "bags": self._bags,
            "starts": self._starts,
            "rows": self._ranked.rows,
            "scores": self._ranked.scores,
        }
        _SAVED.save(folder, arrays)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a saved folder, memory-mapped.

        Raises:
            ArtifactError: the folder holds no signals, those of another format version, or damaged ones.
        """
        arrays, _ = _SAVED.load(folder)
        return cls(arrays["bags"], arrays["starts"], Ranked(arrays["rows"], arrays["scores"]))


def _hash(text: str) -> int:
    return int(digest(*bag_of_words(text)), 16)
