"""What passes between parts: frozen records for single things and, beside each bulk one, its Arrow schema."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from whybuy.relations import Relation


# ---------------------------------------------------------------- catalog
@dataclass(frozen=True, slots=True)
class Product:
    """One thing that a shopper can buy."""

    product_id: str
    title: str
    description: str = ""
    brand: str = ""
    product_type: str = ""  # singular, lower case: "slip-on shoe"; from the feed, else inferred
    type_confidence: float = 0.0  # 1 when the feed says the type, else the inference's confidence in [0, 1]
    category: tuple[str, ...] = ()  # names from the root; empty when the shop has no taxonomy
    attributes: tuple[tuple[str, str], ...] = ()  # (name, value), names repeat for several values
    price: float | None = None
    currency: str = ""
    url: str = ""
    image: str = ""
    locale: str = ""


ATTRIBUTE_TYPE = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
PRODUCT_SCHEMA = pa.schema(
    [
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("description", pa.string(), nullable=False),
        pa.field("brand", pa.string(), nullable=False),
        pa.field("product_type", pa.string(), nullable=False),
        pa.field("type_confidence", pa.float32(), nullable=False),
        pa.field("category", pa.list_(pa.string()), nullable=False),
        pa.field("attributes", ATTRIBUTE_TYPE, nullable=False),
        pa.field("price", pa.float64()),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("image", pa.string(), nullable=False),
        pa.field("locale", pa.string(), nullable=False),
    ]
)


# ---------------------------------------------------------------- behavior
class Action(StrEnum):
    """What a shopper did, in the words of OpenSearch User Behavior Insights."""

    IMPRESSION = "impression"
    CLICK = "click"
    ADD_TO_CART = "add_to_cart"
    PURCHASE = "purchase"


@dataclass(frozen=True, slots=True)
class Event:
    """One action of one shopper on one product."""

    timestamp: datetime  # UTC
    action: Action
    product_id: str
    client_id: str = ""  # the shopper's browser or account; sessions are cut within it
    session_id: str = ""  # as the source has it; empty when it has none
    query_id: str = ""  # the query that led to it, when the source knows
    query: str = ""  # its text
    position: int | None = None  # rank on the result page, from 1


EVENT_SCHEMA = pa.schema(
    [
        pa.field("timestamp", pa.timestamp("us"), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("client_id", pa.string(), nullable=False),
        pa.field("session_id", pa.string(), nullable=False),
        pa.field("query_id", pa.string(), nullable=False),
        pa.field("query", pa.string(), nullable=False),
        pa.field("position", pa.int32()),
    ]
)
"""Sources without time (baskets, session lists, judged pairs) give each its own client and count up from 1970."""

QUERY_SCHEMA = pa.schema(
    [
        pa.field("timestamp", pa.timestamp("us"), nullable=False),
        pa.field("query_id", pa.string(), nullable=False),
        pa.field("query", pa.string(), nullable=False),
        pa.field("client_id", pa.string(), nullable=False),
        pa.field("session_id", pa.string(), nullable=False),
        pa.field("hits", pa.list_(pa.string()), nullable=False),  # product ids shown, best first: the impressions
    ]
)


class Behavior(StrEnum):
    """The two kinds of behavior pair (COSMO §1.1 of the fact sheet)."""

    SEARCH_BUY = "search_buy"
    CO_BUY = "co_buy"


@dataclass(frozen=True, slots=True)
class BehaviorPair:
    """Two things that shoppers did together: searched, then bought; or bought two products."""

    kind: Behavior
    left: str  # normalized query text, or the smaller product id
    right: str  # product id
    sessions: int  # distinct sessions that show the pair
    purchases: int
    clicks: int
    impressions: int
    weight: float  # sampling weight, > 0
    pair_id: str  # stable hash of kind, left and right


PAIR_SCHEMA = pa.schema(
    [
        pa.field("pair_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("left", pa.string(), nullable=False),
        pa.field("right", pa.string(), nullable=False),
        pa.field("sessions", pa.int64(), nullable=False),
        pa.field("purchases", pa.int64(), nullable=False),
        pa.field("clicks", pa.int64(), nullable=False),
        pa.field("impressions", pa.int64(), nullable=False),
        pa.field("weight", pa.float64(), nullable=False),
    ]
)


# ---------------------------------------------------------------- knowledge
class HeadKind(StrEnum):
    """What a triple speaks about."""

    QUERY = "query"  # key: (text,)
    PRODUCT = "product"  # key: (product_id,)
    PAIR = "pair"  # key: (product_id, product_id), smaller first
    TYPE = "type"  # key: (product_type,)
    TYPE_ATTRIBUTE = "type_attribute"  # key: (product_type, attribute name, value)


TITLE_WORD = "title"
"""The name of a `TYPE_ATTRIBUTE` whose value is a word of the product's title."""


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """The subject of a triple."""

    kind: HeadKind
    key: tuple[str, ...]

    def __str__(self) -> str:
        """Readable and unambiguous within its kind: `slip-on shoe [sole: slip-resistant]`, `slip-on shoe "harbor"`."""
        if self.kind is HeadKind.TYPE_ATTRIBUTE:
            product_type, name, value = self.key
            return f'{product_type} "{value}"' if name == TITLE_WORD else f"{product_type} [{name}: {value}]"
        return " + ".join(self.key)


