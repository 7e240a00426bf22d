"""Limits that building a vocabulary and serving completions share."""

from dataclasses import dataclass

LONGEST = 100  # letters of a suggestion; longer texts were pasted
LOOKED_BACK = 3  # earlier queries of a session that completion takes into account
MIN_SEARCHES = 2  # searches for a query that may be suggested
MIN_SHOPPERS = 3  # different shoppers who searched for it, for privacy


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a query has to meet to be suggested."""

    least_asked: int = MIN_SEARCHES
    least_shoppers: int = MIN_SHOPPERS
    language: str = "en"  # in which words are brought to their dictionary form
