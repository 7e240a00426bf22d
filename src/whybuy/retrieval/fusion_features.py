"""The candidates of a query out of all stages, and everything that a learned fusion is told about them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.retrieval.match_features import STAGE, Agreement, Match, agreement, match_features, stage_features
from whybuy.retrieval.past_queries import Memory
from whybuy.retrieval.product_terms import QueryTerms, TermTable
from whybuy.retrieval.ranked import Ranked

LEADERS = {"best": 15, "wide": 80}  # products of the first stage that candidates are compared with
LEADER_SHARPNESS = 4  # a leader counts by its share of the best score to this power


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Products that any stage has found, distinct, with a row of features each."""

    rows: NDArray[np.int32]  # shape (n,), those of the first stage first
    features: NDArray[np.float32]  # shape (n, features)

    def within(self, stages: Mapping[str, Ranked], depths: Mapping[str, int]) -> "Candidates":
        """Those that a stage has among its first: what a fusion is trained on, as all of them are slower and no better.

        Never train on a sample of the others: what stands far down then looks better than it is.
        """
        near = np.concatenate([stages[stage].first(depth).rows for stage, depth in depths.items()])
        kept = np.isin(self.rows, near)
        return Candidates(self.rows[kept], self.features[kept])


@dataclass(frozen=True, slots=True)
class FusionFeatures:
    """Which stages are weighed against each other, and how deep."""

    depths: Mapping[str, int]
    """Candidates by stage; the first stage leads. Rankings may be longer: their scores are used all the same."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, readable."""
        groups = [f"{group}_{column.name.lower()}" for group in (*LEADERS, "past") for column in Agreement]
        stages = [f"{stage}_{column}" for stage in self.depths for column in STAGE]
        return (*(column.name.lower() for column in Match), *groups, "past_likeness", *stages)

    @property
    def rising(self) -> tuple[str, ...]:
        """The columns that may only help: what stages say, and what was good for similar queries.

        Judgments are made of few products a query, most products for one query alone, so that a product that was judged
        for a similar query is seldom judged again: an order that may use this reads the sampling, not the shopper.
        """
        past = [f"past_{column.name.lower()}" for column in Agreement]
        return (*past, *(f"{stage}_{column}" for stage in self.depths for column in STAGE))

    def of(self, query: QueryTerms, stages: Mapping[str, Ranked], memory: Memory, table: TermTable) -> Candidates:
        """Gather and describe candidates.

        query: its words, spelling corrected. stages: a ranking for each of `depths`. memory: of similar
        past queries, without this one when the fusion is being trained.

        Raises:
            InputError: a stage is missing.
        """
        if missing := self.depths.keys() - stages.keys():
            raise InputError(f"The fusion weighs {', '.join(self.depths)}; {', '.join(sorted(missing))} is missing.")
        found = np.concatenate([stages[stage].first(depth).rows for stage, depth in self.depths.items()])
        rows = found[np.sort(np.unique(found, return_index=True)[1])]
        leading = stages[next(iter(self.depths))]
        groups = [*(_leaders(leading, count) for count in LEADERS.values()), memory.products]
        columns = [match_features(query, table, rows)]
        columns += [agreement(table, group, rows) for group in groups]
        columns.append(np.full((len(rows), 1), memory.likeness, np.float32))
        columns += [stage_features(stages[stage], rows) for stage in self.depths]
        return Candidates(rows, np.concatenate(columns, axis=1))


def _leaders(stage: Ranked, count: int) -> Ranked:
    first = stage.first(count)
    shares = first.scores / first.scores[0] if len(first) and first.scores[0] > 0 else first.scores
    return Ranked(first.rows, shares**LEADER_SHARPNESS)
