"""The interface of relevance models, and what all of them learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.errors import InputError
from whybuy.records import RelevancePair

MADE_BY = "whybuy evaluate relevance"
SAVED = ArrayFolder("relevance model", 1, "relevance.json", made_by=MADE_BY)
VALIDATION_SHARE = 0.2  # of the queries, on which a model chooses its settings


class RelevanceModel(Protocol):
    """Says how products answer queries."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, the best answer first: labels, or grades as text."""
        ...

    def probabilities(self, pairs: Sequence[RelevancePair]) -> NDArray[np.float64]:
        """The probability of each class. Returns: shape (pairs, classes), rows that sum to 1."""
        ...

    def save(self, folder: Path) -> None:
        """Write the folder that `open_relevance_model` opens; it is made when missing."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPairs:
    """Pairs with the class that people gave them."""

    pairs: tuple[RelevancePair, ...]
    classes: NDArray[np.int64]  # shape (pairs,): numbers of names
    names: tuple[str, ...]  # the best answer first

    def __post_init__(self) -> None:
        if len(self.pairs) != len(self.classes):
            raise InputError(
                f"{len(self.pairs)} pairs have {len(self.classes)} classes. Give each pair the number of its class."
            )
        if len(self.classes) and not 0 <= self.classes.min() <= self.classes.max() < len(self.names):
            raise InputError(
                f"Classes {self.classes.min()} to {self.classes.max()} are not among the {len(self.names)} named "
                f"{', '.join(self.names)}. They are numbered from 0."
            )

    def __len__(self) -> int:
        return len(self.pairs)

    def only(self, rows: NDArray[np.int64]) -> "JudgedPairs":
        """Some of the pairs."""
        return JudgedPairs(tuple(self.pairs[row] for row in rows), self.classes[rows], self.names)

    def by_query(self) -> NDArray[np.int64]:
        """The number of the query of each pair, from 0 in the order of their first pairs. Shape (pairs,)."""
        numbers: dict[str, int] = {}
        return np.array([numbers.setdefault(pair.query, len(numbers)) for pair in self.pairs], np.int64)

    def split(self, seed: int, share: float = VALIDATION_SHARE) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows to learn from and rows to validate on, no query in both.

        share: of the queries that validate, at least one.

        Raises:
            InputError: there are fewer than two queries.
        """
        by_query = self.by_query()
        queries = int(by_query.max(initial=-1)) + 1
        if queries < 2:
            raise InputError(
                f"A relevance model needs pairs of at least two queries, not {queries}. Judge more queries."
            )
        held = np.random.default_rng(seed).permutation(queries)[: max(1, round(share * queries))]
        validates = np.isin(by_query, held)
        return np.flatnonzero(~validates), np.flatnonzero(validates)
