"""Look-up in a built graph: by head, by tail, by wording; memory-mapped, safe for many threads and processes."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.artifacts import read_manifest
from whybuy.graph.files import FORMAT_VERSION, INTENT, KIND, key_hash, map_array, map_table
from whybuy.records import Edge, Head, HeadKind, Neighborhood, Node, Source, Triple
from whybuy.relations import Relation
from whybuy.text import canonical

_KINDS_BY_LABEL = (HeadKind.TYPE.value, INTENT, HeadKind.QUERY.value, HeadKind.PRODUCT.value)


class KnowledgeGraph:
    """Why people buy, as triples with their scores and sources."""

    def __init__(self, folder: Path, *, language: str = "en") -> None:
        """Map the graph of an artifact folder.

        Raises:
            ArtifactError: the folder is no whole graph of this format.
        """
        read_manifest(folder, KIND, FORMAT_VERSION)
        self.language = language
        self.nodes: pa.Table = map_table(folder, "nodes")
        self.edges: pa.Table = map_table(folder, "edges")
        self._hashes, self._hash_nodes = map_array(folder, "key_hash"), map_array(folder, "key_node")
        self._head_starts, self._tail_starts = map_array(folder, "head_starts"), map_array(folder, "tail_starts")
        self._tail_edges = map_array(folder, "tail_edges")

    def node(self, kind: str, *key: str) -> int | None:
        """The number of a node; None when the graph has none of that kind and key."""
        wanted = np.uint64(key_hash(kind, key))
        at = int(np.searchsorted(self._hashes, wanted))
        return int(self._hash_nodes[at]) if at < len(self._hashes) and self._hashes[at] == wanted else None

    def intent(self, words: str) -> int | None:
        """The intent node that these words name, in any inflection; None when there is none."""
        return self.node(INTENT, canonical(words, self.language))

    def label(self, node: int) -> str:
        """How a node is called."""
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

    def triples(self, rows: Iterable[int]) -> Iterator[Triple]:
        """The triples of these edge rows, with their sources."""
        edges = self.edges.take(pa.array(rows, pa.int64()))
        heads = self.nodes.take(edges["head"]).to_pylist()
        for edge, head in zip(edges.to_pylist(), heads, strict=True):
            yield Triple(
                head=Head(HeadKind(head["kind"]), tuple(head["key"])),
                relation=Relation(edge["relation"]),
                tail=self.label(edge["tail"]),
                plausibility=edge["plausibility"],
                typicality=edge["typicality"],
                support=edge["support"],
                sources=tuple(
                    Source(one["generator"], one["support"], tuple(one["evidence"]), tuple(one["words"]))
                    for one in edge["sources"]
                ),
            )

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
        return Neighborhood(self.label(center), nodes, edges)

    def _strongest(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Order of edge rows by plausibility times typicality, then support; types before products and queries."""
        taken = self.edges.select(["head", "plausibility", "typicality", "support"]).take(pa.array(rows, pa.int64()))
        general = np.array([self.kind(head).startswith("type") for head in taken["head"].to_pylist()], dtype=bool)
        score = taken["plausibility"].to_numpy() * taken["typicality"].to_numpy()
        return np.lexsort((-taken["support"].to_numpy(), -score, ~general))
