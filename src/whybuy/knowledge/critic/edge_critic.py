"""The critic of a shop's graph: learns from judgments of some proposed edges what people would say of all."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.knowledge.annotation.skipping import DECISIVE, answers_to
from whybuy.knowledge.critic.edge_features import edge_signs
from whybuy.knowledge.critic.edge_noise_model import LEAST_ANSWERS, Doubt, Heard, believe, foresee
from whybuy.knowledge.critic.edge_proposals import Edges, merge_edges
from whybuy.knowledge.critic.edge_selection import ask_next
from whybuy.knowledge.critic.logistic import quality
from whybuy.knowledge.numbering import SEPARATOR, distinct
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.records import CRITIC, HeadKind, Question

CURVE = (50, 100, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 5000)  # judgments


@dataclass(frozen=True, slots=True)
class CriticConfig:
    """What the critic of a shop hears, and how far it trusts it (our design)."""

    judgments: str = ""  # Parquet in JUDGMENT_SCHEMA, relative to store.toml; beside what the journal holds
    least_statistics: float = 0.5  # plausibility by statistics that makes an edge worth a judgment
    doubt: Doubt = Doubt()


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a critic of edges heard, and how good it is on needs that it has not."""

    heard: dict[str, int] = field(default_factory=dict)  # answers by question
    unknown: int = 0  # judgments of edges that are not proposed (any more)
    unheard: dict[str, dict[str, float]] = field(default_factory=dict)  # by question: what `quality` says


