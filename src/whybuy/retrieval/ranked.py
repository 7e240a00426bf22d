"""The result of a ranker: rows of the catalog with scores, best first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.retrieval.hash_table import empty_table, slot

SAMPLED = 16  # one row of so many is looked at to guess how high the best are
_LEAST = float(np.finfo(np.float32).smallest_subnormal)


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

    def only(self, kept: NDArray[np.bool_]) -> "Ranked":
        """Some of these. kept: shape (n,)."""
        return Ranked(self.rows[kept], self.scores[kept])

    def followed_by(self, others: "Ranked") -> "Ranked":
        """These, then the others that are not among them; none of those scores more than the last of these."""
        if not len(self) or not len(others):
            return self if len(self) else others
        return Ranked(*_one_after_the_other(self.rows, self.scores, others.rows, others.scores))

    def scores_of(self, rows: NDArray[np.int32]) -> list[float | None]:
        """The score of each product; None when it is not among these."""
        places = _places(self.rows, rows).tolist()
        return [float(self.scores[place]) if place >= 0 else None for place in places]


def best_of(scores: NDArray[np.float32], limit: int) -> Ranked:
    """The rows with the highest scores above 0, best first, ties by row. scores: shape (products,)."""
    rows = np.flatnonzero(scores >= _guess(scores, limit))
    if len(rows) < limit:
        rows = np.flatnonzero(scores > 0)
    if len(rows) > limit > 0:
        top_scores = scores[rows]
        rows = rows[top_scores >= np.partition(top_scores, len(rows) - limit)[len(rows) - limit]]
    order = np.argsort(-scores[rows], kind="stable")[: max(0, limit)]
    return Ranked(rows[order].astype(np.int32), scores[rows[order]])


def _guess(scores: NDArray[np.float32], limit: int) -> float:
    """A score above 0 that about 2 x `limit` rows reach, estimated from a sample of the rows."""
    sample = scores[::SAMPLED]
    rank = 1 + 2 * max(0, limit) // SAMPLED
    cut = np.partition(sample, len(sample) - rank)[len(sample) - rank] if rank <= len(sample) else 0
    return max(float(cut), _LEAST)


@kernel
def _one_after_the_other(
    rows: NDArray[np.int32], scores: NDArray[np.float32], others: NDArray[np.int32], others_scores: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    keys, _ = empty_table(len(rows))
    all_rows = np.empty(len(rows) + len(others), np.int32)
    all_scores = np.empty(len(all_rows), np.float32)
    for at, row in enumerate(rows):
        keys[slot(keys, row)] = row
        all_rows[at], all_scores[at] = row, scores[at]
    count, last = len(rows), scores[-1]
    for at, row in enumerate(others):
        if keys[slot(keys, row)] != row:
            all_rows[count], all_scores[count] = row, min(others_scores[at], last)
            count += 1
    return all_rows[:count], all_scores[:count]


@kernel
def _places(rows: NDArray[np.int32], wanted: NDArray[np.int32]) -> NDArray[np.int64]:
    """Where each wanted row stands, -1 for nowhere."""
    places = np.full(len(wanted), -1, np.int64)
    for at, row in enumerate(rows):
        for place in range(len(wanted)):
            if wanted[place] == row:
                places[place] = at
    return places
