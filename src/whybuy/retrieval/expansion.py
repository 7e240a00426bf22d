"""Retrieval by intents: from an intent to the heads that the knowledge graph joins to it, to their products.

The graph is that of COSMO (SIGMOD 2024); the weights of products are our design.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.graph import KnowledgeGraph
from whybuy.graph.files import INTENT
from whybuy.records import HeadKind
from whybuy.retrieval.query import AnalyzedQuery
from whybuy.retrieval.ranked import Ranked, best_of
from whybuy.text import FUNCTION_WORDS, lemma, lemmas, tokenize

FORMAT_VERSION = 1
OTHER_TYPE = 0.1  # factor for products of another type than the query names (tuned on the looked-at demo)
MIN_WEIGHT = 0.02
_NOTHING = Ranked.empty()


@dataclass(frozen=True, slots=True)
class _Rows:
    """Products under the heads of a graph."""

    by_type: dict[str, list[int]]
    by_trait: dict[tuple[str, str, str], list[int]]
    by_id: dict[str, int]


def build_expansion(graph: KnowledgeGraph, products: pa.Table, folder: Path) -> int:
    """Write, for each intent, the products that answer it with their weights in (0, 1]; returns how many entries.

    weight(intent, product) ~ typicality of its type x (1 + the log lifts of the traits and the product itself), scaled
    to a maximum of 1 by intent. Our design: lifts within a type multiply as in naive Bayes.
    """
    rows = _rows(products)
    intents = [node for node, kind in enumerate(graph.nodes["kind"].to_pylist()) if kind == INTENT]
    edges = _Edges(graph)
    starts, columns, weights = np.zeros(graph.nodes.num_rows + 1, np.int64), [], []
    for node in intents:
        weight_of = _weigh(edges.to(node), rows)
        starts[node + 1] = len(weight_of)
        answering, weighing = _columns(weight_of)
        columns.append(answering)
        weights.append(weighing)
    np.save(folder / "starts.npy", np.cumsum(starts))
    np.save(folder / "rows.npy", np.concatenate(columns) if columns else np.empty(0, np.int32))
    np.save(folder / "weights.npy", np.concatenate(weights) if weights else np.empty(0, np.float32))
    return int(starts.sum())


class _Edges:
    """Edges by tail, in plain columns."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        self._graph = graph
        self._head = graph.edges["head"].to_numpy()
        self._scores = [graph.edges[name].to_numpy() for name in ("plausibility", "typicality", "lift")]
        self._kinds, self._keys = graph.nodes["kind"].to_pylist(), graph.nodes["key"].to_pylist()

    def to(
        self, node: int, without: Set[int] = frozenset()
    ) -> Iterable[tuple[str, tuple[str, ...], float, float, float]]:
        """Kind and key of each head, plausibility, typicality, lift. without: edge rows to leave out."""
        for row in self._graph.edges_to(node).tolist():
            if row in without:
                continue
            head = self._head[row]
            plausible, typical, lift = (float(score[row]) for score in self._scores)
            yield self._kinds[head], tuple(self._keys[head]), plausible, typical, lift


def _weigh(edges: Iterable[tuple[str, tuple[str, ...], float, float, float]], rows: _Rows) -> dict[int, float]:
    base: defaultdict[int, float] = defaultdict(float)
    boost: defaultdict[int, float] = defaultdict(float)
    for kind, key, plausible, typical, lift in edges:
        gain = plausible * np.log(max(lift, 1.0))
        if kind == HeadKind.TYPE:
            for row in rows.by_type.get(key[0], ()):
                base[row] = max(base[row], plausible * typical)
        elif kind == HeadKind.TYPE_ATTRIBUTE:
            for row in rows.by_trait.get((key[0], key[1], key[2]), ()):
                boost[row] += gain
                base[row] = max(base[row], 0.5 * plausible * typical)
        elif kind == HeadKind.PRODUCT and key[0] in rows.by_id:
            row = rows.by_id[key[0]]
            boost[row] += gain
            base[row] = max(base[row], 0.5 * plausible * typical)
    scores = {row: value * (1.0 + boost[row]) for row, value in base.items()}
    top = max(scores.values(), default=1.0)
    return {row: score / top for row, score in sorted(scores.items()) if score >= MIN_WEIGHT * top}


