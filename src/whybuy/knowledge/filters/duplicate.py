"""The filter of tails that one head has under several relations."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.knowledge.numbering import canonical_tails, distinct, joined_heads
from whybuy.knowledge.proposing.patterns import Patterns, load_patterns
from whybuy.relations import Relation, TailKind

_FITTING = {
    TailKind.EVENT: {TailKind.EVENT, TailKind.TIME, TailKind.ACTIVITY, TailKind.INTEREST},
    TailKind.TIME: {TailKind.TIME, TailKind.EVENT},
    TailKind.FUNCTION: {TailKind.FUNCTION, TailKind.ACTIVITY},
    TailKind.CONCEPT: {TailKind.CONCEPT, TailKind.COMPLEMENT},
}
"""The kinds of relation that a kind of tail goes with, beside its own."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Rejects a reason that the same head has under another relation with more support.

    The strength of a relation is the sum over its hypotheses of plausibility × log(1 + support) × log(1 + lift), times
    `misfit` where the patterns find a kind of tail that is not the relation's. The score is 1 - strength /
    strength of the best relation; equals stay side by side, since a few tails hold under two relations. Our design.
    """

    name: ClassVar[str] = "duplicate"
    products: pa.Table  # PRODUCT_SCHEMA
    language: str = "en"
    limit: float = 0.1
    misfit: float = 0.5  # factor in (0, 1]

    def __call__(self, hypotheses: pa.Table) -> NDArray[np.float64]:
        """See `HypothesisFilter`; 0 for the best relation of a head and tail, 1 for one without strength."""
        tails, tail = canonical_tails(hypotheses, self.language)
        _, head = distinct(joined_heads(hypotheses))
        relations, relation = distinct(hypotheses["relation"])
        reasons, reason = np.unique(head * max(len(tails), 1) + tail, return_inverse=True)
        edges, edge = np.unique(reason * max(len(relations), 1) + relation, return_inverse=True)
        strength = np.bincount(edge, _strength(hypotheses) * self._fit(hypotheses), len(edges))
        reason_of = edges // max(len(relations), 1)
        best = np.zeros(len(reasons))
        np.maximum.at(best, reason_of, strength)
        with np.errstate(invalid="ignore"):
            lacking: NDArray[np.float64] = 1.0 - (strength / best[reason_of])[edge]
        return lacking

    def _fit(self, hypotheses: pa.Table) -> NDArray[np.float64]:
        """`misfit` where the kind of the tail is not that of the relation, else 1. Shape (n,)."""
        patterns = load_patterns(self.language).with_product_types(set(self.products["product_type"].to_pylist()))
        wordings, wording = distinct(hypotheses["tail"])
        relations, relation = distinct(hypotheses["relation"])
        fits = [[_fits(patterns, text, Relation(name)) for name in relations] for text in wordings]
        table = np.array(fits, dtype=bool).reshape(len(wordings), len(relations))
        return np.where(table[wording, relation], 1.0, self.misfit)


def _fits(patterns: Patterns, tail: str, relation: Relation) -> bool:
    kind = patterns.kind(tail)
    return kind is None or relation.tail_kind in _FITTING.get(kind, {kind})


def _strength(hypotheses: pa.Table) -> NDArray[np.float64]:
    plausibility, support, lift = (hypotheses[name].to_numpy() for name in ("plausibility", "support", "lift"))
    strength: NDArray[np.float64] = plausibility * np.log1p(support) * np.log1p(lift)
    return strength
