"""The operations of a shop as values, from which routes of the API, commands and agents' tools are made."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from whybuy.records import Answer, Completions, Filter, Hit, Intent, Query, QueryIntents, Sort

MAX_QUERY = 10_000  # characters that a shopper may type
QueryText = Annotated[str, StringConstraints(max_length=MAX_QUERY)]
ProductId = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
FilterText = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^:]+:[\s\S]+$")]
R = TypeVar("R", bound=BaseModel)


class Questions(Protocol):
    """An opened shop, as operations use it; `whybuy.discovery.Discovery` is one."""

    def search(self, query: Query) -> Answer:
        """A page of products that answer a query."""
        ...

    def complete(self, typed: str, *, previous: Sequence[str] = (), limit: int = 10) -> Completions:
        """What a shopper who typed this may be about to ask."""
        ...

    def explain(self, query: str, product_id: str) -> Hit:
        """One product as a hit of a query."""
        ...

    def intents(self, text: str) -> tuple[Intent, ...]:
        """The intents behind a query, or the reasons to buy a product."""
        ...


@dataclass(frozen=True, slots=True)
class Operation(Generic[R]):
    """One operation: the types of its request and answer, and the function of `Discovery` between them."""

    name: str  # of the route and the command
    help: str
    request: type[R]  # its fields are the parameters of the route and the options of the command
    answer: type[Any]  # a record; as JSON, the body of the route and of `--json`
    run: Callable[[Questions, R], Any]
    instant: bool = False  # answers in less than a millisecond, so that a thread costs more than it saves


class SearchRequest(BaseModel):
    """A search."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: QueryText = Field(description="What the shopper typed.", examples=["shoes for pregnant women"])
    limit: int = Field(10, ge=0, le=1000, description="Hits on the page.")
    offset: int = Field(0, ge=0, le=10_000, description="Hits to pass over.")
    sort: Sort = Field(Sort.RELEVANCE, strict=False, description="Order of the hits.")
    ranker: str = Field(
        "fused", description="All rankers together, or the name of one: lexical, intents, tree, signals."
    )
    filter: list[FilterText] = Field(
        default_factory=list,
        max_length=50,
        description="`field:value`; a field named again keeps either value; `price:low..high`, open ends allowed.",
        examples=[["brand:Marlowe", "price:20..80"]],
    )
    facets: bool = Field(True, description="Whether to count the values of the products found.")
    explain: bool = Field(False, description="Whether hits carry their path through the label tree.")

    def query(self) -> Query:
        """The same as a record."""
        filters = parse_filters(self.filter)
        return Query(self.q, self.limit, self.offset, filters, self.sort, self.ranker, self.explain)


class CompleteRequest(BaseModel):
    """A completion."""

    model_config = ConfigDict(frozen=True)

    prefix: QueryText = Field(description="What the shopper has typed so far; may be nothing.")
    previous: list[QueryText] = Field(
        default_factory=list,
        max_length=10,
        description="What the shopper asked before in this session, the latest first.",
    )
    limit: int = Field(10, ge=0, le=100, description="Completions at most.")


class ExplainRequest(BaseModel):
    """A product and the query that it is looked at under."""

    model_config = ConfigDict(frozen=True)

    q: QueryText = Field(description="What the shopper typed.")
    product_id: ProductId = Field(description="The product to explain.")


class IntentsRequest(BaseModel):
    """A query, or a product's id."""

    model_config = ConfigDict(frozen=True)

    q: QueryText = Field(description="What the shopper typed, or a product's id.")


def parse_filters(texts: Iterable[str]) -> tuple[Filter, ...]:
    """Filters from `field:value` texts: one filter a field, its values in order, fields in order of first sight."""
    values: dict[str, list[str]] = {}
    for text in texts:
        name, _, value = text.partition(":")
        values.setdefault(name, []).append(value)
    return tuple(Filter(name, tuple(dict.fromkeys(kept))) for name, kept in values.items())


def _search(shop: Questions, request: SearchRequest) -> Answer:
    answer = shop.search(request.query())
    return answer if request.facets else replace(answer, facets={})


def _complete(shop: Questions, request: CompleteRequest) -> Completions:
    return shop.complete(request.prefix, previous=tuple(request.previous), limit=request.limit)


def _explain(shop: Questions, request: ExplainRequest) -> Hit:
    return shop.explain(request.q, request.product_id)


def _intents(shop: Questions, request: IntentsRequest) -> QueryIntents:
    return QueryIntents(request.q, shop.intents(request.q))


SEARCH = Operation("search", "Products that answer a query, each with its reasons", SearchRequest, Answer, _search)
COMPLETE = Operation(
    "complete",
    "What a shopper who typed this may be about to ask",
    CompleteRequest,
    Completions,
    _complete,
    instant=True,
)
EXPLAIN = Operation("explain", "Why one product answers a query", ExplainRequest, Hit, _explain)
INTENTS = Operation("intents", "The intents understood in a query", IntentsRequest, QueryIntents, _intents)
OPERATIONS: tuple[Operation[Any], ...] = (SEARCH, COMPLETE, EXPLAIN, INTENTS)
"""All operations; a new one in this list is a route of the API."""