def _columns(weight_of: Mapping[int, float]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Rows and weights."""
    rows = np.fromiter(weight_of, dtype=np.int32, count=len(weight_of))
    return rows, np.fromiter(weight_of.values(), dtype=np.float32, count=len(weight_of))


def _rows(products: pa.Table, kinds: Set[str] | None = None) -> _Rows:
    """kinds: types to look at; None looks at all."""
    by_type, by_trait = defaultdict(list), defaultdict(list)
    columns = (products[name].to_pylist() for name in ("product_type", "title", "attributes"))
    for row, (kind, title, attributes) in enumerate(zip(*columns, strict=True)):
        if kind and (kinds is None or kind in kinds):
            by_type[kind].append(row)
            for entry in attributes:
                by_trait[kind, entry["name"], entry["value"]].append(row)
            for word in set(lemmas(title)):
                by_trait[kind, "title", word].append(row)
    return _Rows(
        by_type, by_trait, {product_id: row for row, product_id in enumerate(products["product_id"].to_pylist())}
    )


class ExpansionIndex:
    """Ranks products by the intents of a query; memory-mapped, safe for many threads."""

    def __init__(self, folder: Path, graph: KnowledgeGraph, types: Sequence[str]) -> None:
        """Map an index of `build_expansion`. types: the product type by row of the catalog."""
        self._graph = graph
        self._corrected: dict[int, tuple[NDArray[np.int32], NDArray[np.float32]]] = {}
        self._starts, self._rows, self._weights = (
            np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("starts", "rows", "weights")
        )
        names = sorted(set(types))
        number = {name: index for index, name in enumerate(names)}
        self._type_of_row = np.array([number[name] for name in types], dtype=np.int32)
        self._types_by_word: defaultdict[str, set[int]] = defaultdict(set)
        for name, index in number.items():
            for word in lemmas(name):
                self._types_by_word[word].add(index)
        self._type_count = len(names)

    def rank(self, query: AnalyzedQuery, depth: int) -> Ranked:
        """Products that answer the intents of a query, best first; those of another type than it names come later.

        Scores: sum over the intents of confidence times weight, in (0, number of intents].
        """
        if not query.intents:
            return _NOTHING
        scores = np.zeros(len(self._type_of_row), dtype=np.float32)
        for intent in query.intents:
            node = self._graph.intent(intent.tail)
            if node is not None:
                rows, weights = self.products_of(node)
                scores[rows] += intent.confidence * weights
        named = self._named_types(query)
        if named.any():
            scores *= np.where(named[self._type_of_row], 1.0, OTHER_TYPE).astype(np.float32)
        return best_of(scores, depth)

    def rows(self, query: AnalyzedQuery) -> NDArray[np.int32]:
        """All products that answer the intents of a query."""
        return self.rank(query, len(self._type_of_row)).rows

    def leave_out(self, edges: Set[int], products: pa.Table) -> None:
        """Weigh the products of the intents that these edges lead to anew, as if the graph did not have the edges.

        edges: rows, all that are to be left out. products: PRODUCT_SCHEMA, of the catalog that was indexed.
        """
        if not edges:
            self._corrected = {}
            return
        nodes = set(self._graph.edges["tail"].take(pa.array(sorted(edges), pa.int64())).to_pylist())
        known = _Edges(self._graph)
        kinds = {key[0] for node in nodes for kind, key, *_ in known.to(node) if kind.startswith(HeadKind.TYPE.value)}
        rows = _rows(products, kinds)
        self._corrected = {node: _columns(_weigh(known.to(node, edges), rows)) for node in nodes}

    def products_of(self, node: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The products that answer an intent node. Returns: rows ascending, and their weights in (0, 1]."""
        if node in self._corrected:
            return self._corrected[node]
        span = slice(int(self._starts[node]), int(self._starts[node + 1]))
        return self._rows[span], self._weights[span]

    def _named_types(self, query: AnalyzedQuery) -> NDArray[np.bool_]:
        """Which types most words of the query outside its intents name: "baby monitor", not all that is for babies.

        Returns: shape (types,), none where no type is named.
        """
        intended = {
            lemma(word) for intent in query.intents for word in tokenize(intent.words) if intent.words != query.text
        }
        intended |= {lemma(word) for intent in query.intents for word in tokenize(intent.tail)}
        content = {base for token, base in zip(query.tokens, query.lemmas, strict=False) if token not in FUNCTION_WORDS}
        words = np.zeros(self._type_count, dtype=np.int32)
        for word in content - intended:
            words[list(self._types_by_word.get(word, ()))] += 1
        named: NDArray[np.bool_] = (words > 0) & (words == words.max(initial=0))
        return named
