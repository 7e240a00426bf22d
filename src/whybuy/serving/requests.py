"""What requests in an address or a JSON body say beyond those of operations; the address of a search page."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from whybuy.operations import CompleteRequest, FilterText, QueryText, SearchRequest
from whybuy.records import Sort
from whybuy.retrieval.rankers import ALONE, FUSED
from whybuy.serving.addresses import SearchAddress

Amount = Annotated[str, StringConstraints(pattern=r"^\d{0,12}(\.\d{1,4})?$")]
if TYPE_CHECKING:
    Ranker = str
else:  # in the words of the registry, so that OpenAPI names them
    Ranker = Literal[(FUSED, *ALONE)]


class SearchAddressRequest(SearchRequest):
    """A search in the address of a GET; the rankers are named in its schema."""

    ranker: Ranker = Field(
        "fused", description="Words, intents, the label tree or earlier searches alone, or all together."
    )


class CompleteAddress(CompleteRequest):
    """A completion in the address of a GET; a session id stands for its earlier queries."""

    session: str = Field("", max_length=100, description="Session or client id of events, in place of `previous`.")

    def with_session(self, previous: Callable[[str], Sequence[str]]) -> CompleteRequest:
        """The same with the queries of its session, where none are given. previous: session -> queries."""
        return CompleteRequest(
            prefix=self.prefix, previous=self.previous or list(previous(self.session)), limit=self.limit
        )


class SearchBody(SearchAddressRequest):
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

    def search(self, page_size: int) -> SearchAddressRequest:
        """The search that fills the page."""
        return SearchAddressRequest(
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
