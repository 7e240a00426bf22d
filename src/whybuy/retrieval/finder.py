"""Search: runs the rankers of a shop, fuses their rankings, and keeps them for explanations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.records import Intent
from whybuy.retrieval.fusion import FusionConfig, fuse
from whybuy.retrieval.indexes import Indexes
from whybuy.retrieval.lexical import IMPLIED_FIELD, LexicalIndex
from whybuy.retrieval.query import AnalyzedQuery
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.rankers import FUSED, RANKER_NAMES, RANKERS, UnboundedRanker
from whybuy.retrieval.ranking.features import RerankerInput
from whybuy.retrieval.ranking.reranker import Reranker
from whybuy.retrieval.signals import SignalIndex
from whybuy.retrieval.tree import TreeIndex
from whybuy.retrieval.type_names import TypeNames
from whybuy.text import FUNCTION_WORDS, tokenize

NOTHING = Ranked.empty()
SOURCES = ("all_words", "typo", "intents", "signals", "some_words", "tree", "similar")
"""The source of a hit is the first of these stages that has it; the stages of words belong to the ranker "lexical"."""


@dataclass(frozen=True, slots=True)
class FinderConfig:
    """How products are put in order."""

    depth: int = 500  # products of each ranker that fusion weighs against each other; all others come after these
    fusion: FusionConfig = FusionConfig()  # of words and intents where there is no reranker


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The ranked products of a query, with the rankings that they were fused from."""

    query: AnalyzedQuery
    ranked: Ranked  # in the final order
    rankings: Mapping[str, Ranked]  # by ranker
    by_stage: Mapping[str, Ranked]  # for explanations: the source of a hit is the first stage that has it


