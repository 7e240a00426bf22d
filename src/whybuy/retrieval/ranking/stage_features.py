"""Features of candidates from rankings and words: matches with the query, similarity to leading products, ranks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from whybuy.errors import InputError
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.ranking.candidates import STAGE_COLUMNS, Candidates, gather
from whybuy.retrieval.ranking.match_features import Agreement, Match, agreement, match_features
from whybuy.retrieval.ranking.past_queries import PastProducts
from whybuy.retrieval.ranking.product_terms import QueryTerms, TermTable

LEADERS = {"best": 15, "wide": 80}  # products of the first stage that candidates are compared with
LEADER_SHARPNESS = 4  # a leader counts by its share of the best score to this power


@dataclass(frozen=True, slots=True)
class StageFeatures:
    """Gathers candidates out of several rankings and describes them."""

    depths: Mapping[str, int]
    """Candidates by stage; the first stage leads. Rankings may be longer: their scores are used all the same."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, readable."""
        groups = [f"{group}_{column.name.lower()}" for group in (*LEADERS, "past") for column in Agreement]
        stages = [f"{stage}_{column}" for stage in self.depths for column in STAGE_COLUMNS]
        return (*(column.name.lower() for column in Match), *groups, "past_similarity", *stages)

    @property
    def monotone(self) -> tuple[str, ...]:
        """The columns that may only raise a score: those of rankers, and what was good for similar queries.

        Judgments are made of few products a query, most products for one query alone, so that a product that was judged
        for a similar query is seldom judged again: an unconstrained model would fit the sampling of judgments.
        """
        past = [f"past_{column.name.lower()}" for column in Agreement]
        return (*past, *(f"{stage}_{column}" for stage in self.depths for column in STAGE_COLUMNS))

    def of(self, query: QueryTerms, stages: Mapping[str, Ranked], past: PastProducts, table: TermTable) -> Candidates:
        """Gather and describe candidates.

        query: its words, spelling corrected. stages: a ranking for each of `depths`. past: of similar
        past queries, without this one in training.

        Raises:
            InputError: a stage is missing.
        """
        if missing := self.depths.keys() - stages.keys():
            raise InputError(f"Candidates come from {', '.join(self.depths)}; {', '.join(sorted(missing))} is missing.")
        candidates = gather(stages, self.depths)
        leading = stages[next(iter(self.depths))]
        groups = [*(_leaders(leading, count) for count in LEADERS.values()), past.products]
        columns = [match_features(query, table, candidates.rows)]
        columns += [agreement(table, group, candidates.rows) for group in groups]
        columns.append(np.full((len(candidates.rows), 1), past.similarity, np.float32))
        return Candidates(candidates.rows, np.concatenate([*columns, candidates.features], axis=1))


def _leaders(stage: Ranked, count: int) -> Ranked:
    first = stage.first(count)
    shares = first.scores / first.scores[0] if len(first) and first.scores[0] > 0 else first.scores
    return Ranked(first.rows, shares**LEADER_SHARPNESS)
