"""Scores all proposed edges of a graph, trained on judgments of some (COSMO, Yu et al., SIGMOD 2024; our model).

COSMO fine-tunes a language model on thousands of judged triples; this one weighs simple features and votes, so that a
few hundred judgments of a single shop are enough.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.keys import SEPARATOR
from whybuy.knowledge.annotation.skipping import DECISIVE, answers_to
from whybuy.knowledge.critic.edge_features import edge_features
from whybuy.knowledge.critic.edge_noise_model import MIN_ANSWERS, Answers, NoiseModel, posterior, predict_answers
from whybuy.knowledge.critic.edge_proposals import ProposedEdges, merge_proposals
from whybuy.knowledge.critic.edge_selection import select_edges
from whybuy.knowledge.critic.logistic import quality
from whybuy.knowledge.numbering import distinct
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.records import CRITIC, HeadKind, Question

CURVE = (50, 100, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 5000)  # judgments


@dataclass(frozen=True, slots=True)
class CriticConfig:
    """The judgments that the critic of a shop is trained on, and the error rates assumed of them (our design)."""

    judgments: str = field(default="", metadata=HOW_ONLY)
    """A Parquet file in JUDGMENT_SCHEMA, relative to store.toml; read beside the journal."""
    least_statistics: float = 0.5  # plausibility by statistics that makes an edge worth a judgment
    noise: NoiseModel = NoiseModel()


CRITIC_CONFIG = ConfigTable("critic", CriticConfig)


@dataclass(frozen=True, slots=True)
class EdgeFitReport:
    """What a critic of edges was trained on, and its quality on intents that it was not trained on."""

    answers: dict[str, int] = field(default_factory=dict)  # number of answers by question
    unknown: int = 0  # judgments of edges that are not proposed (any more)
    held_out: dict[str, dict[str, float]] = field(default_factory=dict)  # by question: figures of `logistic.quality`


class EdgeCritic:
    """Scores the hypotheses of one shop (HYPOTHESIS_SCHEMA) by judgments of some of them."""

    def __init__(self, hypotheses: pa.Table, product_types: Iterable[str], language: str, config: CriticConfig) -> None:
        self._hypotheses, self._types, self._language, self._config = hypotheses, set(product_types), language, config
        self.edges: ProposedEdges = merge_proposals(hypotheses, language)

    @cached_property
    def _features(self) -> csr_matrix:
        patterns = load_patterns(self._language).with_product_types(self._types)
        return edge_features(self.edges, patterns, self._types)

    @cached_property
    def candidates(self) -> NDArray[np.bool_]:
        """Edges that are plausible enough by statistics for a judgment to pay. Shape (edges,)."""
        return self.edges.plausibility >= self._config.least_statistics

    def answers(self, judgments: pa.Table) -> dict[str, Answers]:
        """The answers to "plausible" and "typical" in judgments (JUDGMENT_SCHEMA), by question.

        A no to an earlier question counts as a no to these, with one exception: a query mostly names its intent itself,
        so that "not informative" of a query's reason is no evidence about the intent; such judgments are left out.
        """
        edges = self.edges.find(judgments, self._language)
        of_query = pc.equal(judgments["head_kind"], HeadKind.QUERY.value)
        restates = pc.and_kleene(of_query, pc.invert(judgments[Question.INFORMATIVE.value]))
        edges = np.where(pc.fill_null(restates, False).to_numpy(), -1, edges)
        return {question.value: _answers(edges, answers_to(judgments, question)) for question in DECISIVE}

    def posterior(self, judgments: pa.Table) -> dict[str, NDArray[np.float64]]:
        """Probabilities of yes by question, for questions with enough answers. Shapes (edges,)."""
        return {
            question: posterior(self._features, self.edges.intent, answers, self._config.noise)
            for question, answers in self.answers(judgments).items()
            if answers.enough
        }

    def rescored(self, judgments: pa.Table) -> tuple[pa.Table, EdgeFitReport]:
        """The hypotheses with the critic's plausibility and typicality, and a report on its quality.

        Scores stay those of statistics for edges below `least_statistics`, and for edges that are neither judged nor
        covered by judgments (see `_covered`).
        """
        table, scores = self._hypotheses, self.posterior(judgments)
        chosen = (self.candidates & self._covered(judgments))[self.edges.edge_of]
        for question, column in ((Question.PLAUSIBLE, "plausibility"), (Question.TYPICAL, "typicality")):
            if question in scores:
                values = np.where(chosen, scores[question][self.edges.edge_of], table[column])
                table = _with_column(table, column, pa.array(values))
        if Question.PLAUSIBLE in scores:
            scorers = np.where(chosen, CRITIC, table["scored_by"].to_numpy())
            table = _with_column(table, "scored_by", pa.array(scorers, pa.string()))
        return table, self.fit_report(judgments)

    def _covered(self, judgments: pa.Table) -> NDArray[np.bool_]:
        """Edges that the judgments cover: those judged, and those from proposers with enough judgments.

        Each edge has a set of proposers. It is covered when at least `MIN_ANSWERS` judged edges come
        from that set or a subset of it. Returns: shape (edges,).
        """
        rows = self.edges.find(judgments, self._language)
        judged = np.bincount(rows[rows >= 0], minlength=len(self.edges.intent)) > 0
        sets, set_of = np.unique(self.edges.generated, axis=0, return_inverse=True)
        counts = np.bincount(set_of.ravel()[judged], minlength=len(sets))
        subset = ~(sets[None, :, :] & ~sets[:, None, :]).any(axis=2)  # [a, b]: set b is a part of set a
        return np.asarray(judged | (subset @ counts >= MIN_ANSWERS)[set_of.ravel()], bool)

    def fit_report(self, judgments: pa.Table) -> EdgeFitReport:
        """How good the critic is, by judged edges of intents that it was not trained on."""
        by_question = self.answers(judgments)
        held_out = {question: self._quality(one) for question, one in by_question.items() if one.enough}
        unknown = int((self.edges.find(judgments, self._language) < 0).sum())
        return EdgeFitReport({question: len(one.answers) for question, one in by_question.items()}, unknown, held_out)

    def curve(self, judgments: pa.Table) -> list[dict[str, float]]:
        """Learning curve: quality on "plausible" of critics trained on the first 50, 100, ... and all judgments."""
        every = self.answers(judgments)[Question.PLAUSIBLE]
        points = []
        for size in [*(size for size in CURVE if size < len(every.answers)), len(every.answers)]:
            first = every.only(np.arange(len(every.answers)) < size)
            if first.enough:
                points.append({"judgments": size, **self._quality(first)})
        return points

    @cached_property
    def selectable(self) -> NDArray[np.bool_]:
        """Candidates whose head is a product type; one stands for all heads of its intent. Shape (edges,)."""
        kind = HeadKind.TYPE.value + SEPARATOR
        of_type = np.array([name.startswith(kind) for name in self.edges.head_of], bool)
        selectable: NDArray[np.bool_] = self.candidates & of_type[self.edges.head]
        return selectable

    @cached_property
    def _stratum(self) -> NDArray[np.int64]:
        """Number of an edge's relation and set of proposers. Shape (edges,)."""
        relation = distinct(pa.chunked_array([self.edges.relations], pa.string()))[1][self.edges.intent]
        _, stratum = np.unique(np.column_stack([relation, self.edges.generated]), axis=0, return_inverse=True)
        return stratum.ravel()

    def rows(self, edges: NDArray[np.int64]) -> pa.Table:
        """A hypothesis of each of these edges, in HYPOTHESIS_SCHEMA."""
        _, first = np.unique(self.edges.edge_of, return_index=True)
        return self._hypotheses.take(pa.array(first[edges]))

    def select(self, judgments: pa.Table, count: int) -> pa.Table:
        """At most `count` hypotheses to judge next, none of them judged yet (see `select_edges`)."""
        left = self.selectable.copy()
        judged = self.edges.find(judgments, self._language)
        left[judged[judged >= 0]] = False
        probabilities = self.posterior(judgments).get(Question.PLAUSIBLE, self.edges.plausibility)
        return self.rows(select_edges(probabilities, self.edges.intent, self._stratum, left, count))

    def _quality(self, answers: Answers) -> dict[str, float]:
        predicted = predict_answers(self._features, self.edges.intent, answers)[answers.edges]
        return quality(predicted, answers.answers.astype(np.float32))


def _answers(edges: NDArray[np.int64], answers: pa.Array) -> Answers:
    given = (edges >= 0) & answers.is_valid().to_numpy(zero_copy_only=False)
    return Answers(edges[given], answers.filter(pa.array(given)).to_numpy(zero_copy_only=False))


def _with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
