"""Reads the reasons to buy a product from the graph: of the product, its type, and its type with an attribute of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.graph import KnowledgeGraph, RejectedEdges
from whybuy.records import TITLE_WORD, HeadKind, Intent, Product, Proposer, Reason, Source, Triple
from whybuy.text import lemmas

_UNITS: dict[str, tuple[str, str]] = {
    Proposer.EVIDENCE: ("search led to it", "searches led to it"),
    Proposer.ASKED: ("search led to it", "searches led to it"),
    Proposer.DESCRIPTIONS: ("description says so", "descriptions say so"),
    Proposer.CO_BUY: ("session with both", "sessions with both"),
    Proposer.PROMPTED: ("answer of a language model", "answers of a language model"),
    Proposer.SYNONYMS: ("search by that name", "searches by that name"),
}
_WORDED: dict[str, str] = {
    Proposer.EVIDENCE: "asked as {}",
    Proposer.ASKED: "asked as {}",
    Proposer.DESCRIPTIONS: "in the words {}",
    Proposer.CO_BUY: "",
    Proposer.SYNONYMS: "asked as {}",
}
WORDINGS_SHOWN = 3

_Named = tuple[str, tuple[str, ...]]  # kind and key of a node


class ReasonReader:
    """Reads reasons from one graph; safe for many threads."""

    def __init__(self, graph: KnowledgeGraph, rejected: RejectedEdges | None = None) -> None:
        """rejected: edges of this graph that are left out; looked up anew for each answer."""
        self._graph = graph
        self._rejected = rejected or RejectedEdges(graph)
        self._head, self._tail = (graph.edges[name].to_numpy() for name in ("head", "tail"))
        self._relation = graph.edges["relation"].chunk(0).indices.to_numpy()
        self._measures = [graph.edges[name].to_numpy() for name in ("plausibility", "typicality", "support")]
        self._heads = lru_cache(maxsize=20_000)(_heads_of)
        self._by_head = lru_cache(maxsize=2_000)(self._edges_by_head)
        self._reason = lru_cache(maxsize=50_000)(self._read)

    def of(self, product: Product, *, limit: int) -> tuple[Reason, ...]:
        """At most `limit` reasons to buy a product, by falling `confidence`."""
        heads = [(self._graph.node(kind, *key), specific) for (kind, key), specific in self._heads(product).items()]
        nodes = [(node, specific) for node, specific in heads if node is not None]
        edges = [(specific, edge) for node, specific in nodes for edge in self._graph.edges_from(node).tolist()]
        return self._worded(product, self._best_edges(edges)[:limit])

    def joining(self, product: Product, intents: Sequence[Intent], *, limit: int) -> tuple[Reason, ...]:
        """The reasons to buy a product that are intents of a query, in the order of the intents."""
        heads, ranked = self._heads(product), []
        for intent in intents:
            node = self._graph.intent(intent.tail)
            edges = self._by_head(node) if node is not None else {}
            shared = heads.keys() & edges.keys()
            ranked += self._best_edges([(heads[head], edge) for head in shared for edge in edges[head]])
        return self._worded(product, ranked[:limit])

    def _edges_by_head(self, tail: int) -> Mapping[_Named, Sequence[int]]:
        edges: defaultdict[_Named, list[int]] = defaultdict(list)
        rows = self._graph.edges_to(tail)
        heads = self._graph.nodes.take(pa.array(self._head[rows])).to_pylist()
        for head, row in zip(heads, rows.tolist(), strict=True):
            edges[head["kind"], tuple(head["key"])].append(row)
        return edges

    def _best_edges(self, edges: Sequence[tuple[bool, int]]) -> list[int]:
        """One edge for each relation and tail, by falling confidence.

        edges: each with whether its head is more specific than the type. Of one relation and tail, edges of specific
        heads come before others, then confidence decides.
        """
        rows = np.array([edge for _, edge in edges], np.int64)
        keys = zip(self._relation[rows].tolist(), self._tail[rows].tolist(), strict=True)
        best: dict[tuple[int, int], tuple[bool, float, int]] = {}
        rejected = self._rejected.rows
        for (specific, edge), key, confidence in zip(edges, keys, self._confidence(rows).tolist(), strict=True):
            if edge in rejected:
                continue
            rank = (specific, confidence, -edge)
            best[key] = max(best.get(key, rank), rank)
        return [-edge for _, _, edge in sorted(best.values(), key=lambda rank: rank[1:], reverse=True)]

    def _confidence(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return confidence(*(measure[rows] for measure in self._measures))

    def _worded(self, product: Product, edges: Iterable[int]) -> tuple[Reason, ...]:
        reasons = (self._reason(edge) for edge in edges)
        return tuple(
            replace(reason, head=product.title) if reason.head == product.product_id else reason for reason in reasons
        )

    def _read(self, edge: int) -> Reason:
        triple = next(iter(self._graph.triples([edge])))
        score = round(float(self._confidence(np.array([edge]))[0]), 4)
        return Reason(str(triple.head), triple.relation, triple.tail, score, evidence(triple))


def _heads_of(product: Product) -> Mapping[_Named, bool]:
    """The heads that edges about a product may have, and whether each is more specific than the type."""
    kind = product.product_type
    traits = [(kind, name, value) for name, value in product.attributes]
    title = [(kind, TITLE_WORD, word) for word in lemmas(product.title)]
    return {
        **{(HeadKind.TYPE_ATTRIBUTE.value, key): False for key in title},
        (HeadKind.TYPE.value, (kind,)): False,
        (HeadKind.PRODUCT.value, (product.product_id,)): True,
        **{(HeadKind.TYPE_ATTRIBUTE.value, key): True for key in traits},
    }


def confidence(
    plausibility: NDArray[np.floating], typicality: NDArray[np.floating], support: NDArray[np.integer]
) -> NDArray[np.float64]:
    """The confidence of edges from the statistics behind them, in [0, 1); no calibrated probability.

    sqrt(plausibility x typicality) x support / (support + 1): the geometric mean of both scores, shrunk as in the rule
    of succession, so that what was seen twice never looks like what was seen fifty times, and nothing looks certain.

    All shapes (edges,); plausibility and typicality in [0, 1].
    """
    scores: NDArray[np.float64] = np.sqrt(plausibility.astype(np.float64) * typicality) * support / (support + 1)
    return scores


def evidence(triple: Triple) -> tuple[str, ...]:
    """The evidence of a triple in words: how often each source saw it, and in which wordings."""
    return tuple(dict.fromkeys(line for source in triple.sources for line in _lines(source)))


def _lines(source: Source) -> Iterable[str]:
    name = source.generator.partition("/")[0]  # behind it, the language model's
    one, several = _UNITS.get(name, (name, name))
    yield f"{source.support:,} {one if source.support == 1 else several}"
    pattern = _WORDED.get(name, "{}")
    if pattern and source.words:
        yield pattern.format(", ".join(f"“{words}”" for words in source.words[:WORDINGS_SHOWN]))
