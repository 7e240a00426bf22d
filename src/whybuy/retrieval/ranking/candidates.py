"""The candidates of a query: the first products of each ranking, with their score, share and rank in each."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.retrieval.hash_table import empty_table, slot
from whybuy.retrieval.ranked import Ranked

STAGE_COLUMNS = ("score", "share_of_best", "reciprocal_rank")
"""Columns of each stage; 0 for what it has not found."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Products that any stage has found, distinct, with a row of features each."""

    rows: NDArray[np.int32]  # shape (n,), those of the first stage first
    features: NDArray[np.float32]  # shape (n, features)

    def within(self, stages: Mapping[str, Ranked], depths: Mapping[str, int]) -> "Candidates":
        """Those that a stage has among its first: what trains a reranker, as all of them are slower and no better.

        Never train on a sample of the others: what stands far down then looks better than it is.
        """
        near = np.concatenate([stages[stage].first(depth).rows for stage, depth in depths.items()])
        kept = np.isin(self.rows, near)
        return Candidates(self.rows[kept], self.features[kept])


def gather(stages: Mapping[str, Ranked], depths: Mapping[str, int]) -> Candidates:
    """The first of each stage, described by `STAGE_COLUMNS` for each.

    stages: one for each of `depths`. Rankings may be longer than these: their scores are used all the same.
    """
    rankings = [stages[stage] for stage in depths]
    starts = np.cumsum([0, *map(len, rankings)])
    rows, scores = (
        np.concatenate(column) for column in zip(*((one.rows, one.scores) for one in rankings), strict=True)
    )
    return Candidates(*_gather(rows, scores, starts, np.array([*depths.values()])))


@kernel
def _gather(
    rows: NDArray[np.int32], scores: NDArray[np.float32], starts: NDArray[np.int64], depths: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    keys, _ = empty_table(depths.sum())
    number, candidates, count = np.empty(len(keys), np.int64), np.empty(depths.sum(), np.int32), 0
    for stage in range(len(depths)):
        for at in range(starts[stage], min(starts[stage] + depths[stage], starts[stage + 1])):
            place = slot(keys, rows[at])
            if keys[place] != rows[at]:
                keys[place], number[place], candidates[count] = rows[at], count, rows[at]
                count += 1
    features = np.zeros((count, len(STAGE_COLUMNS) * len(depths)), np.float32)
    for stage in range(len(depths)):
        first, column = starts[stage], len(STAGE_COLUMNS) * stage
        for at in range(first, starts[stage + 1]):
            place = slot(keys, rows[at])
            if keys[place] == rows[at]:
                row = features[number[place]]
                row[column] = scores[at]
                row[column + 1] = scores[at] / scores[first] if scores[first] > 0 else scores[at]
                row[column + 2] = 1 / (at - first + 1)
    return candidates[:count], features
