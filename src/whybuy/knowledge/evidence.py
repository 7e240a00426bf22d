"""Reasons from behavior alone: what is bought when a need is asked for, more than by chance (our design)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from whybuy.knowledge.association import (
    Association,
    Demands,
    Groups,
    ProductGroups,
    associate,
    associate_traits,
    restrict,
)
from whybuy.knowledge.co_buy import shared_by_pairs
from whybuy.knowledge.hypothesizer import Shop
from whybuy.knowledge.needs import AskedQuery, Need, read_needs
from whybuy.knowledge.patterns import load_patterns
from whybuy.records import Behavior, Head, HeadKind, Hypothesis
from whybuy.text import lemma, tokenize

GENERATOR = "evidence.v1"
SAMPLE = 5  # pair ids and queries kept per hypothesis


@dataclass(frozen=True, slots=True)
class EvidenceConfig:
    """How much behavior it takes to believe a reason (our design; tuned on the looked-at half of the demo)."""

    of_type: Demands = Demands(least_count=3, doubt=2.0, least_share=0.1)
    of_trait: Demands = Demands(least_count=3, doubt=2.0, least_lift=1.2)  # many traits are tried for each need
    least_queries: int = 2  # different queries that name a need: one may be anybody's slip
    of_product: Demands = Demands(least_count=3, doubt=3.0, least_lift=1.2)


@dataclass(frozen=True, slots=True)
class EvidenceHypothesizer:
    """Needs in queries, joined with what was bought for them."""

    config: EvidenceConfig = EvidenceConfig()

    def propose(self, shop: Shop) -> Iterator[Hypothesis]:
        """Reasons for types, traits, products, queries and pairs; nothing when the shop has no search-buy pairs."""
        log = _Log(shop)
        patterns = load_patterns(shop.language).knowing(set(shop.types))
        needs = read_needs(log.asked(), set(shop.types), patterns)
        needs = _asked_often(needs, self.config.least_queries)
        if not needs:
            return
        ledger = _Ledger(log, needs)
        groups = ProductGroups(shop)
        accepted = list(associate(ledger.by_need, log.background, groups.types, groups.types, self.config.of_type))
        yield from ledger.hypotheses(groups.types, accepted)
        strong = restrict(ledger.by_need, groups.types, accepted)
        traits = associate_traits(strong, log.background, groups.traits, groups.types, self.config.of_trait)
        yield from ledger.hypotheses(groups.traits, traits)
        products = associate(strong, log.background, groups.products, groups.types, self.config.of_product)
        yield from ledger.hypotheses(groups.products, products)
        yield from ledger.query_hypotheses(strong)
        yield from shared_by_pairs(shop, strong, [(need.relation, need.wording) for need in ledger.needs], GENERATOR)


def _asked_often(needs: list[Need], least_queries: int) -> list[Need]:
    asked = Counter((need.relation, need.key) for need in needs)
    return [need for need in needs if asked[need.relation, need.key] >= least_queries]


class _Log:
    """Search-buy pairs by query."""

    def __init__(self, shop: Shop) -> None:
        pairs = shop.pairs_of(Behavior.SEARCH_BUY)
        self.shop = shop
        self.pair_ids: list[str] = pairs["pair_id"].to_pylist()
        self.rows = shop.rows(pairs["right"])
        self.purchases = _counts(pairs)
        self.background = np.bincount(self.rows, weights=self.purchases, minlength=len(shop.ids)) + 0.1
        self.at: defaultdict[str, list[int]] = defaultdict(list)  # query → its pairs
        for index, query in enumerate(pairs["left"].to_pylist()):
            self.at[query].append(index)

    def asked(self) -> Iterator[AskedQuery]:
        """Every query, with the share of its purchases whose product says each of its words."""
        for query, indices in self.at.items():
            weight = float(self.purchases[indices].sum())
            said: defaultdict[str, float] = defaultdict(float)
            words = {lemma(word, self.shop.language) for word in tokenize(query)}
            for index in indices:
                for word in words & self.shop.said[self.rows[index]]:
                    said[word] += float(self.purchases[index])
            if weight > 0:
                yield AskedQuery(query, weight, {word: count / weight for word, count in said.items()})


def _counts(pairs: pa.Table) -> NDArray[np.float64]:
    """Purchases by pair; clicks for a shop that logs no purchase."""
    purchases: NDArray[np.float64] = pairs["purchases"].to_numpy().astype(np.float64)
    return purchases if purchases.any() else pairs["clicks"].to_numpy().astype(np.float64)


class _Ledger:
    """Purchases by need and product, with the pairs behind them."""

    def __init__(self, log: _Log, needs: list[Need]) -> None:
        self._log = log
        self._readings = needs
        keys = sorted({(need.relation, need.key) for need in needs})
        self._number = {key: index for index, key in enumerate(keys)}
        self._pairs_of: list[list[int]] = [[] for _ in keys]
        wordings: list[Counter[str]] = [Counter() for _ in keys]
        for need in needs:
            index = self._number[need.relation, need.key]
            self._pairs_of[index].extend(log.at[need.query])
            wordings[index][need.wording] += int(log.purchases[log.at[need.query]].sum()) + 1
        self.needs = [
            Need("", relation, key, min(counts, key=lambda text: (-counts[text], text)), 1.0)
            for (relation, key), counts in zip(keys, wordings, strict=True)
        ]
        self._query_of = {index: query for query, indices in log.at.items() for index in indices}
        pairs = np.array([pair for pairs in self._pairs_of for pair in pairs], dtype=np.int64)
        rows = np.repeat(np.arange(len(keys)), [len(pairs) for pairs in self._pairs_of])
        shape = (len(keys), len(log.shop.ids))
        self.by_need = sparse.csr_array((log.purchases[pairs], (rows, log.rows[pairs])), shape=shape)

    def hypotheses(self, groups: Groups, found: Iterable[Association]) -> Iterator[Hypothesis]:
        """Associations as hypotheses, each with the strongest pairs and the queries that they came from."""
        for one in found:
            need = self.needs[one.need]
            rows = groups.rows(one.group)
            pairs = [index for index in self._pairs_of[one.need] if self._log.rows[index] in rows]
            evidence, words = self._sample(pairs)
            head = groups.heads[one.group]
            scores = (one.lift, one.plausibility, one.typicality)
            yield Hypothesis(head, need.relation, need.wording, GENERATOR, int(one.count), *scores, evidence, words)

    def query_hypotheses(self, strong: sparse.csr_array) -> Iterator[Hypothesis]:
        """Each query with its own need, if products were accepted for it: what the same query is answered with next."""
        believed = [set(strong.indices[start:end].tolist()) for start, end in pairwise(strong.indptr.tolist())]
        for reading in self._readings:
            products = believed[self._number[reading.relation, reading.key]]
            every = self._log.at[reading.query]
            indices = [index for index in every if self._log.rows[index] in products]
            support = int(self._log.purchases[indices].sum())
            if support >= 0.75 * self._log.purchases[every].sum():
                evidence, words = self._sample(indices)
                head, scores = Head(HeadKind.QUERY, (reading.query,)), (1.0, reading.confidence, 1.0)
                yield Hypothesis(head, reading.relation, reading.wording, GENERATOR, support, *scores, evidence, words)

    def _sample(self, pairs: list[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        strongest = sorted(pairs, key=lambda index: (-self._log.purchases[index], index))[: 4 * SAMPLE]
        words = dict.fromkeys(self._query_of[index] for index in strongest)
        return tuple(self._log.pair_ids[index] for index in strongest[:SAMPLE]), tuple(words)[:SAMPLE]
