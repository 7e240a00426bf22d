"""Proposes complements from co-buy pairs, and the intents that both products of a pair share."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from whybuy.config import ConfigTable
from whybuy.knowledge.proposing.association import AssociationThresholds, Integers, ProductGroups, associate, background
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.records import Behavior, Head, HeadKind, Hypothesis, Proposer
from whybuy.relations import Relation

SAMPLE = 5


@dataclass(frozen=True, slots=True)
class CoBuyConfig:
    """When two product types count as complements (our design)."""

    thresholds: AssociationThresholds = AssociationThresholds(
        least_count=8, midpoint=4.0, least_share=0.5, least_lift=5.0
    )


CO_BUY_CONFIG = ConfigTable("co_buy", CoBuyConfig)


@dataclass(frozen=True, slots=True)
class ComplementHypothesizer:
    """Product types that are bought together more than chance explains: <tent, used_with, sleeping bag>."""

    config: CoBuyConfig = CoBuyConfig()

    def propose(self, inputs: ProposerInput) -> Iterator[Hypothesis]:
        """Complements in both directions; nothing without co-buy pairs or product types."""
        pairs = inputs.pairs_of(Behavior.CO_BUY)
        types = ProductGroups(inputs).types
        if not pairs.num_rows or len(types.heads) < 2:
            return
        left, right = inputs.rows(pairs["left"]), inputs.rows(pairs["right"])
        kind = np.array([types.number.get(name, -1) for name in inputs.types])
        sessions = pairs["sessions"].to_numpy().astype(np.float64)
        across = (kind[left] != kind[right]) & (kind[left] >= 0) & (kind[right] >= 0)
        left, right, sessions = left[across], right[across], sessions[across]
        intents, products = np.concatenate([kind[left], kind[right]]), np.concatenate([right, left])
        both = np.concatenate([sessions, sessions])
        partners = sparse.csr_array((both, (intents, products)), shape=(len(types.heads), len(inputs.ids)))
        expected = background(products, both, len(inputs.ids))
        samples = _strongest_pairs(kind[left], kind[right], sessions, np.array(pairs["pair_id"].to_pylist())[across])
        for one in associate(partners, expected, types, types, self.config.thresholds):
            head, tail = types.heads[one.intent], types.heads[one.group].key[0]
            evidence = samples[min(one.intent, one.group), max(one.intent, one.group)]
            scores = (one.lift, one.plausibility, one.typicality)
            yield Hypothesis(
                head, Relation.USED_WITH, tail, Proposer.CO_BUY, int(one.count), *scores, evidence, (tail,)
            )


def _strongest_pairs(
    left: Integers, right: Integers, sessions: NDArray[np.float64], pair_ids: NDArray[np.str_]
) -> dict[tuple[int, int], tuple[str, ...]]:
    """The pair ids with the most sessions by (smaller type, larger type)."""
    ids_of: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for at in np.argsort(-sessions, kind="stable").tolist():
        ids = ids_of[min(int(left[at]), int(right[at])), max(int(left[at]), int(right[at]))]
        if len(ids) < SAMPLE:
            ids.append(str(pair_ids[at]))
    return {key: tuple(ids) for key, ids in ids_of.items()}


def _one_line(inputs: ProposerInput, pairs: pa.Table) -> NDArray[np.bool_]:
    """Pairs whose products have the same known brand and type, such as variants of a product. Shape (pairs,)."""
    brands = inputs.products["brand"].to_pylist()
    lines = [
        (brand, kind) if brand else row for row, (brand, kind) in enumerate(zip(brands, inputs.types, strict=True))
    ]
    left, right = inputs.rows(pairs["left"]).tolist(), inputs.rows(pairs["right"]).tolist()
    return np.array([lines[one] == lines[other] for one, other in zip(left, right, strict=True)], dtype=bool)


def shared_by_pairs(
    inputs: ProposerInput, by_intent: sparse.csr_array, intents: Sequence[tuple[Relation, str]], generator: str
) -> Iterator[Hypothesis]:
    """Intents that both products of a co-buy pair answer, as reasons of the pair (<pair, relation, tail> in COSMO).

    Pairs of one type and brand are left out: their texts share the copywriter's words.

    by_intent: intents × products; an entry above 0 means that the product answers the intent.
    """
    pairs = inputs.pairs_of(Behavior.CO_BUY)
    if not pairs.num_rows:
        return
    pairs = pairs.filter(pa.array(~_one_line(inputs, pairs)))
    by_product = sparse.csr_array(by_intent.T > 0).astype(np.float64)
    left, right = inputs.rows(pairs["left"]), inputs.rows(pairs["right"])
    shared = sparse.csr_array(by_product[left].multiply(by_product[right]))
    ids, sessions = pairs["pair_id"].to_pylist(), pairs["sessions"].to_pylist()
    for index in np.flatnonzero(np.diff(shared.indptr)).tolist():
        head = Head(HeadKind.PAIR, (inputs.ids[left[index]], inputs.ids[right[index]]))
        for intent in shared.indices[shared.indptr[index] : shared.indptr[index + 1]].tolist():
            relation, wording = intents[intent]
            support = int(sessions[index])
            score = 1.0 - 0.5 ** (0.5 * support + 0.5)
            yield Hypothesis(head, relation, wording, generator, support, 1.0, score, score, (ids[index],), (wording,))
