"""What a query has to meet to be suggested, and how far back a session counts: of builds and of serving."""

from dataclasses import dataclass

LONGEST = 100  # letters of a suggestion; what is longer was pasted
LOOKED_BACK = 3  # queries of a session before one


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a query has to meet to be suggested."""

    least_asked: int = 2
    least_shoppers: int = 3
    language: str = "en"
