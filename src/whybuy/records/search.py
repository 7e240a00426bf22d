"""A search request and its answer: hits with scores, matches, reasons and path through the label tree."""

from dataclasses import dataclass, field
from enum import StrEnum

from whybuy.records.intents import Intent, Reason


@dataclass(frozen=True, slots=True)
class Match:
    """A word of the query found in a field of the product."""

    field: str
    term: str


@dataclass(frozen=True, slots=True)
class WordContribution:
    """How much words of a query added to a score on a step of the label tree, or took from it."""

    words: str  # a word, with all its letters, or a phrase
    amount: float  # what they added to the margin


@dataclass(frozen=True, slots=True)
class TreeStep:
    """One step down the label tree towards a product."""

    name: str  # what is below, in words: "hiking boot & walking shoe"; of the last step, "this product"
    score: float  # of the path so far, in [0, 1]
    contributions: tuple[WordContribution, ...] = ()  # that carried the step, the largest first


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer, with its score by stage and its reasons."""

    product_id: str
    score: float
    source: (
        str  # the stage that found it: all_words, typo, intents, ...; beside a product: names, named, shared, similar
    )
    title: str = ""
    scores: dict[str, float] = field(default_factory=dict)  # by stage, e.g. {"lexical": 7.1, "intents": 0.8}
    matched: tuple[Match, ...] = ()
    reasons: tuple[Reason, ...] = ()
    path: tuple[TreeStep, ...] = ()  # from the root of the label tree; empty when it was not requested
    answers: bool = True  # False for a hit that is near what was asked, and not quite that


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
    """A search request."""

    text: str
    limit: int = 10  # 0 to 1000 hits
    offset: int = 0
    filters: tuple[Filter, ...] = ()
    sort: Sort = Sort.RELEVANCE
    ranker: str = "fused"  # "lexical", "intents", "tree", "signals" or "fused"
    explain: bool = False  # whether hits carry their path through the label tree; a fraction of a millisecond each


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet and how many of the products found have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of hits; as JSON it is the body of `/v1/search`."""

    query_id: str
    query: str
    total: int  # products that answer, before paging
    hits: tuple[Hit, ...]
    intents: tuple[Intent, ...] = ()
    facets: dict[str, tuple[FacetValue, ...]] = field(default_factory=dict)
    took_ms: float = 0.0
    related_total: int = 0  # products found that are near and do not answer; they come after those that do
