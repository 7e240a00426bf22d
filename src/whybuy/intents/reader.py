"""Reads the intents of a query from the knowledge graph (our design).

An intent is read in three cases: the query is a node of the graph with edges of its own; words of the query are a
wording of an intent ("for pregnant women"); or the other words share most of the weight of a wording ("similar").
"""

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
_CONNECTING = frozenset(("for", "with", "in", "on", "as", "to"))


@dataclass(frozen=True, slots=True)
class IntentConfig:
    """How freely intents are read into a query (our design)."""

    limit: int = 3  # intents per query
    longest: int = 6  # words of a wording
    also_sensitive: tuple[str, ...] = ()  # words of intents that are shown to nobody who did not say them
    never_sensitive: tuple[str, ...] = ()  # words of the shop's language that are no longer
    least_overlap: float = 0.65  # share of the rarer-word weight that a similar wording must cover, in (0, 1]


class IntentReader:
    """Reads the intents of queries from one graph; safe for many threads."""

    def __init__(self, graph: KnowledgeGraph, config: IntentConfig, rejected: RejectedEdges | None = None) -> None:
        """rejected: edges of this graph that are left out; looked up anew for each query."""
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
        """The intent of highest confidence, None when the graph has none for the query."""
        return next(iter(self.read(query)), None)

    def read(self, query: str) -> tuple[Intent, ...]:
        """At most `IntentConfig.limit` intents of a query, by falling confidence.

        Confidence is the plausibility of the best edge of the intent, for source "similar" times the squared share of
        the wording's weight that the query has.
        """
        matches: dict[int, tuple[float, str, str]] = {}
        known = self._graph.node(HeadKind.QUERY.value, normalize(query))
        if known is not None:
            for row in self._accepted(self._graph.edges_from(known)).tolist():
                matches[int(self._tails[row])] = (float(self._plausibility[row]), query, "graph")
        words = tokenize(query)[:LONGEST_QUERY]
        covered = self._read_wordings(words, matches)
        self._read_similar([word for at, word in enumerate(words) if at not in covered], matches)
        backed = [item for item in matches.items() if item[1][0] > 0.0]
        ranked = sorted(backed, key=lambda item: (-item[1][0], item[0]))[: self._config.limit]
        return tuple(
            Intent(self._relation(node), self._graph.label(node), round(confidence, 4), words, source)
            for node, (confidence, words, source) in ranked
        )

    def _read_wordings(self, words: list[str], matches: dict[int, tuple[float, str, str]]) -> set[int]:
        """Add intents of which a wording stands in the query, longest first. Returns: the places of words covered.

        matches: by intent node: confidence, words of the query, source.
        """
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
                before, _, source = matches.get(node, (0.0, "", "graph"))
                matches[node] = (max(before, self._strength(node)), wording, source)
        return covered

    def _is_known(self, word: str) -> bool:
        return word in self._type_words or len(self._words.intents(word)) > 0

    def _is_led(self, words: list[str], start: int, node: int) -> bool:
        """Whether a wording may be read as its intent: a thing only after a connecting word ("for ge refrigerator")."""
        return self._relation(node) is not Relation.USED_WITH or (start > 0 and words[start - 1] in _CONNECTING)

    def _names_product(self, words: list[str], start: int, end: int) -> bool:
        """Whether the words name the type searched for, and not a thing that it goes with ("insoles for boots")."""
        led = start > 0 and words[start - 1] in _CONNECTING
        return not led and canonical(" ".join(words[start:end]), self._graph.language) in self._types

    def _read_similar(self, words: list[str], matches: dict[int, tuple[float, str, str]]) -> None:
        """Add intents of which a wording shares most of its weight with the words that no wording covers."""
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
            if node not in matches and self._relation(node) is not Relation.USED_WITH:
                shared = having.keys() & self._graph.key(node)[0].split()
                wording = " ".join(left[word] for word in left if word in shared)
                matches[node] = (overlap * overlap * self._strength(node), wording, "similar")

    def _strength(self, node: int) -> float:
        """The plausibility of the best edge of an intent, in [0, 1]; of the first 1,000."""
        return float(self._plausibility[self._accepted(self._graph.edges_to(node)[:1000])].max(initial=0.0))

    def _accepted(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of edges that nobody rejected."""
        rejected = self._rejected.rows
        return np.array([row for row in rows.tolist() if row not in rejected], np.int64) if rejected else rows

    def _main_relation(self, node: int) -> Relation:
        """The relation that has most support among the edges of an intent; of the first 200."""
        rows = self._graph.edges_to(node)[:200]
        codes = self._relations[rows]
        support = np.bincount(codes, weights=self._support[rows])
        return Relation(max((support[code], self._relation_names[code]) for code in codes.tolist())[1])


def _types(graph: KnowledgeGraph) -> list[str]:
    types = graph.nodes.filter(pc.equal(graph.nodes["kind"], HeadKind.TYPE.value))
    names: list[str] = pc.list_element(types["key"], 0).to_pylist()
    return names
