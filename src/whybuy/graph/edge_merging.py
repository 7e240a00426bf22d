"""Merges claims of one head, relation and tail into one edge, and their scores into one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whybuy.graph.claims import MEASURES, Claims
from whybuy.graph.files import RELATIONS
from whybuy.kernels import kernel

Scores = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.int64], NDArray[np.int8]]
"""Plausibility, typicality, lift, support, and scorer as place in `SCORERS`; all of shape (edges,)."""


@dataclass(frozen=True, slots=True)
class MergedEdges:
    """Edges after merging, by head, relation and tail in the order of their names.

    `member[starts[i]:starts[i + 1]]` are the claims of edge i, in their order.
    """

    head: NDArray[np.int32]  # numbers of names
    relation: NDArray[np.int8]
    tail: NDArray[np.int32]
    plausibility: NDArray[np.float32]
    typicality: NDArray[np.float32]
    lift: NDArray[np.float32]
    support: NDArray[np.int64]
    scorer: NDArray[np.int8]
    member: NDArray[np.int64]
    starts: NDArray[np.int64]


def merge_claims(claims: Claims) -> MergedEdges:
    """Merge claims into edges, whatever their scores.

    Generators count as independent: plausibility is 1 - prod(1 - p) over the claims, support the sum. Where a critic or
    a person has scored an edge, that score replaces it.
    """
    rank = np.empty(len(claims.order), np.int64)
    rank[claims.order] = np.arange(len(rank))
    place = (rank[claims.head] * len(RELATIONS) + claims.relation) * len(rank) + rank[claims.tail]
    member = np.argsort(place, kind="stable")  # of runs in order, as an update has them, it only merges
    place = place[member]
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    first = member[starts]
    starts = np.append(starts, len(member))
    measures = tuple(claims.measures[name] for name in MEASURES)
    return MergedEdges(
        claims.head[first],
        claims.relation[first],
        claims.tail[first],
        *_scores(member, starts, measures),
        member,
        starts,
    )


@kernel
def _scores(member: NDArray[np.int64], starts: NDArray[np.int64], measures: tuple[NDArray[Any], ...]) -> Scores:
    """Scores by edge: plausibility and typicality of the claims of the last scorer, lift and support of all claims."""
    plausibility, typicality, lift, support, scorer = measures
    edges = len(starts) - 1
    plausible, typical, lifted = np.zeros(edges, np.float32), np.zeros(edges, np.float32), np.zeros(edges, np.float32)
    supported, last = np.zeros(edges, np.int64), np.full(edges, -1, np.int8)
    for edge in range(edges):
        improbable, best, most_typical, most_lift = 1.0, 0.0, 0.0, 0.0
        for claim in member[starts[edge] : starts[edge + 1]]:
            if scorer[claim] > last[edge]:
                last[edge] = scorer[claim]
                improbable, best, most_typical = 1.0, 0.0, 0.0
            if scorer[claim] == last[edge]:
                improbable *= 1.0 - plausibility[claim]
                best = max(best, plausibility[claim])
                most_typical = max(most_typical, typicality[claim])
            most_lift = max(most_lift, lift[claim])
            supported[edge] += support[claim]
        plausible[edge] = 1.0 - improbable if last[edge] == 0 else best
        typical[edge], lifted[edge] = most_typical, most_lift
    return plausible, typical, lifted, supported, last
