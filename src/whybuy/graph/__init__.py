"""The knowledge graph: canonical nodes, edges with their sources, look-up; read-only once built."""

from whybuy.graph.assembly import GraphConfig, assemble
from whybuy.graph.knowledge_graph import KnowledgeGraph

__all__ = ["GraphConfig", "KnowledgeGraph", "assemble"]
