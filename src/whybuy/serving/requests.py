"""What a search request may say, in the address or as a JSON body, and the `Query` that it means."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from whybuy.records import Filter, Query, Sort
from whybuy.retrieval.rankers import FUSED, RANKERS
from whybuy.serving.addresses import SearchAddress

QueryText = Annotated[str, StringConstraints(max_length=10_000)]
ProductId = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
FilterText = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^:]+:[\s\S]+$")]
Amount = Annotated[str, StringConstraints(pattern=r"^\d{0,12}(\.\d{1,4})?$")]
if TYPE_CHECKING:
    Ranker = str
else:  # in the words of the registry, so that OpenAPI names them
    Ranker = Literal[(FUSED, *RANKERS)]


class SearchRequest(BaseModel):
    """A search as the address of a GET says it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: QueryText = Field(description="What the shopper typed.", examples=["shoes for pregnant women"])
    limit: int = Field(10, ge=0, le=1000, description="Hits on the page.")
    offset: int = Field(0, ge=0, le=10_000, description="Hits to pass over.")
    sort: Sort = Field(Sort.RELEVANCE, strict=False, description="Order of the hits.")
    ranker: Ranker = Field("fused", description="Words alone, intents alone, the label tree alone, or all together.")
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


class SearchBody(SearchRequest):
    """The same, under the same names, as the JSON body of a POST says it: a number is a number, not a text of one."""

    model_config = ConfigDict(strict=True)

    @field_validator("limit", "offset", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        return whole(value)


class PageRequest(BaseModel):
    """The address of a search page; parameters that others add are passed over."""

    q: QueryText = ""
    page: int = Field(1, ge=1, le=500)
    sort: Sort = Sort.RELEVANCE
    ranker: Ranker = "fused"
    filter: list[FilterText] = Field(default_factory=list, max_length=50)
    low: Amount = ""
    high: Amount = ""

    def address(self) -> SearchAddress:
        """The same, with the two ends of a price as one filter."""
        filters = tuple(dict.fromkeys(self.filter))
        if self.low or self.high:
            others = [text for text in filters if not text.startswith("price:")]
            filters = (*others, f"price:{self.low}..{self.high}")
        return SearchAddress(self.q, self.page, self.sort, self.ranker, filters)

    def search(self, page_size: int) -> SearchRequest:
        """The search that fills the page."""
        return SearchRequest(
            q=self.q,
            limit=page_size,
            offset=(self.page - 1) * page_size,
            sort=self.sort,
            ranker=self.ranker,
            filter=list(self.address().filters),
            facets=True,
            explain=True,
        )


def whole(value: object) -> object:
    """JSON has one kind of number: 3.0 is the integer 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def parse_filters(texts: list[str] | tuple[str, ...]) -> tuple[Filter, ...]:
    """Filters from `field:value` texts: one filter a field, its values in order, fields in order of first sight."""
    values: dict[str, list[str]] = {}
    for text in texts:
        name, _, value = text.partition(":")
        values.setdefault(name, []).append(value)
    return tuple(Filter(name, tuple(dict.fromkeys(kept))) for name, kept in values.items())
