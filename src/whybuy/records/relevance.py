"""What a relevance model reads: a query and a product with what is known of their reasons."""

from dataclasses import dataclass
from enum import StrEnum

from whybuy.records.intents import Intent


class RelevanceLabel(StrEnum):
    """How a product answers a query, best first (Shopping Queries Dataset, Reddy et al. 2022)."""

    EXACT = "exact"
    SUBSTITUTE = "substitute"
    COMPLEMENT = "complement"
    IRRELEVANT = "irrelevant"


@dataclass(frozen=True, slots=True)
class RelevancePair:
    """A query and a product, as texts, with the reasons behind either, the surest first."""

    query: str
    product: str  # its title, then whatever else tells what it is
    query_reasons: tuple[Intent, ...] = ()
    product_reasons: tuple[Intent, ...] = ()