STATISTICS, CRITIC, READER = "statistics", "critic", "reader"
"""Who scored a reason; a reader has rejected an edge, and nothing outvotes that."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A proposed reason with what speaks for it."""

    head: Head
    relation: Relation
    tail: str  # as worded in the source
    generator: str  # name and version: "evidence.v1"
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


class Question(StrEnum):
    """What judges are asked of a proposed reason, in this order (COSMO §1.6 of the fact sheet)."""

    COMPLETE = "complete"
    RELEVANT = "relevant"
    INFORMATIVE = "informative"
    PLAUSIBLE = "plausible"
    TYPICAL = "typical"


class Role(StrEnum):
    """As what a judgment was given."""

    JUDGE = "judge"  # one of two, blind to each other
    ADJUDICATOR = "adjudicator"  # where the two differ
    AUDITOR = "auditor"  # of what was settled
    READER = "reader"  # who rejected an edge of the graph while looking at it


@dataclass(frozen=True, slots=True)
class Judgment:
    """What a person said of a proposed reason."""

    head: Head
    relation: Relation
    tail: str  # as it was worded
    judge: str  # name
    role: Role
    answers: tuple[tuple[Question, bool], ...]  # of the questions that were asked; a no may spare the later ones


JUDGMENT_SCHEMA = pa.schema(
    [
        pa.field("head_kind", pa.string(), nullable=False),
        pa.field("head_key", pa.list_(pa.string()), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("tail", pa.string(), nullable=False),
        pa.field("judge", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        *(pa.field(question.value, pa.bool_()) for question in Question),  # null: not asked
    ]
)


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


# ---------------------------------------------------------------- answers
@dataclass(frozen=True, slots=True)
class Reason:
    """Why a product answers a query: one triple of the graph, with how sure it is and what it rests on."""

    head: str
    relation: Relation
    tail: str
    confidence: float  # in [0, 1]
    evidence: tuple[str, ...] = ()  # "37 purchases", "said in 4 descriptions", the words it came from


@dataclass(frozen=True, slots=True)
class Match:
    """A word of the query found in a field of the product."""

    field: str
    term: str


@dataclass(frozen=True, slots=True)
class Sign:
    """Words of a query that spoke for a product, or against it."""

    words: str  # a word, with all its letters, or a phrase
    amount: float  # what they added to the margin


@dataclass(frozen=True, slots=True)
class TreeStep:
    """One step down the label tree towards a product."""

    name: str  # what is below, in words: "hiking boot & walking shoe"; of the last step, "this product"
    score: float  # of the way so far, in [0, 1]
    signs: tuple[Sign, ...] = ()  # that carried the step, the largest first


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer, with its score by stage and its reasons."""

    product_id: str
    score: float
    source: str  # the stage that found it: all_words, typo, intents, some_words, tree, alike, nearest_type
    title: str = ""
    scores: dict[str, float] = field(default_factory=dict)  # by stage, e.g. {"lexical": 7.1, "intents": 0.8}
    matched: tuple[Match, ...] = ()
    reasons: tuple[Reason, ...] = ()
    path: tuple[TreeStep, ...] = ()  # from the root of the label tree; empty when it was not asked for


@dataclass(frozen=True, slots=True)
class Filter:
    """Keep products whose field has one of the values; `price` takes one "low..high" range, open ends allowed."""

    field: str  # "brand", "product_type", "category", "price" or an attribute name
    values: tuple[str, ...]


class Sort(StrEnum):
    """Order of a result page."""

    RELEVANCE = "relevance"
    PRICE_UP = "price"
    PRICE_DOWN = "-price"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Query:
    """What a shopper asks for."""

    text: str
    limit: int = 10  # 0 to 1000 hits
    offset: int = 0
    filters: tuple[Filter, ...] = ()
    sort: Sort = Sort.RELEVANCE
    ranker: str = "fused"  # "lexical", "intents", "tree" or "fused"
    explain: bool = False  # whether hits tell their way through the label tree; a fraction of a millisecond each


@dataclass(frozen=True, slots=True)
class FacetValue:
    """How many of the found products have a value."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Intent:
    """A need understood in a query, or a reason to buy a product."""

    relation: Relation
    tail: str
    confidence: float  # in [0, 1]
    words: str = ""  # the part of the query that names it; of a product, what it is said of
    source: str = "graph"  # who says so: "graph", "similar" (the graph, of words much like these) or "student"


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of hits; as JSON it is the body of `/v1/search`."""

    query_id: str
    query: str
    total: int  # products found, before paging
    hits: tuple[Hit, ...]
    intents: tuple[Intent, ...] = ()
    facets: dict[str, tuple[FacetValue, ...]] = field(default_factory=dict)
    took_ms: float = 0.0


class Suggested(StrEnum):
    """Where a completion comes from."""

    ASKED = "asked"  # other shoppers asked it
    CATALOG = "catalog"  # the shop's products are called so
    COMPOSED = "composed"  # a beginning and an ending that others asked


VOCABULARY_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),  # folded; rising, all different
        pa.field("text", pa.string(), nullable=False),  # as most shoppers write it
        pa.field("weight", pa.float32(), nullable=False),
        pa.field("source", pa.string(), nullable=False),  # of `Suggested`
        pa.field("meaning", pa.int64(), nullable=False),  # the same for the same words in other orders and inflections
        pa.field("relation", pa.string()),  # of the need that the query names; null where it names none
        pa.field("tail", pa.string()),
        pa.field("words", pa.string()),  # of the query that name it
        pa.field("confidence", pa.float32()),
        pa.field("category", pa.string()),  # where it leads; null where that is not known
    ]
)


class Fit(StrEnum):
    """How a completion goes with what was typed, the better fit first."""

    PREFIX = "prefix"  # begins with it, apart from case, accents and punctuation
    WORDS = "words"  # has all its words, the last one begun, in whatever order
    TYPO = "typo"  # begins with it but for one mistyped letter
    SHORTER = "shorter"  # begins with its first letters only


@dataclass(frozen=True, slots=True)
class Completion:
    """One thing that the shopper may be about to ask."""

    text: str
    score: float  # times asked, old ones less; below 1 of what only the catalog names, and of what is composed
    fit: Fit = Fit.PREFIX
    source: Suggested = Suggested.ASKED
    typed: tuple[tuple[int, int], ...] = ()  # spans of letters of the text that were typed: start, end
    likely: float | None = None  # score in [0, 1] of its being asked after the previous queries; no probability
    need: Intent | None = None  # that it names
    category: str = ""  # where what was bought for it stands


@dataclass(frozen=True, slots=True)
class Completions:
    """What a prefix may become, best first; as JSON it is the body of `/v1/complete`."""

    prefix: str
    completions: tuple[Completion, ...]
    took_ms: float = 0.0

    def by_need(self) -> dict[str, tuple[Completion, ...]]:
        """The completions by the need that they name, "" for those that name none; both in their order."""
        groups: dict[str, list[Completion]] = {}
        for one in self.completions:
            groups.setdefault(one.need.tail if one.need else "", []).append(one)
        return {need: tuple(group) for need, group in groups.items()}


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
    broader: tuple[str, ...] = ()  # needs that the one in the center is a kind of
    narrower: tuple[str, ...] = ()  # and those that are kinds of it, the surest first
