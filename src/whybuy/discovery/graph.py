"""Looking around in the knowledge graph of a shop, and hiding edges of it."""

from collections.abc import Iterable
from dataclasses import replace

from whybuy.discovery.products import ProductLookup
from whybuy.graph.files import INTENT
from whybuy.records import Edge, Head, HeadKind, Neighborhood, Node
from whybuy.relations import Relation
from whybuy.shop import Shop


class GraphView:
    """The graph without its rejected edges; safe for many threads."""

    def __init__(self, shop: Shop, products: ProductLookup) -> None:
        self._products = products
        self._graph, self._rejected = shop.graph, shop.rejected
        self._expansion, self._catalog = shop.expansion, shop.catalog

    def neighborhood(self, label: str, limit: int) -> Neighborhood:
        """The edges around a node; products are shown by their titles. Empty when no node has this label."""
        around = self._graph.neighborhood(label, limit=limit)
        nodes = {node.id: self._titled(node) for node in around.nodes}
        if not nodes:
            return around
        edges = tuple(edge for edge in around.edges if not self._is_rejected(edge))
        center = next(iter(nodes))
        touched = {center, *(end for edge in edges for end in (edge.source, edge.target))}
        shown = tuple(node for number, node in nodes.items() if number in touched)
        return replace(around, center=nodes[center].label, nodes=shown, edges=edges)

    def hide(self, edges: Iterable[tuple[Head, Relation, str]]) -> None:
        """Leave out these edges and no others, in reasons, intents, neighborhoods and the products found."""
        if self._rejected.replace(edges):
            self._expansion.leave_out(self._rejected.rows.keys(), self._catalog.table)

    def has_edge(self, head: Head, relation: Relation, tail: str) -> bool:
        """Whether the graph has an edge, hidden or not."""
        return bool(self._rejected.find(head, relation, tail))

    def _titled(self, node: Node) -> Node:
        """With what names it as a head, and products by their titles instead of their ids."""
        if node.kind == INTENT:
            return node
        ids = self._graph.key(int(node.id))
        node = replace(node, head=ids)
        if node.kind not in (HeadKind.PRODUCT, HeadKind.PAIR):
            return node
        titles = [self._products.product(each).title if each in self._products else each for each in ids]
        return replace(node, label=" + ".join(titles), key=ids[0] if node.kind == HeadKind.PRODUCT else "")

    def _is_rejected(self, edge: Edge) -> bool:
        """edge: of a neighborhood."""
        return (int(edge.source), edge.relation.value, int(edge.target)) in self._rejected.rows.values()
