"""Look-up in a built graph: by head, by tail, by wording; memory-mapped, safe for many threads and processes."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.artifacts import read_manifest
from whybuy.graph.evidence import Sources
from whybuy.graph.files import FORMAT_VERSION, INTENT, KIND, join_key, map_array, map_table, name_hash
from whybuy.graph.node_merging import NodeMerger
from whybuy.graph.words import IntentWords
from whybuy.records import Edge, Head, HeadKind, Neighborhood, Node, Source, Triple
from whybuy.relations import Relation

_KINDS_BY_LABEL = (HeadKind.TYPE.value, INTENT, HeadKind.QUERY.value, HeadKind.PRODUCT.value)
_TYPE_KINDS = pa.array([HeadKind.TYPE.value, HeadKind.TYPE_ATTRIBUTE.value])


class KnowledgeGraph:
    """Why people buy, as triples with their scores and sources."""

    def __init__(self, folder: Path) -> None:
        """Map the graph of an artifact folder; nothing is read before its first use.

        Raises:
            ArtifactError: the folder is no whole graph of this format.
        """
        read_manifest(folder, KIND, FORMAT_VERSION)
        self.merger = NodeMerger.load(folder)
        self._hashes, self._hash_nodes = map_array(folder, "key_hash"), map_array(folder, "key_node")
        self._head_starts, self._tail_starts = map_array(folder, "head_starts"), map_array(folder, "tail_starts")
        self._tail_edges = map_array(folder, "tail_edges")
        self.nodes: pa.Table = map_table(folder, "nodes").slice(0, len(self._head_starts) - 1)
        self.edges: pa.Table = map_table(folder, "edges").slice(0, len(self._tail_edges))
        self.words = IntentWords(folder)
        self._sources = Sources(folder)
        self._parents, self._children = map_array(folder, "parents"), map_array(folder, "children")
        self._children_order = map_array(folder, "children_order")

    @property
    def language(self) -> str:
        """Of the words that intents are found by."""
        return self.merger.language

    @property
    def intents(self) -> range:
        """The nodes that are intents; all heads come before them."""
        return range(int(np.searchsorted(self._head_starts, len(self.edges))), len(self.nodes))

    def node(self, kind: str, *key: str) -> int | None:
        """The number of a node; None when the graph has none of that kind and key."""
        wanted = np.uint64(name_hash(join_key(kind, key)))
        at = int(np.searchsorted(self._hashes, wanted))
        number = int(self._hash_nodes[at]) if at < len(self._hashes) and self._hashes[at] == wanted else len(self.nodes)
        return number if number < len(self.nodes) else None

    def intent(self, words: str) -> int | None:
        """The intent node that these words name, in any inflection; None when there is none."""
        return self.node(INTENT, self.merger.key(words))

    def label(self, node: int) -> str:
        """The label of a node."""
        label: str = self.nodes["label"][node].as_py()
        return label

    def kind(self, node: int) -> str:
        """A `HeadKind` value, or "intent"."""
        kind: str = self.nodes["kind"][node].as_py()
        return kind

    def key(self, node: int) -> tuple[str, ...]:
        """What a node is known by within its kind: of a product its id, of a pair both ids."""
        return tuple(self.nodes["key"][node].as_py())

    def edges_from(self, node: int) -> NDArray[np.int64]:
        """Rows of the edges whose head is this node. Shape (n,)."""
        return np.arange(self._head_starts[node], self._head_starts[node + 1])

    def edges_to(self, node: int) -> NDArray[np.int64]:
        """Rows of the edges whose tail is this node. Shape (n,)."""
        rows: NDArray[np.int64] = np.asarray(self._tail_edges[self._tail_starts[node] : self._tail_starts[node + 1]])
        return rows

    def children(self, node: int) -> NDArray[np.int32]:
        """The intents that are kinds of this one, those with the most heads in common first. Shape (n,)."""
        start, end = np.searchsorted(self._parents, [node, node + 1])
        children: NDArray[np.int32] = self._children[start:end]
        return children

    def parents(self, node: int) -> NDArray[np.int32]:
        """The intents that this one is a kind of. Shape (n,)."""
        start, end = np.searchsorted(self._children, [node, node + 1], sorter=self._children_order)
        parents: NDArray[np.int32] = self._parents[self._children_order[start:end]]
        return parents

    def triples(self, rows: Iterable[int]) -> Iterator[Triple]:
        """The triples of these edge rows, with their sources."""
        wanted = np.fromiter(rows, np.int64)
        edges = self.edges.take(pa.array(wanted))
        heads = self.nodes.take(edges["head"]).to_pylist()
        for edge, head, sources in zip(edges.to_pylist(), heads, self.sources(wanted), strict=True):
            yield Triple(
                head=Head(HeadKind(head["kind"]), tuple(head["key"])),
                relation=Relation(edge["relation"]),
                tail=self.label(edge["tail"]),
                plausibility=edge["plausibility"],
                typicality=edge["typicality"],
                support=edge["support"],
                sources=sources,
            )

    def sources(self, rows: NDArray[np.int64]) -> Iterator[tuple[Source, ...]]:
        """What each of these edge rows comes from."""
        return self._sources.of(rows)

    def search(self, label: str) -> int | None:
        """The node that a person means: a type, an intent, a query or a product, in this order, else by its label."""
        for kind in _KINDS_BY_LABEL:
            node = self.intent(label) if kind == INTENT else self.node(kind, label.strip())
            if node is None and kind in (HeadKind.TYPE, HeadKind.QUERY):
                node = self.node(kind, label.strip().lower())
            if node is not None:
                return node
        labeled: int = pc.index(self.nodes["label"], label.strip()).as_py()
        return labeled if labeled >= 0 else None

    def neighborhood(self, label: str, *, limit: int = 60) -> Neighborhood:
        """The strongest edges around the node of a label; empty when no node has it."""
        center = self.search(label)
        if center is None:
            return Neighborhood(label, (), ())
        rows = np.concatenate([self.edges_from(center), self.edges_to(center)])
        chosen = self.edges.take(pa.array(rows[self._strongest(rows)][:limit], pa.int64())).to_pylist()
        numbers = dict.fromkeys([center, *(edge[end] for edge in chosen for end in ("head", "tail"))])
        nodes = tuple(Node(str(number), self.label(number), self.kind(number)) for number in numbers)
        edges = tuple(
            Edge(
                str(edge["head"]),
                str(edge["tail"]),
                Relation(edge["relation"]),
                edge["plausibility"],
                edge["typicality"],
                edge["support"],
            )
            for edge in chosen
        )
        broader, narrower = (
            tuple(self.label(other) for other in others[:limit].tolist())
            for others in (self.parents(center), self.children(center))
        )
        return Neighborhood(self.label(center), nodes, edges, broader, narrower)

    def _strongest(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Order of edge rows by plausibility times typicality, then support; types before products and queries."""
        taken = self.edges.select(["head", "plausibility", "typicality", "support"]).take(pa.array(rows, pa.int64()))
        kinds = self.nodes["kind"].take(taken["head"])
        general = pc.is_in(kinds, value_set=_TYPE_KINDS).to_numpy()
        score = taken["plausibility"].to_numpy() * taken["typicality"].to_numpy()
        return np.lexsort((-taken["support"].to_numpy(), -score, ~general))