class EdgeCritic:
    """Judges what was proposed (HYPOTHESIS_SCHEMA) for one shop."""

    def __init__(self, hypotheses: pa.Table, product_types: Iterable[str], language: str, config: CriticConfig) -> None:
        self._hypotheses, self._types, self._language, self._config = hypotheses, set(product_types), language, config
        self.edges: Edges = merge_edges(hypotheses, language)

    @cached_property
    def _signs(self) -> csr_matrix:
        patterns = load_patterns(self._language).knowing(self._types)
        return edge_signs(self.edges, patterns, self._types)

    @cached_property
    def candidates(self) -> NDArray[np.bool_]:
        """Edges that statistics give enough for people to be asked. Shape (edges,)."""
        return self.edges.plausibility >= self._config.least_statistics

    def heard(self, judgments: pa.Table) -> dict[str, Heard]:
        """The answers to "plausible" and "typical" in judgments (JUDGMENT_SCHEMA).

        A no to an earlier question is a no to these. But a query mostly says its need itself: that such a reason adds
        nothing to it says nothing of the need, so nothing is heard there.
        """
        edges = self.edges.find(judgments, self._language)
        of_query = pc.equal(judgments["head_kind"], HeadKind.QUERY.value)
        restates = pc.and_kleene(of_query, pc.invert(judgments[Question.INFORMATIVE.value]))
        edges = np.where(pc.fill_null(restates, False).to_numpy(), -1, edges)
        return {question.value: _heard(edges, answers_to(judgments, question)) for question in DECISIVE}

    def believe(self, judgments: pa.Table) -> dict[str, NDArray[np.float64]]:
        """Probabilities of yes by question, for those questions that were answered often enough. Shapes (edges,)."""
        return {
            question: believe(self._signs, self.edges.need, heard, self._config.doubt)
            for question, heard in self.heard(judgments).items()
            if heard.enough
        }

    def rescored(self, judgments: pa.Table) -> tuple[pa.Table, Lesson]:
        """The hypotheses with what people would say of them, and what was learned.

        What statistics leave out stays as it is, and so does what was not judged itself and only those proposed of whom
        hardly anything was judged: no one was asked about the like of it.
        """
        table, believed = self._hypotheses, self.believe(judgments)
        chosen = (self.candidates & self._heard_of(judgments))[self.edges.edge_of]
        for question, column in ((Question.PLAUSIBLE, "plausibility"), (Question.TYPICAL, "typicality")):
            if question in believed:
                found = np.where(chosen, believed[question][self.edges.edge_of], table[column])
                table = _with_column(table, column, pa.array(found))
        if Question.PLAUSIBLE in believed:
            scorers = np.where(chosen, CRITIC, table["scored_by"].to_numpy())
            table = _with_column(table, "scored_by", pa.array(scorers, pa.string()))
        return table, self.lesson(judgments)

    def _heard_of(self, judgments: pa.Table) -> NDArray[np.bool_]:
        """Judged edges, and those of whose proposers, some or all and nobody else, `LEAST_ANSWERS` edges were judged.

        Shape (edges,).
        """
        found = self.edges.find(judgments, self._language)
        judged = np.bincount(found[found >= 0], minlength=len(self.edges.need)) > 0
        teams, team = np.unique(self.edges.generated, axis=0, return_inverse=True)
        heard = np.bincount(team.ravel()[judged], minlength=len(teams))
        within = ~(teams[None, :, :] & ~teams[:, None, :]).any(axis=2)  # [a, b]: team b is a part of team a
        return np.asarray(judged | (within @ heard >= LEAST_ANSWERS)[team.ravel()], bool)

    def lesson(self, judgments: pa.Table) -> Lesson:
        """How good the critic is, by judged edges of needs that it has not heard of."""
        heard = self.heard(judgments)
        unheard = {question: self._quality(one) for question, one in heard.items() if one.enough}
        unknown = int((self.edges.find(judgments, self._language) < 0).sum())
        return Lesson({question: len(one.answers) for question, one in heard.items()}, unknown, unheard)

    def curve(self, judgments: pa.Table) -> list[dict[str, float]]:
        """What `quality` says of "plausible" for critics of ever more judgments, in the order in which they came."""
        every = self.heard(judgments)[Question.PLAUSIBLE]
        points = []
        for size in [*(size for size in CURVE if size < len(every.answers)), len(every.answers)]:
            heard = every.only(np.arange(len(every.answers)) < size)
            if heard.enough:
                points.append({"judgments": size, **self._quality(heard)})
        return points

    @cached_property
    def askable(self) -> NDArray[np.bool_]:
        """Candidates of product types, each of which stands for all heads of its need. Shape (edges,)."""
        kind = HeadKind.TYPE.value + SEPARATOR
        of_type = np.array([name.startswith(kind) for name in self.edges.head_of], bool)
        askable: NDArray[np.bool_] = self.candidates & of_type[self.edges.head]
        return askable

    @cached_property
    def _stratum(self) -> NDArray[np.int64]:
        """Number of an edge's relation with those who proposed it. Shape (edges,)."""
        relation = distinct(pa.chunked_array([self.edges.relations], pa.string()))[1][self.edges.need]
        _, stratum = np.unique(np.column_stack([relation, self.edges.generated]), axis=0, return_inverse=True)
        return stratum.ravel()

    def rows(self, edges: NDArray[np.int64]) -> pa.Table:
        """A hypothesis of each of some edges, in HYPOTHESIS_SCHEMA."""
        _, first = np.unique(self.edges.edge_of, return_index=True)
        return self._hypotheses.take(pa.array(first[edges]))

    def ask(self, judgments: pa.Table, count: int) -> pa.Table:
        """Hypotheses to ask about next, at most `count`: where the critic is least sure, nothing twice."""
        left = self.askable.copy()
        asked = self.edges.find(judgments, self._language)
        left[asked[asked >= 0]] = False
        probabilities = self.believe(judgments).get(Question.PLAUSIBLE, self.edges.plausibility)
        return self.rows(ask_next(probabilities, self.edges.need, self._stratum, left, count))

    def _quality(self, heard: Heard) -> dict[str, float]:
        found = foresee(self._signs, self.edges.need, heard)[heard.edges]
        return quality(found, heard.answers.astype(np.float32))


def _heard(edges: NDArray[np.int64], answers: pa.Array) -> Heard:
    said = (edges >= 0) & answers.is_valid().to_numpy(zero_copy_only=False)
    return Heard(edges[said], answers.filter(pa.array(said)).to_numpy(zero_copy_only=False))


def _with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