class Finder:
    """Ranks products with all indexes of a shop; safe for many threads."""

    def __init__(self, indexes: Indexes, products: int, config: FinderConfig) -> None:
        """products: how many there are."""
        self.indexes, self._products, self._config = indexes, products, config
        self._rankers = {name: ranker(indexes) for name, ranker in RANKERS.items()}
        self._unbounded = {name: one for name, one in self._rankers.items() if isinstance(one, UnboundedRanker)}

    def over(
        self,
        tree: TreeIndex,
        *,
        lexical: LexicalIndex | None = None,
        signals: SignalIndex | None = None,
        reranker: Reranker | None = None,
    ) -> "Finder":
        """The same over another tree, with other signals and another reranker, or none.

        lexical: the same one by default.
        """
        words = lexical or self.indexes.lexical
        indexes = replace(self.indexes, lexical=words, tree=tree, signals=signals, reranker=reranker)
        return Finder(indexes, self._products, self._config)

    def find(self, text: str, intents: tuple[Intent, ...], *, ranker: str = FUSED, depth: int = 500) -> SearchResult:
        """The products of a query, ranked.

        intents: understood in the text. depth: products that unbounded rankers return; the others return those that
        fusion weighs, whatever the depth.

        Raises:
            InputError: an unknown ranker.
        """
        if ranker not in RANKER_NAMES:
            raise InputError(f"Ranker {ranker!r} is not one of {', '.join(RANKER_NAMES)}.")
        query = self._analyze(text, intents)
        rankings = self._rank(query, depth, *(self._rankers if ranker == FUSED else (ranker,)))
        by_stage = self._by_stage(query, rankings)
        ranked = self._fused(query, rankings, by_stage) if ranker == FUSED else rankings[ranker]
        if not ranked and "lexical" in rankings:
            ranked = rankings.get("signals", NOTHING)
        if not ranked and "lexical" in rankings:
            by_stage = {"nearest_type": self._nearest_type(text), **by_stage}
            ranked = by_stage["nearest_type"] or rankings.get("tree", NOTHING)
        return SearchResult(query, ranked, rankings, by_stage)

    def retrieve(self, text: str, intents: tuple[Intent, ...]) -> RerankerInput:
        """A query as a reranker gets it; a tree is needed."""
        query = self._analyze(text, intents)
        rankings = self._rank(query, self._config.depth, *self._rankers)
        unmet_share = self._unmet_share(query, rankings, self._by_stage(query, rankings))
        return self._reranker_input(query, rankings, self._weighted_sum(rankings, unmet_share), unmet_share)

    def every_row(self, result: SearchResult) -> NDArray[np.int32]:
        """All rows that the rankers find, those that were not ranked included; in no order."""
        depth = self._config.depth
        unbounded = {name: ranked for name, ranked in result.rankings.items() if name in self._unbounded}
        if max(map(len, unbounded.values()), default=0) < depth:
            return result.ranked.rows
        every = np.zeros(self._products, dtype=bool)
        every[result.ranked.rows] = True
        for name, ranked in unbounded.items():
            every[ranked.rows if len(ranked) < depth else self._unbounded[name].rows(result.query)] = True
        return np.flatnonzero(every).astype(np.int32)

    # ------------------------------------------------------------ the rankers
    def _analyze(self, text: str, intents: tuple[Intent, ...]) -> AnalyzedQuery:
        tree = self.indexes.tree
        return AnalyzedQuery(text, intents, self.indexes.lexical, tree.vectorizer if tree else None)

    def _rank(self, query: AnalyzedQuery, depth: int, *names: str) -> dict[str, Ranked]:
        bound = self._config.depth
        return {name: self._rankers[name].rank(query, depth if name in self._unbounded else bound) for name in names}

    def _by_stage(self, query: AnalyzedQuery, rankings: Mapping[str, Ranked]) -> dict[str, Ranked]:
        """The rankings by stage; that of the words is split by how well they match."""
        stages = dict(rankings)
        if (words := stages.pop("lexical", None)) is not None:
            lexical = self.indexes.lexical
            stages["all_words"] = lexical.all_words(query.words, words)
            stages["typo"] = lexical.typo(query.words, words)
            stages["some_words"] = words
        return {name: stages[name] for name in SOURCES if name in stages} | stages

    @cached_property
    def _type_names(self) -> TypeNames:
        return TypeNames(self.indexes.types)

    def _nearest_type(self, text: str) -> Ranked:
        name = self._type_names.nearest(text)
        return self.indexes.lexical.of_type(name, self._products) if name else NOTHING

    # ------------------------------------------------------------ their order
    def _fused(self, query: AnalyzedQuery, rankings: Mapping[str, Ranked], by_stage: Mapping[str, Ranked]) -> Ranked:
        """The best of all rankers in the order of the reranker, then the others.

        No product's place depends on `depth`. Empty where neither words nor intents find anything: the nearest type, or
        the tree, answers then.
        """
        words, intents = rankings["lexical"], rankings["intents"]
        if not words and not intents:
            return NOTHING
        unmet_share = self._unmet_share(query, rankings, by_stage)
        best = self._weighted_sum(rankings, unmet_share)
        reranker, tree = self.indexes.reranker, self.indexes.tree
        if reranker and tree:
            best = reranker.rank(self._reranker_input(query, rankings, best, unmet_share), tree).followed_by(best)
        if max(len(words), len(intents)) > self._config.depth:
            best = best.followed_by(fuse(words, intents, unmet_share=unmet_share, config=self._config.fusion))
        return best

    def _weighted_sum(self, rankings: Mapping[str, Ranked], unmet_share: float) -> Ranked:
        words, intents = (rankings[name].first(self._config.depth) for name in ("lexical", "intents"))
        return fuse(words, intents, unmet_share=unmet_share, config=self._config.fusion)

    def _reranker_input(
        self, query: AnalyzedQuery, rankings: Mapping[str, Ranked], weighted_sum: Ranked, unmet_share: float
    ) -> RerankerInput:
        stages = {**rankings, "weighted_sum": weighted_sum}
        bounded = {name: ranked.first(self._config.depth) for name, ranked in stages.items()}
        return RerankerInput(query, bounded, unmet_share)

    def _unmet_share(
        self, query: AnalyzedQuery, rankings: Mapping[str, Ranked], by_stage: Mapping[str, Ranked]
    ) -> float:
        """Share of the query that names intents and that the best lexical hit lacks in its name, traits or place.

        Words that occur in its description alone, or that its type implies, do not count: they are weak evidence.
        """
        words = rankings["lexical"]
        if not words or not rankings["intents"]:
            return 0.0
        best = (by_stage["all_words"] or words).rows[0]
        content = {word for word in query.tokens if word not in FUNCTION_WORDS}
        intended = content & {word for intent in query.intents for word in tokenize(intent.words)}
        (matches,) = self.indexes.lexical.matched(query.words, [int(best)])
        met = {match.term for match in matches if match.field not in ("description", IMPLIED_FIELD)}
        return len(intended - met) / len(content) if content else 0.0
