"""What every ranker returns: rows of the catalog with scores, best first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Products found by one stage, best first."""

    rows: NDArray[np.int32]  # shape (n,), row numbers in the catalog's products.parquet, distinct
    scores: NDArray[np.float32]  # shape (n,), non-increasing; comparable within one query only

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def empty(cls) -> "Ranked":
        """Nothing found."""
        return cls(np.empty(0, np.int32), np.empty(0, np.float32))

    def first(self, count: int) -> "Ranked":
        """The best of these."""
        return Ranked(self.rows[:count], self.scores[:count])

    def followed_by(self, others: "Ranked") -> "Ranked":
        """These, then the others that are not among them; none of those scores more than the last of these."""
        new = ~np.isin(others.rows, self.rows)
        scores = others.scores[new]
        if len(self):
            scores = np.minimum(scores, self.scores[-1])
        return Ranked(np.concatenate([self.rows, others.rows[new]]), np.concatenate([self.scores, scores]))

    def score(self, row: int) -> float | None:
        """The score of a product; None when it is not among these."""
        at = np.flatnonzero(self.rows == row)
        return float(self.scores[at[0]]) if len(at) else None
