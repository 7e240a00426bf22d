"""The analysis of a query that all rankers share, each part made once: tokens, lemmas, corrected words, vector."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from whybuy.records import Intent
from whybuy.retrieval.lexical import LexicalIndex
from whybuy.retrieval.terms import QueryWords
from whybuy.text import lemma, tokenize
from whybuy.vectors.ngrams import NgramVectorizer

MAX_LEMMAS = 32  # words of a query that are lemmatized
Vector = tuple[NDArray[np.int32], NDArray[np.float32]]
"""Columns and values of a sparse n-gram vector of norm 1, both of shape (n,)."""

_NO_VECTOR: Vector = np.empty(0, np.int32), np.empty(0, np.float32)


@dataclass(frozen=True, eq=False)
class AnalyzedQuery:
    """A query with everything that rankers read of it, each part made at its first use."""

    text: str
    intents: tuple[Intent, ...]  # understood in the text
    lexical: LexicalIndex  # corrects its words
    vectorizer: NgramVectorizer | None  # of the label tree, None where a shop has none

    @cached_property
    def words(self) -> QueryWords:
        """With spelling corrected by the catalog."""
        return self.lexical.analyze(self.text)

    @cached_property
    def tokens(self) -> list[str]:
        """Normalized words in reading order."""
        return tokenize(self.text)

    @cached_property
    def lemmas(self) -> list[str]:
        """Dictionary forms of the first `MAX_LEMMAS` tokens."""
        return [lemma(token) for token in self.tokens[:MAX_LEMMAS]]

    @cached_property
    def vector(self) -> Vector:
        """N-grams in the space of the label tree; empty without a tree, or where none is known."""
        return self.vectorizer.vector(self.text) if self.vectorizer else _NO_VECTOR
