"""Intents of a query, and the reasons that answer them."""

from dataclasses import dataclass

from whybuy.relations import Relation


@dataclass(frozen=True, slots=True)
class Intent:
    """Why a shopper searches (of a query) or buys (of a product): a relation and its tail."""

    relation: Relation
    tail: str
    confidence: float  # in [0, 1]
    words: str = ""  # the part of the query that names it; of a product, the text that its reason is about
    source: str = "graph"  # where it comes from: "graph", "similar" (the graph, of words much like these) or "student"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a product answers a query: one triple of the graph, with its confidence and evidence."""

    head: str
    relation: Relation
    tail: str
    confidence: float  # in [0, 1]
    evidence: tuple[str, ...] = ()  # "37 searches led to it", "said in 4 descriptions", the words it came from


@dataclass(frozen=True, slots=True)
class QueryIntents:
    """The intents understood in a query; as JSON it is the body of `/v1/intents`."""

    query: str
    intents: tuple[Intent, ...]
