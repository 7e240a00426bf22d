"""Features of a reason and its head: similarity of their vectors, as encoded and as fitted, and shared words."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from whybuy.knowledge.critic.text_affinity import Affinity
from whybuy.knowledge.critic.text_judgments import Statements
from whybuy.language.encoder import Encoder, encode_distinct
from whybuy.text import FUNCTION_WORDS, lemmas
from whybuy.vectors.unit import unit_vectors

REFERENCE_HEADS = 500  # heads over which the mean similarity of a reason is taken, at most
FIT_FEATURES = ("affinity", "affinity_above_mean", "similarity", "similarity_above_mean", "least_similarity")
"""Columns of `HeadReasonFit.features`: cosines of head and reason, in fitted and in encoded space, each also less its
mean over reference heads; last the smaller of the cosines to the two items of the head."""


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Encoded statements; arrays of shape (statements, dimensions)."""

    first: NDArray[np.float32]
    second: NDArray[np.float32]  # the same as the first where a head is one text
    reasons: NDArray[np.float32]

    @property
    def heads(self) -> NDArray[np.float32]:
        """One vector for both items of each head."""
        return unit_vectors(self.first + self.second)

    def only(self, rows: NDArray[np.int64]) -> "Vectors":
        """Some of them. rows: row numbers."""
        return Vectors(self.first[rows], self.second[rows], self.reasons[rows])


@dataclass(frozen=True, slots=True, eq=False)
class HeadReasonFit:
    """How well reasons go with heads, fitted on pairs that annotators accepted."""

    affinity: Affinity
    reference: NDArray[np.float32]  # shape (heads, dimensions): heads over which means are taken

    @classmethod
    def fit(cls, vectors: Vectors, good: NDArray[np.int64]) -> Self:
        """good: rows of statements that were answered with yes."""
        chosen = np.random.default_rng(0).permutation(good)[:REFERENCE_HEADS]
        return cls(Affinity.fit(vectors.heads[good], vectors.reasons[good]), vectors.heads[chosen])

    def features(self, vectors: Vectors) -> NDArray[np.float32]:
        """Returns: shape (statements, len(FIT_FEATURES))."""
        heads, reasons = self.affinity.of_heads(vectors.heads), self.affinity.of_reasons(vectors.reasons)
        affinity = np.sum(heads * reasons, axis=1)
        similarity = np.sum(vectors.heads * vectors.reasons, axis=1)
        least = np.minimum(
            np.sum(vectors.first * vectors.reasons, axis=1), np.sum(vectors.second * vectors.reasons, axis=1)
        )
        mean_affinity = reasons @ self.affinity.of_heads(self.reference).mean(axis=0)
        mean_similarity = vectors.reasons @ self.reference.mean(axis=0)
        return np.column_stack([affinity, affinity - mean_affinity, similarity, similarity - mean_similarity, least])


def vectors_of(statements: Statements, encoder: Encoder) -> Vectors:
    """Encode heads and reasons, each distinct text once."""
    firsts, seconds = [head[0] for head in statements.heads], [head[-1] for head in statements.heads]
    return Vectors(*encode_distinct(encoder, firsts, seconds, statements.reasons))


def shared_words(statements: Statements) -> NDArray[np.float32]:
    """Share of a reason's content words that are in the head, by lemma. Returns: shape (statements,), in [0, 1]."""
    shares = np.zeros(len(statements), np.float32)
    for row, (head, reason) in enumerate(zip(statements.heads, statements.reasons, strict=True)):
        words = set(lemmas(reason)) - FUNCTION_WORDS
        shares[row] = len(words.intersection(lemmas(" ".join(head)))) / max(1, len(words))
    return shares
