"""The part of the graph that a page draws around one node."""

from dataclasses import dataclass

from whybuy.relations import Relation


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a neighborhood that a page draws."""

    id: str
    label: str
    kind: str  # a `HeadKind` value, or "intent"
    key: str = ""  # of a product: its id
    head: tuple[str, ...] = ()  # what names it as the head of an edge, within its kind; empty for an intent


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of a neighborhood that a page draws."""

    source: str
    target: str
    relation: Relation
    plausibility: float
    typicality: float
    support: int


@dataclass(frozen=True, slots=True)
class Neighborhood:
    """The part of the graph around one node."""

    center: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    broader: tuple[str, ...] = ()  # more general intents than the one in the center
    narrower: tuple[str, ...] = ()  # and those that are kinds of it, the surest first
