"""Reasons from behavior alone: what is bought when a need is asked for, more than by chance (our design)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from scipy import sparse

from whybuy.config import ConfigTable
from whybuy.knowledge.proposing.association import (
    Association,
    Demands,
    Groups,
    ProductGroups,
    associate,
    associate_traits,
    restrict,
)
from whybuy.knowledge.proposing.co_buy import shared_by_pairs
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.knowledge.proposing.query_intents import Need, read_needs
from whybuy.knowledge.proposing.search_log import SAMPLE, SearchLog
from whybuy.records import Head, HeadKind, Hypothesis, Proposer
from whybuy.relations import Relation


@dataclass(frozen=True, slots=True)
class EvidenceConfig:
    """How much behavior it takes to believe a reason (our design; tuned on the looked-at half of the demo)."""

    of_type: Demands = Demands(least_count=3, doubt=2.0, least_share=0.1)
    of_trait: Demands = Demands(least_count=3, doubt=2.0, least_lift=1.2)  # many traits are tried for each need
    of_product: Demands = Demands(least_count=3, doubt=3.0, least_lift=1.2)
    least_queries: int = 2  # different queries that name a need: one may be anybody's slip
    least_alone: int = 25  # purchases that make one query enough
    least_explained: float = 0.75  # share of a query's purchases that lie on types accepted for its need


EVIDENCE_CONFIG = ConfigTable("evidence", EvidenceConfig)


@dataclass(frozen=True, slots=True)
class EvidenceHypothesizer:
    """Needs in queries, joined with what was bought for them."""

    config: EvidenceConfig = EvidenceConfig()

    def propose(self, shop: ProposerInput) -> Iterator[Hypothesis]:
        """Reasons for types, traits, products, queries and pairs; nothing when the shop has no search-buy pairs."""
        log = SearchLog(shop)
        patterns = load_patterns(shop.language).with_product_types(set(shop.types))
        needs = read_needs(log.asked(), set(shop.types), patterns)
        needs = self._asked_often(needs, log)
        if not needs:
            return
        ledger, groups, usual = _Ledger(log, needs), ProductGroups(shop), log.background
        accepted = list(associate(ledger.by_need, usual, groups.types, groups.types, self.config.of_type))
        yield from ledger.hypotheses(groups.types, accepted)
        explained = restrict(ledger.by_need, groups.types, accepted)
        traits = associate_traits(explained, usual, groups.traits, groups.types, self.config.of_trait)
        yield from ledger.hypotheses(groups.traits, traits)
        products = associate(explained, usual, groups.products, groups.types, self.config.of_product)
        yield from ledger.hypotheses(groups.products, products)
        yield from ledger.query_hypotheses(explained, self.config.least_explained)
        yield from shared_by_pairs(shop, explained, ledger.needs, Proposer.EVIDENCE)

    def _asked_often(self, needs: list[Need], log: SearchLog) -> list[Need]:
        """The needs that several queries name, or one that led to many purchases."""
        queries = Counter((need.relation, need.key) for need in needs)
        purchases: Counter[tuple[Relation, str]] = Counter()
        for need in needs:
            purchases[need.relation, need.key] += int(log.purchases[log.pairs_of[need.query]].sum())
        often = {key for key, count in queries.items() if count >= self.config.least_queries}
        often |= {key for key, count in purchases.items() if count >= self.config.least_alone}
        return [need for need in needs if (need.relation, need.key) in often]


class _Ledger:
    """Purchases by need and product, with the pairs behind them."""

    def __init__(self, log: SearchLog, readings: list[Need]) -> None:
        self._log, self._readings = log, readings
        keys = sorted({(reading.relation, reading.key) for reading in readings})
        self._number = {key: number for number, key in enumerate(keys)}
        self._pairs_of: list[list[int]] = [[] for _ in keys]
        wordings: list[Counter[str]] = [Counter() for _ in keys]
        for reading in readings:
            need, pairs = self._number[reading.relation, reading.key], log.pairs_of[reading.query]
            self._pairs_of[need].extend(pairs)
            wordings[need][reading.wording] += int(log.purchases[pairs].sum()) + 1
        self.needs = [(relation, _commonest(said)) for (relation, _), said in zip(keys, wordings, strict=True)]
        self.by_need = log.by_product(self._pairs_of)

    def hypotheses(self, groups: Groups, found: Iterable[Association]) -> Iterator[Hypothesis]:
        """Associations as hypotheses, each with the strongest pairs and the queries that they came from."""
        for one in found:
            relation, wording = self.needs[one.need]
            rows = groups.rows(one.group)
            pairs = [pair for pair in self._pairs_of[one.need] if self._log.rows[pair] in rows]
            head, scores = groups.heads[one.group], (one.lift, one.plausibility, one.typicality)
            yield Hypothesis(
                head, relation, wording, Proposer.EVIDENCE, int(one.count), *scores, *self._shown_by(pairs)
            )

    def query_hypotheses(self, explained: sparse.csr_array, least_share: float) -> Iterator[Hypothesis]:
        """Each query with its own need, if products were accepted for it: what the same query is answered with next."""
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
