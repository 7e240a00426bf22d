"""A product → the reasons to buy it: what the graph says of it, of its type, and of its type with one of its traits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.graph import KnowledgeGraph, RejectedEdges
from whybuy.records import TITLE_WORD, HeadKind, Intent, Product, Reason, Source, Triple
from whybuy.text import lemmas

_COUNTED = {
    "evidence.v1": ("purchase", "purchases"),
    "descriptions.v1": ("description says so", "descriptions say so"),
    "co_buy.v1": ("session with both", "sessions with both"),
    "prompted.v1": ("answer of a language model", "answers of a language model"),
    "names.v1": ("purchase under that name", "purchases under that name"),
}
_SAID = {"evidence.v1": "asked as {}", "descriptions.v1": "in the words {}", "co_buy.v1": "", "names.v1": "asked as {}"}
WORDINGS_SHOWN = 3

_Named = tuple[str, tuple[str, ...]]  # kind and key of a node


class ReasonReader:
    """Reads reasons from one graph; safe for many threads."""

    def __init__(self, graph: KnowledgeGraph, rejected: RejectedEdges | None = None) -> None:
        """rejected: edges of this graph that give no reason; looked up anew for each answer."""
        self._graph = graph
        self._rejected = rejected or RejectedEdges(graph)
        self._head, self._tail = (graph.edges[name].to_numpy() for name in ("head", "tail"))
        self._relation = graph.edges["relation"].chunk(0).indices.to_numpy()
        self._measures = [graph.edges[name].to_numpy() for name in ("plausibility", "typicality", "support")]
        self._heads = lru_cache(maxsize=20_000)(_heads_of)
        self._by_head = lru_cache(maxsize=2_000)(self._edges_by_head)
        self._reason = lru_cache(maxsize=50_000)(self._read)

    def of(self, product: Product, *, limit: int) -> tuple[Reason, ...]:
        """Why people buy a product, the surest reason first."""
        heads = [(self._graph.node(kind, *key), telling) for (kind, key), telling in self._heads(product).items()]
        nodes = [(node, telling) for node, telling in heads if node is not None]
        found = [(telling, edge) for node, telling in nodes for edge in self._graph.edges_from(node).tolist()]
        return self._worded(product, self._most_telling(found)[:limit])

    def joining(self, product: Product, intents: Sequence[Intent], *, limit: int) -> tuple[Reason, ...]:
        """The reasons that join a product to the needs of a query, those of the surest need first."""
        heads, ranked = self._heads(product), []
        for intent in intents:
            node = self._graph.intent(intent.tail)
            edges = self._by_head(node) if node is not None else {}
            found = [(heads[head], edge) for head in heads.keys() & edges.keys() for edge in edges[head]]
            ranked += self._most_telling(found)
        return self._worded(product, ranked[:limit])

    def _edges_by_head(self, tail: int) -> Mapping[_Named, Sequence[int]]:
        edges: defaultdict[_Named, list[int]] = defaultdict(list)
        rows = self._graph.edges_to(tail)
        heads = self._graph.nodes.take(pa.array(self._head[rows])).to_pylist()
        for head, row in zip(heads, rows.tolist(), strict=True):
            edges[head["kind"], tuple(head["key"])].append(row)
        return edges

    def _most_telling(self, found: Sequence[tuple[bool, int]]) -> list[int]:
        """One edge for each relation and tail: of an attribute or the product before the type, then the surest.

        The surest of all comes first.
        """
        rows = np.array([edge for _, edge in found], np.int64)
        keys = zip(self._relation[rows].tolist(), self._tail[rows].tolist(), strict=True)
        best: dict[tuple[int, int], tuple[bool, float, int]] = {}
        rejected = self._rejected.rows
        for (telling, edge), key, sure in zip(found, keys, self._confidence(rows).tolist(), strict=True):
            if edge in rejected:
                continue
            rank = (telling, sure, -edge)
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
        sure = round(float(self._confidence(np.array([edge]))[0]), 4)
        return Reason(str(triple.head), triple.relation, triple.tail, sure, evidence(triple))


def _heads_of(product: Product) -> Mapping[_Named, bool]:
    """The heads that may speak of a product, and whether each tells more than its type: a product, or an attribute."""
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
    """How sure the statistics behind edges are, in [0, 1): no calibrated probability.

    sqrt(plausibility x typicality) x support / (support + 1): the geometric mean of both scores, shrunk as in the rule
    of succession, so that what was seen twice never looks like what was seen fifty times, and nothing looks certain.

    All shapes (edges,); plausibility and typicality in [0, 1].
    """
    sure: NDArray[np.float64] = np.sqrt(plausibility.astype(np.float64) * typicality) * support / (support + 1)
    return sure


def evidence(triple: Triple) -> tuple[str, ...]:
    """What a triple rests on, in words: how often it was seen, and what was said."""
    return tuple(dict.fromkeys(line for source in triple.sources for line in _lines(source)))


def _lines(source: Source) -> Iterable[str]:
    name = source.generator.partition("/")[0]  # behind it, the language model's
    one, several = _COUNTED.get(name, (name, name))
    yield f"{source.support:,} {one if source.support == 1 else several}"
    said = _SAID.get(name, "{}")
    if said and source.words:
        yield said.format(", ".join(f"“{words}”" for words in source.words[:WORDINGS_SHOWN]))
