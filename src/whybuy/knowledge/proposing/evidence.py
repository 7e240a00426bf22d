"""Proposes reasons from search-buy pairs alone: what is bought for an intent more often than by chance (our design)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from scipy import sparse

from whybuy.config import ConfigTable
from whybuy.knowledge.proposing.association import (
    Association,
    AssociationThresholds,
    Groups,
    ProductGroups,
    associate,
    associate_traits,
    restrict,
)
from whybuy.knowledge.proposing.co_buy import shared_by_pairs
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.knowledge.proposing.query_intents import QueryIntent, read_intents
from whybuy.knowledge.proposing.search_log import SAMPLE, SearchLog
from whybuy.records import Head, HeadKind, Hypothesis, Proposer
from whybuy.relations import Relation


@dataclass(frozen=True, slots=True)
class EvidenceConfig:
    """Thresholds on the behavior behind a reason (our design; tuned on the looked-at half of the demo)."""

    of_type: AssociationThresholds = AssociationThresholds(least_count=3, midpoint=2.0, least_share=0.1)
    of_trait: AssociationThresholds = AssociationThresholds(least_count=3, midpoint=2.0, least_lift=1.2)
    """A least lift, since many traits are tested."""
    of_product: AssociationThresholds = AssociationThresholds(least_count=3, midpoint=3.0, least_lift=1.2)
    least_queries: int = 2  # different queries that name an intent
    least_alone: int = 25  # purchases that make a single query enough
    least_explained: float = 0.75  # share of a query's purchases that lie on types accepted for its intent


EVIDENCE_CONFIG = ConfigTable("evidence", EvidenceConfig)


@dataclass(frozen=True, slots=True)
class EvidenceHypothesizer:
    """Reads intents out of queries and joins them with what was bought."""

    config: EvidenceConfig = EvidenceConfig()

    def propose(self, inputs: ProposerInput) -> Iterator[Hypothesis]:
        """Reasons for types, traits, products, queries and pairs; nothing when the shop has no search-buy pairs."""
        log = SearchLog(inputs)
        patterns = load_patterns(inputs.language).with_product_types(set(inputs.types))
        intents = read_intents(log.logged_queries(), set(inputs.types), patterns)
        intents = self._frequent(intents, log)
        if not intents:
            return
        ledger, groups, expected = _Ledger(log, intents), ProductGroups(inputs), log.background
        accepted = list(associate(ledger.by_intent, expected, groups.types, groups.types, self.config.of_type))
        yield from ledger.hypotheses(groups.types, accepted)
        explained = restrict(ledger.by_intent, groups.types, accepted)
        traits = associate_traits(explained, expected, groups.traits, groups.types, self.config.of_trait)
        yield from ledger.hypotheses(groups.traits, traits)
        products = associate(explained, expected, groups.products, groups.types, self.config.of_product)
        yield from ledger.hypotheses(groups.products, products)
        yield from ledger.query_hypotheses(explained, self.config.least_explained)
        yield from shared_by_pairs(inputs, explained, ledger.intents, Proposer.EVIDENCE)

    def _frequent(self, intents: list[QueryIntent], log: SearchLog) -> list[QueryIntent]:
        """The intents that several queries name, or one that led to many purchases."""
        queries = Counter((intent.relation, intent.key) for intent in intents)
        purchases: Counter[tuple[Relation, str]] = Counter()
        for intent in intents:
            purchases[intent.relation, intent.key] += int(log.purchases[log.pairs_of[intent.query]].sum())
        often = {key for key, count in queries.items() if count >= self.config.least_queries}
        often |= {key for key, count in purchases.items() if count >= self.config.least_alone}
        return [intent for intent in intents if (intent.relation, intent.key) in often]


class _Ledger:
    """Purchases by intent and product, with the pairs behind them."""

    def __init__(self, log: SearchLog, readings: list[QueryIntent]) -> None:
        self._log, self._readings = log, readings
        keys = sorted({(reading.relation, reading.key) for reading in readings})
        self._number = {key: number for number, key in enumerate(keys)}
        self._pairs_of: list[list[int]] = [[] for _ in keys]
        wordings: list[Counter[str]] = [Counter() for _ in keys]
        for reading in readings:
            intent, pairs = self._number[reading.relation, reading.key], log.pairs_of[reading.query]
            self._pairs_of[intent].extend(pairs)
            wordings[intent][reading.wording] += int(log.purchases[pairs].sum()) + 1
        self.intents = [(relation, _commonest(counts)) for (relation, _), counts in zip(keys, wordings, strict=True)]
        self.by_intent = log.by_product(self._pairs_of)

    def hypotheses(self, groups: Groups, associations: Iterable[Association]) -> Iterator[Hypothesis]:
        """Associations as hypotheses, each with its strongest pairs and their queries."""
        for one in associations:
            relation, wording = self.intents[one.intent]
            rows = groups.rows(one.group)
            pairs = [pair for pair in self._pairs_of[one.intent] if self._log.rows[pair] in rows]
            head, scores = groups.heads[one.group], (one.lift, one.plausibility, one.typicality)
            yield Hypothesis(
                head, relation, wording, Proposer.EVIDENCE, int(one.count), *scores, *self._shown_by(pairs)
            )

    def query_hypotheses(self, explained: sparse.csr_array, least_share: float) -> Iterator[Hypothesis]:
        """Each query with its own intent, if most of its purchases are of types accepted for the intent."""
        rows_of = [set(explained.indices[start:end].tolist()) for start, end in pairwise(explained.indptr.tolist())]
        for reading in self._readings:
            rows = rows_of[self._number[reading.relation, reading.key]]
            every = self._log.pairs_of[reading.query]
            pairs = [pair for pair in every if self._log.rows[pair] in rows]
            support = int(self._log.purchases[pairs].sum())
            if support >= least_share * self._log.purchases[every].sum():
                shrunken = reading.confidence * support / (support + 0.5)
                head, scores = Head(HeadKind.QUERY, (reading.query,)), (1.0, shrunken, 1.0)
                shown_by = self._shown_by(pairs)
                yield Hypothesis(
                    head, reading.relation, reading.wording, Proposer.EVIDENCE, support, *scores, *shown_by
                )

    def _shown_by(self, pairs: list[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Ids of the strongest pairs, and the queries of the strongest."""
        strongest = sorted(pairs, key=lambda pair: (-self._log.purchases[pair], pair))[: 4 * SAMPLE]
        queries = dict.fromkeys(self._log.queries[pair] for pair in strongest)
        return tuple(self._log.pair_ids[pair] for pair in strongest[:SAMPLE]), tuple(queries)[:SAMPLE]


def _commonest(wordings: Counter[str]) -> str:
    return min(wordings, key=lambda text: (-wordings[text], text))
