"""The knowledge graph: canonical nodes, edges with their sources, look-up; read-only once built."""

from whybuy.graph.assembly import assemble
from whybuy.graph.knowledge_graph import KnowledgeGraph
from whybuy.graph.node_merging import NodeMerger
from whybuy.graph.rejected import RejectedEdges
from whybuy.graph.writing import GraphConfig

__all__ = ["GraphConfig", "KnowledgeGraph", "NodeMerger", "RejectedEdges", "assemble"]
