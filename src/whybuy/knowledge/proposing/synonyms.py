"""What shoppers call a kind of product that the shop calls something else: <ballet flat, is_a, ballerina shoe>."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from whybuy.config import ConfigTable
from whybuy.knowledge.proposing.association import Demands, ProductGroups, associate
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.knowledge.proposing.query_intents import read_needs
from whybuy.knowledge.proposing.search_log import SAMPLE, SearchLog
from whybuy.records import Hypothesis, Proposer
from whybuy.relations import Relation
from whybuy.text import FUNCTION_WORDS, canonical, lemma, tokenize

MAX_WORDS = 3  # words


@dataclass(frozen=True, slots=True)
class SynonymConfig:
    """When a word of queries counts as a name of a product type (our design)."""

    of_type: Demands = Demands(least_count=4, doubt=3.0, least_share=0.9, least_lift=3.0)
    least_queries: int = 3  # different queries that say it
    least_part: float = 0.6  # of what is bought for it that is of the one type
    unsaid: float = 0.5  # share of those purchases, at most, whose product says the word itself


SYNONYM_CONFIG = ConfigTable("synonyms", SynonymConfig)


@dataclass(frozen=True, slots=True)
class SynonymHypothesizer:
    """Words of queries that their products do not say but that lead to one kind of product."""

    config: SynonymConfig = SynonymConfig()

    def propose(self, shop: ProposerInput) -> Iterator[Hypothesis]:
        """Other names of product types; nothing when the shop has no search-buy pairs or no types."""
        log, types = SearchLog(shop), ProductGroups(shop).types
        queries_of = self._candidates(log, shop)
        if not queries_of or not types.heads:
            return
        names = sorted(queries_of)
        pairs_of = [sorted({pair for query in queries_of[name] for pair in log.pairs_of[query]}) for name in names]
        by_name = log.by_product(pairs_of)
        totals = np.asarray(by_name.sum(axis=1)).ravel()
        for found in associate(by_name, log.background, types, types, self.config.of_type):
            if found.count >= self.config.least_part * totals[found.need]:
                evidence = tuple(log.pair_ids[pair] for pair in pairs_of[found.need][:SAMPLE])
                words = tuple(sorted(queries_of[names[found.need]])[:SAMPLE])
                scores = (found.lift, found.plausibility, found.typicality)
                head, name = types.heads[found.group], names[found.need]
                yield Hypothesis(
                    head, Relation.IS_A, name, Proposer.SYNONYMS, int(found.count), *scores, evidence, words
                )

    def _candidates(self, log: SearchLog, shop: ProposerInput) -> dict[str, set[str]]:
        """Queries by candidate name, only names that enough queries say and that hold no name of the shop."""
        patterns = load_patterns(shop.language).with_product_types(set(shop.types))
        queries = list(log.asked())
        need_of = {need.query: need.wording for need in read_needs(queries, set(shop.types), patterns)}
        known = {canonical(name) for name in shop.types}
        found: defaultdict[str, set[str]] = defaultdict(set)
        for query in queries:
            phrases = patterns.in_query(query.text)
            mention = phrases[0].type_words if phrases else _without(query.text, need_of.get(query.text, ""))
            for name in self._names(mention, query.said):
                if not _ends_in(canonical(name).split(), known):
                    found[name].add(query.text)
        return {name: queries for name, queries in found.items() if len(queries) >= self.config.least_queries}

    def _names(self, mention: str, said: Mapping[str, float]) -> Iterator[str]:
        """Ends of the words that mention the product which start with a word that the products do not say."""
        words = [word for word in tokenize(mention) if word not in FUNCTION_WORDS]
        for length in range(1, min(MAX_WORDS, len(words)) + 1):
            name = words[-length:]
            if all(word.isalpha() for word in name) and said.get(lemma(name[0]), 0.0) <= self.config.unsaid:
                yield " ".join(lemma(word) for word in name)


def _ends_in(words: list[str], known: set[str]) -> bool:
    return any(" ".join(words[start:]) in known for start in range(len(words)))


def _without(query: str, need: str) -> str:
    """A query without the words of its need."""
    needed = set(tokenize(need))
    return " ".join(word for word in tokenize(query) if word not in needed)
