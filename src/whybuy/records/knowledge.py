"""Proposed reasons (hypotheses) and accepted ones (triples of the graph)."""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from whybuy.records.bulk import BulkTable
from whybuy.relations import Relation


class HeadKind(StrEnum):
    """What the head of a triple is; the comments show its key."""

    QUERY = "query"  # key: (text,)
    PRODUCT = "product"  # key: (product_id,)
    PAIR = "pair"  # key: (product_id, product_id), smaller first
    TYPE = "type"  # key: (product_type,)
    TYPE_ATTRIBUTE = "type_attribute"  # key: (product_type, attribute name, value)


TITLE_WORD = "title"
"""The name of a `TYPE_ATTRIBUTE` whose value is a word of the product's title."""


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """The subject of a triple: a query, a product, a pair of products, or a product type, maybe with an attribute."""

    kind: HeadKind
    key: tuple[str, ...]

    def __str__(self) -> str:
        """Readable and unambiguous within its kind: `slip-on shoe [sole: slip-resistant]`, `slip-on shoe "harbor"`."""
        if self.kind is HeadKind.TYPE_ATTRIBUTE:
            product_type, name, value = self.key
            return f'{product_type} "{value}"' if name == TITLE_WORD else f"{product_type} [{name}: {value}]"
        return " + ".join(self.key)


class Proposer(StrEnum):
    """Who proposes reasons, and which version of its method: the values of `generator` in hypotheses and sources."""

    EVIDENCE = "evidence.v1"  # queries and what was bought for them
    ASKED = "asked.v1"  # words that queries ask of types and their products need not say
    DESCRIPTIONS = "descriptions.v1"  # titles and descriptions
    CO_BUY = "co_buy.v1"  # types that are bought together
    SYNONYMS = "names.v1"  # other names of types; the value stays as stored graphs have it
    PROMPTED = "prompted.v1"  # a language model, whose name follows behind a slash


STATISTICS, CRITIC, READER = "statistics", "critic", "reader"
"""Who scored a reason. A reader is a person who rejected an edge on the graph page; that overrules other scores."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A proposed reason with its evidence and scores; a triple of the graph once it passes filters and critic."""

    head: Head
    relation: Relation
    tail: str  # as worded in the source
    generator: str  # a `Proposer`; of a language model followed by "/" and its name
    support: int  # purchases, or descriptions, that show it
    lift: float  # shrunken ratio to the background, 1 when nothing is known
    plausibility: float  # from evidence statistics until judged, in [0, 1]
    typicality: float  # likewise
    evidence: tuple[str, ...]  # pair ids or product ids, a bounded sample
    words: tuple[str, ...]  # the texts that it came from, a bounded sample
    scored_by: str = STATISTICS


HYPOTHESIS_SCHEMA = pa.schema(
    [
        pa.field("head_kind", pa.string(), nullable=False),
        pa.field("head_key", pa.list_(pa.string()), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("tail", pa.string(), nullable=False),
        pa.field("generator", pa.string(), nullable=False),
        pa.field("support", pa.int64(), nullable=False),
        pa.field("lift", pa.float64(), nullable=False),
        pa.field("plausibility", pa.float64(), nullable=False),
        pa.field("typicality", pa.float64(), nullable=False),
        pa.field("evidence", pa.list_(pa.string()), nullable=False),
        pa.field("words", pa.list_(pa.string()), nullable=False),
        pa.field("scored_by", pa.string(), nullable=False),
    ]
)
HYPOTHESES = BulkTable("hypotheses", "hypotheses.parquet", HYPOTHESIS_SCHEMA)


@dataclass(frozen=True, slots=True)
class Source:
    """Where an edge comes from, kept per edge so that evidence can be taken away again."""

    generator: str
    support: int
    evidence: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Triple:
    """One edge of the knowledge graph."""

    head: Head
    relation: Relation
    tail: str  # the most frequent wording of its canonical node
    plausibility: float  # in [0, 1]
    typicality: float  # in [0, 1]
    support: int
    sources: tuple[Source, ...] = ()
