"""Edges of a built graph that people rejected since, which look-ups leave out."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from whybuy.graph.knowledge_graph import KnowledgeGraph
from whybuy.records import Head
from whybuy.relations import Relation

Ends = tuple[int, str, int]
"""Head node, relation, tail node."""


class RejectedEdges:
    """The rejected edges of one graph; they change in one step, so readers in other threads need no lock."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        self._graph = graph
        self.rows: Mapping[int, Ends] = {}

    def replace(self, edges: Iterable[tuple[Head, Relation, str]]) -> bool:
        """Leave out these edges and no others; what the graph does not have is passed over. Returns: if it changed."""
        rows = {row: ends for edge in edges for row, ends in self.find(*edge).items()}
        changed = rows != self.rows
        self.rows = rows
        return changed

    def find(self, head: Head, relation: Relation, tail: str) -> dict[int, Ends]:
        """The row of an edge with its ends; empty when the graph does not have it. tail: in any inflection."""
        start, end = self._graph.node(head.kind.value, *head.key), self._graph.intent(tail)
        if start is None or end is None:
            return {}
        rows = self._graph.edges_from(start)
        edges = self._graph.edges.select(["relation", "tail"]).take(pa.array(rows, pa.int64())).to_pylist()
        wanted = {"relation": relation.value, "tail": end}
        return {
            row: (start, relation.value, end) for row, edge in zip(rows.tolist(), edges, strict=True) if edge == wanted
        }
