"""The address of a search page, and of the pages one click away from it."""

from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from whybuy.records import Sort


@dataclass(frozen=True, slots=True)
class SearchAddress:
    """What a search page shows; every change but turning the page goes back to the first page."""

    q: str
    page: int = 1
    sort: Sort = Sort.RELEVANCE
    ranker: str = "fused"
    filters: tuple[str, ...] = ()  # "brand:Marlowe"

    @property
    def url(self) -> str:
        """The address, without parameters that have their default."""
        values = {"q": self.q, "page": self.page, "sort": self.sort, "ranker": self.ranker}
        defaults = {"page": 1, "sort": Sort.RELEVANCE, "ranker": "fused"}
        pairs = [(name, value) for name, value in values.items() if value != defaults.get(name)]
        return "/?" + urlencode([*pairs, *(("filter", text) for text in self.filters)])

    def has(self, name: str, value: str) -> bool:
        """Whether the page keeps products with this value."""
        return f"{name}:{value}" in self.filters

    def toggled(self, text: str) -> Self:
        """With one filter more, or less when it is there."""
        kept = tuple(other for other in self.filters if other != text)
        return replace(self, page=1, filters=kept if text in self.filters else (*self.filters, text))

    def unfiltered(self) -> Self:
        """Without any filter."""
        return replace(self, page=1, filters=())

    def sorted_by(self, sort: Sort) -> Self:
        """In another order."""
        return replace(self, page=1, sort=sort)

    def ranked_by(self, ranker: str) -> Self:
        """By another ranker."""
        return replace(self, page=1, ranker=ranker)

    def at_page(self, page: int) -> Self:
        """At another page."""
        return replace(self, page=page)
