"""Find the needs of a query: known queries first, then wordings inside it, then wordings that share most words."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.graph import KnowledgeGraph, RejectedEdges
from whybuy.graph.words import rarity
from whybuy.records import HeadKind, Intent
from whybuy.relations import Relation
from whybuy.text import FUNCTION_WORDS, canonical, lemma, ngrams, normalize, tokenize

LONGEST_QUERY = 32  # words that are looked at
_BEFORE_NEEDS = frozenset(("for", "with", "in", "on", "as", "to"))


@dataclass(frozen=True, slots=True)
class IntentConfig:
    """How freely needs are read into a query (our design)."""

    limit: int = 3  # needs per query
    longest: int = 6  # words of a wording
    least_overlap: float = 0.65  # share of the rarer-word weight that a similar wording must cover, in (0, 1]


class IntentReader:
    """Reads the needs of queries from one graph; safe for many threads."""

    def __init__(self, graph: KnowledgeGraph, config: IntentConfig, rejected: RejectedEdges | None = None) -> None:
        """rejected: edges of this graph that speak for no need; looked up anew for each query."""
        self._graph = graph
        self._rejected = rejected or RejectedEdges(graph)
        self._config = config
        self._words, self._intents = graph.words, graph.intents
        self._weights = self._words.weights(self._intents.start, len(self._intents))
        self._types = frozenset(canonical(name, graph.language) for name in _types(graph))
        self._types |= {name.split()[-1] for name in self._types if name}
        self._type_words = frozenset(word for name in self._types for word in name.split())
        self._tails, self._plausibility, self._support = (
            graph.edges[name].to_numpy() for name in ("tail", "plausibility", "support")
        )
        relations = graph.edges["relation"].chunk(0)
        self._relation_names: list[str] = relations.dictionary.to_pylist()
        self._relations = relations.indices.to_numpy()
        self._relation = lru_cache(maxsize=65_536)(self._main_relation)
        self._intent = lru_cache(maxsize=65_536)(graph.intent)
        self._knows = lru_cache(maxsize=65_536)(self._is_known)

    def first(self, query: str) -> Intent | None:
        """The surest need of a query, None when the graph knows none of its words."""
        return next(iter(self.read(query)), None)

    def read(self, query: str) -> tuple[Intent, ...]:
        """The needs of a query, the surest first; empty when the graph knows none of its words."""
        found: dict[int, tuple[float, str, str]] = {}
        known = self._graph.node(HeadKind.QUERY.value, normalize(query))
        if known is not None:
            for row in self._heard(self._graph.edges_from(known)).tolist():
                found[int(self._tails[row])] = (float(self._plausibility[row]), query, "graph")
        words = tokenize(query)[:LONGEST_QUERY]
        covered = self._read_wordings(words, found)
        self._read_similar([word for at, word in enumerate(words) if at not in covered], found)
        backed = [item for item in found.items() if item[1][0] > 0.0]
        ranked = sorted(backed, key=lambda item: (-item[1][0], item[0]))[: self._config.limit]
        return tuple(
            Intent(self._relation(node), self._graph.label(node), round(confidence, 4), words, source)
            for node, (confidence, words, source) in ranked
        )

    def _read_wordings(self, words: list[str], found: dict[int, tuple[float, str, str]]) -> set[int]:
        """Add needs whose wording stands in the query, longest first; returns the places that they cover."""
        covered: set[int] = set()
        light = [word in FUNCTION_WORDS for word in words]
        known = [self._knows(lemma(word, self._graph.language)) for word in words]
        for start, end in ngrams(words, self._config.longest):
            span = range(start, end)
            if all(light[start:end]) or not all(light[at] or known[at] for at in span) or covered & set(span):
                continue
            wording = " ".join(words[start:end])
            if self._names_product(words, start, end):
                covered |= set(span)
                continue
            node = self._intent(wording)
            if node is not None and self._is_led(words, start, node):
                covered |= set(span)
                before, _, source = found.get(node, (0.0, "", "graph"))
                found[node] = (max(before, self._strength(node)), wording, source)
        return covered

    def _is_known(self, word: str) -> bool:
        return word in self._type_words or len(self._words.intents(word)) > 0

    def _is_led(self, words: list[str], start: int, node: int) -> bool:
        """Things are needs only behind a connecting word: "for ge refrigerator", not "ge refrigerator"."""
        return self._relation(node) is not Relation.USED_WITH or (start > 0 and words[start - 1] in _BEFORE_NEEDS)

    def _names_product(self, words: list[str], start: int, end: int) -> bool:
        """Whether the words ask for a kind of product, and not for something to go with one ("insoles for boots")."""
        led = start > 0 and words[start - 1] in _BEFORE_NEEDS
        return not led and canonical(" ".join(words[start:end]), self._graph.language) in self._types

    def _read_similar(self, words: list[str], found: dict[int, tuple[float, str, str]]) -> None:
        """Add needs that share most of the weight of the words that are left."""
        left = {lemma(word, self._graph.language): word for word in words if word not in FUNCTION_WORDS}
        having = {word: nodes for word in left if len(nodes := self._words.intents(word))}
        if not having:
            return
        rarities = np.array([rarity(len(nodes), len(self._intents)) for nodes in having.values()])
        candidates, place = np.unique(np.concatenate([*having.values()]), return_inverse=True)
        weight = np.bincount(place, weights=np.repeat(rarities, [len(nodes) for nodes in having.values()]))
        overlaps = weight / np.maximum(self._weights[candidates - self._intents.start], rarities.sum())
        close = np.flatnonzero(overlaps >= self._config.least_overlap)
        for node, overlap in zip(candidates[close].tolist(), overlaps[close].tolist(), strict=True):
            if node not in found and self._relation(node) is not Relation.USED_WITH:
                shared = having.keys() & self._graph.key(node)[0].split()
                wording = " ".join(left[word] for word in left if word in shared)
                found[node] = (overlap * overlap * self._strength(node), wording, "similar")

    def _strength(self, node: int) -> float:
        """How sure the graph is of anything about this need: its most plausible edge."""
        return float(self._plausibility[self._heard(self._graph.edges_to(node)[:1000])].max(initial=0.0))

    def _heard(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Without the edges that people rejected."""
        rejected = self._rejected.rows
        return np.array([row for row in rows.tolist() if row not in rejected], np.int64) if rejected else rows

    def _main_relation(self, node: int) -> Relation:
        """The relation in which most of the support speaks of this need."""
        rows = self._graph.edges_to(node)[:200]
        codes = self._relations[rows]
        support = np.bincount(codes, weights=self._support[rows])
        return Relation(max((support[code], self._relation_names[code]) for code in codes.tolist())[1])


def _types(graph: KnowledgeGraph) -> list[str]:
    types = graph.nodes.filter(pc.equal(graph.nodes["kind"], HeadKind.TYPE.value))
    names: list[str] = pc.list_element(types["key"], 0).to_pylist()
    return names
