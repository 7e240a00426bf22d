"""What tells whether a reason fits its head: likeness of meaning, as learned and as it stands, and shared words."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from whybuy.knowledge.critic.text_affinity import Affinity
from whybuy.knowledge.critic.text_judgments import Statements
from whybuy.language.encoder import Encoder, encode_distinct
from whybuy.text import FUNCTION_WORDS, lemmas
from whybuy.vectors.unit import unit_vectors

KNOWN_HEADS = 500  # heads with which a reason's usual fit is taken, at most
FIT = ("affinity", "affinity_beyond_usual", "alike", "alike_beyond_usual", "least_alike")
"""Columns of `Fit.features`: cosines of head and reason, as learned and as encoded, also less their mean over known
heads; the cosine to the item of the head that is less alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Statements as an encoder sees them; all of shape (statements, dimensions)."""

    first: NDArray[np.float32]
    second: NDArray[np.float32]  # the same as the first where a head is one text
    reasons: NDArray[np.float32]

    @property
    def heads(self) -> NDArray[np.float32]:
        """Both items of a head in one vector."""
        return unit_vectors(self.first + self.second)

    def only(self, rows: NDArray[np.int64]) -> "Vectors":
        """Some of them. rows: numbers."""
        return Vectors(self.first[rows], self.second[rows], self.reasons[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """How well reasons go with heads, learned from those that do."""

    affinity: Affinity
    known: NDArray[np.float32]  # shape (heads, dimensions): what a reason's usual fit is taken with

    @classmethod
    def learn(cls, vectors: Vectors, good: NDArray[np.int64]) -> Self:
        """good: rows of statements that people said yes to."""
        chosen = np.random.default_rng(0).permutation(good)[:KNOWN_HEADS]
        return cls(Affinity.fit(vectors.heads[good], vectors.reasons[good]), vectors.heads[chosen])

    def features(self, vectors: Vectors) -> NDArray[np.float32]:
        """Returns: shape (statements, len(FIT))."""
        heads, reasons = self.affinity.of_heads(vectors.heads), self.affinity.of_reasons(vectors.reasons)
        near = np.sum(heads * reasons, axis=1)
        alike = np.sum(vectors.heads * vectors.reasons, axis=1)
        least = np.minimum(
            np.sum(vectors.first * vectors.reasons, axis=1), np.sum(vectors.second * vectors.reasons, axis=1)
        )
        usual_near = reasons @ self.affinity.of_heads(self.known).mean(axis=0)
        usual_alike = vectors.reasons @ self.known.mean(axis=0)
        return np.column_stack([near, near - usual_near, alike, alike - usual_alike, least])


def vectors_of(statements: Statements, encoder: Encoder) -> Vectors:
    """What an encoder says of heads and reasons."""
    firsts, seconds = [head[0] for head in statements.heads], [head[-1] for head in statements.heads]
    return Vectors(*encode_distinct(encoder, firsts, seconds, statements.reasons))


def shared_words(statements: Statements) -> NDArray[np.float32]:
    """Share of a reason's words that stand in the head. Returns: shape (statements,), in [0, 1]."""
    shares = np.zeros(len(statements), np.float32)
    for row, (head, reason) in enumerate(zip(statements.heads, statements.reasons, strict=True)):
        said = set(lemmas(reason)) - FUNCTION_WORDS
        shares[row] = len(said.intersection(lemmas(" ".join(head)))) / max(1, len(said))
    return shares
