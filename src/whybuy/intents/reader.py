"""Find the needs of a query: known queries first, then wordings inside it, then wordings that share most words."""

import math
from collections import defaultdict
from dataclasses import dataclass

from whybuy.graph import KnowledgeGraph
from whybuy.graph.files import INTENT
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
    least_overlap: float = 0.6  # share of the rarer-word weight that a similar wording must cover, in (0, 1]


class IntentReader:
    """Reads the needs of queries from one graph; safe for many threads."""

    def __init__(self, graph: KnowledgeGraph, config: IntentConfig | None = None) -> None:
        self._graph = graph
        self._config = config or IntentConfig()
        kinds, keys = graph.nodes["kind"].to_pylist(), graph.nodes["key"]
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        self._words: dict[int, frozenset[str]] = {}
        for node in (node for node, kind in enumerate(kinds) if kind == INTENT):
            words = frozenset(keys[node][0].as_py().split()) - FUNCTION_WORDS
            self._words[node] = words
            for word in words:
                self._by_word[word].append(node)
        names = [keys[node][0].as_py() for node, kind in enumerate(kinds) if kind == HeadKind.TYPE]
        self._types = frozenset(canonical(name, graph.language) for name in names)
        self._types |= {name.split()[-1] for name in self._types if name}
        total = len(self._words) + 1
        self._rarity = {word: math.log(total / len(nodes)) + 1.0 for word, nodes in self._by_word.items()}
        self._unseen = math.log(total) + 1.0

    def read(self, query: str) -> tuple[Intent, ...]:
        """The needs of a query, the surest first; empty when the graph knows none of its words."""
        found: dict[int, tuple[float, str, str]] = {}
        known = self._graph.node(HeadKind.QUERY.value, normalize(query))
        if known is not None:
            for row in self._graph.edges_from(known).tolist():
                found[self._tail(row)] = (self._score(row), query, "query")
        words = tokenize(query)[:LONGEST_QUERY]
        covered = self._read_wordings(words, found)
        self._read_similar([word for at, word in enumerate(words) if at not in covered], found)
        ranked = sorted(found.items(), key=lambda item: (-item[1][0], item[0]))[: self._config.limit]
        return tuple(
            Intent(self._relation(node), self._graph.label(node), round(confidence, 4), words, source)
            for node, (confidence, words, source) in ranked
        )

    def _read_wordings(self, words: list[str], found: dict[int, tuple[float, str, str]]) -> set[int]:
        """Add needs whose wording stands in the query, longest first; returns the places that they cover."""
        covered: set[int] = set()
        for start, end in ngrams(words, self._config.longest):
            if covered & set(range(start, end)) or all(word in FUNCTION_WORDS for word in words[start:end]):
                continue
            wording = " ".join(words[start:end])
            if self._names_product(words, start, end):
                covered |= set(range(start, end))
                continue
            node = self._graph.intent(wording)
            if node is not None and self._is_led(words, start, node):
                covered |= set(range(start, end))
                known, _, source = found.get(node, (0.0, "", "wording"))
                found[node] = (max(known, self._strength(node)), wording, source)
        return covered

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
        candidates = {node for word in left for node in self._by_word.get(word, ())}
        asked = sum(self._rarity.get(word, self._unseen) for word in left if word in self._rarity)
        for node in candidates - found.keys():
            shared = self._words[node] & left.keys()
            weight = sum(self._rarity[word] for word in shared)
            overlap = weight / max(sum(self._rarity[word] for word in self._words[node]), asked)
            if overlap >= self._config.least_overlap and self._relation(node) is not Relation.USED_WITH:
                wording = " ".join(left[word] for word in left if word in shared)
                found[node] = (overlap * overlap * self._strength(node), wording, "similar")

    def _tail(self, row: int) -> int:
        return int(self._graph.edges["tail"][row].as_py())

    def _score(self, row: int) -> float:
        return float(self._graph.edges["plausibility"][row].as_py())

    def _strength(self, node: int) -> float:
        """How sure the graph is of anything about this need: its most plausible edge."""
        rows = self._graph.edges_to(node)[:1000]
        return max(map(self._score, rows.tolist()), default=0.0)

    def _relation(self, node: int) -> Relation:
        """The relation in which most of the support speaks of this need."""
        support: defaultdict[str, int] = defaultdict(int)
        for row in self._graph.edges_to(node)[:200].tolist():
            support[self._graph.edges["relation"][row].as_py()] += self._graph.edges["support"][row].as_py()
        return Relation(max(support, key=lambda name: (support[name], name)))
