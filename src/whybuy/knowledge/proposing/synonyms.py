"""Proposes synonyms of product types, words by which shoppers search for them: <ballet flat, is_a, ballerina shoe>."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from whybuy.config import ConfigTable
from whybuy.knowledge.proposing.association import AssociationThresholds, ProductGroups, associate
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.knowledge.proposing.query_intents import read_intents
from whybuy.knowledge.proposing.search_log import SAMPLE, SearchLog
from whybuy.records import Hypothesis, Proposer
from whybuy.relations import Relation
from whybuy.text import FUNCTION_WORDS, canonical, lemma, tokenize

MAX_WORDS = 3  # words


@dataclass(frozen=True, slots=True)
class SynonymConfig:
    """When words of queries count as a synonym of a product type (our design)."""

    of_type: AssociationThresholds = AssociationThresholds(least_count=4, midpoint=3.0, least_share=0.9, least_lift=3.0)
    least_queries: int = 3  # different queries that have it
    least_part: float = 0.6  # share of its purchases that are of the one type
    most_contained: float = 0.5  # share of its purchases, at most, whose product has the word itself


SYNONYM_CONFIG = ConfigTable("synonyms", SynonymConfig)


@dataclass(frozen=True, slots=True)
class SynonymHypothesizer:
    """Words of queries that lead to one product type, though its products lack them."""

    config: SynonymConfig = SynonymConfig()

    def propose(self, inputs: ProposerInput) -> Iterator[Hypothesis]:
        """Synonyms of product types; nothing when the shop has no search-buy pairs or no types."""
        log, types = SearchLog(inputs), ProductGroups(inputs).types
        queries_of = self._candidates(log, inputs)
        if not queries_of or not types.heads:
            return
        names = sorted(queries_of)
        pairs_of = [sorted({pair for query in queries_of[name] for pair in log.pairs_of[query]}) for name in names]
        by_name = log.by_product(pairs_of)
        totals = np.asarray(by_name.sum(axis=1)).ravel()
        for one in associate(by_name, log.background, types, types, self.config.of_type):
            if one.count >= self.config.least_part * totals[one.intent]:
                evidence = tuple(log.pair_ids[pair] for pair in pairs_of[one.intent][:SAMPLE])
                words = tuple(sorted(queries_of[names[one.intent]])[:SAMPLE])
                scores = (one.lift, one.plausibility, one.typicality)
                head, name = types.heads[one.group], names[one.intent]
                yield Hypothesis(head, Relation.IS_A, name, Proposer.SYNONYMS, int(one.count), *scores, evidence, words)

    def _candidates(self, log: SearchLog, inputs: ProposerInput) -> dict[str, set[str]]:
        """Queries by candidate: words that enough queries have and that do not end in a type name of the shop."""
        patterns = load_patterns(inputs.language).with_product_types(set(inputs.types))
        queries = list(log.logged_queries())
        intent_words = {intent.query: intent.wording for intent in read_intents(queries, set(inputs.types), patterns)}
        known = {canonical(name) for name in inputs.types}
        queries_of: defaultdict[str, set[str]] = defaultdict(set)
        for query in queries:
            phrases = patterns.in_query(query.text)
            mention = phrases[0].type_words if phrases else _without(query.text, intent_words.get(query.text, ""))
            for name in self._names(mention, query.product_share):
                if not _ends_in(canonical(name).split(), known):
                    queries_of[name].add(query.text)
        return {name: queries for name, queries in queries_of.items() if len(queries) >= self.config.least_queries}

    def _names(self, mention: str, product_share: Mapping[str, float]) -> Iterator[str]:
        """The last one to three words of a mention of the product, if the products lack the first of them."""
        words = [word for word in tokenize(mention) if word not in FUNCTION_WORDS]
        for length in range(1, min(MAX_WORDS, len(words)) + 1):
            name = words[-length:]
            if (
                all(word.isalpha() for word in name)
                and product_share.get(lemma(name[0]), 0.0) <= self.config.most_contained
            ):
                yield " ".join(lemma(word) for word in name)


def _ends_in(words: list[str], known: set[str]) -> bool:
    return any(" ".join(words[start:]) in known for start in range(len(words)))


def _without(query: str, intent: str) -> str:
    """A query without the words of its intent."""
    needed = set(tokenize(intent))
    return " ".join(word for word in tokenize(query) if word not in needed)
