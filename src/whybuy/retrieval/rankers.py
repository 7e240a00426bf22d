"""The rankers of a shop by name. A new one is a class with `rank` in a module of its own, and a line in `RANKERS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from whybuy.retrieval.indexes import Indexes
from whybuy.retrieval.lexical import LexicalIndex
from whybuy.retrieval.query import AnalyzedQuery
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.signals import SignalIndex
from whybuy.retrieval.tree import TreeIndex


class Ranker(Protocol):
    """Ranks products for a query; safe for many threads."""

    def rank(self, query: AnalyzedQuery, depth: int) -> Ranked:
        """At most `depth` products, best first. The first of a deeper ranking are those of a shallower one."""


@runtime_checkable
class UnboundedRanker(Ranker, Protocol):
    """A ranker that can return all products that it finds; others return only those that fusion weighs."""

    def rows(self, query: AnalyzedQuery) -> NDArray[np.int32]:
        """All products that it finds, in no order."""


@dataclass(frozen=True, slots=True)
class WordRanker:
    """By words, corrected where misspelled (BM25)."""

    lexical: LexicalIndex

    def rank(self, query: AnalyzedQuery, depth: int) -> Ranked:
        """Products that have any word of the query."""
        return self.lexical.some_words(query.words, depth)

    def rows(self, query: AnalyzedQuery) -> NDArray[np.int32]:
        """The same, without the cost of ranking them."""
        return self.lexical.having(query.words)


@dataclass(frozen=True, slots=True)
class TreeRanker:
    """By the label tree (XR-Linear, KDD 2021); finds nothing where a shop has none."""

    tree: TreeIndex | None

    def rank(self, query: AnalyzedQuery, depth: int) -> Ranked:
        """Products by beam search through the tree."""
        return self.tree.rank(*query.vector, depth) if self.tree else Ranked.empty()


@dataclass(frozen=True, slots=True)
class SimilarityRanker:
    """By n-grams that a query shares with the products' own texts."""

    tree: TreeIndex | None  # whose vectors are used

    def rank(self, query: AnalyzedQuery, depth: int) -> Ranked:
        """Products with a similar text."""
        return self.tree.similar(*query.vector, depth) if self.tree else Ranked.empty()


@dataclass(frozen=True, slots=True)
class SignalRanker:
    """By what earlier searches of the same words led to; finds nothing where a shop has no logs."""

    signals: SignalIndex | None

    def rank(self, query: AnalyzedQuery, depth: int) -> Ranked:
        """Products that were clicked or bought after such searches."""
        return self.signals.rank(query, depth) if self.signals else Ranked.empty()


RANKERS: Mapping[str, Callable[[Indexes], Ranker]] = {
    "lexical": lambda indexes: WordRanker(indexes.lexical),
    "intents": lambda indexes: indexes.expansion,
    "tree": lambda indexes: TreeRanker(indexes.tree),
    "signals": lambda indexes: SignalRanker(indexes.signals),
    "similar": lambda indexes: SimilarityRanker(indexes.tree),
}
"""All rankers; together they are fused."""

ALONE = tuple(name for name in RANKERS if name != "similar")
"""Those that a query may use alone."""

FUSED = "fused"  # the name of all rankers together
RANKER_NAMES = (*ALONE, FUSED)
"""What a query may be ranked by."""
