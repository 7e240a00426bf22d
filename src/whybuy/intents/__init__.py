"""A query → the needs that it names, a product → the reasons to buy it; both from the graph."""

from whybuy.intents.reader import IntentConfig, IntentReader
from whybuy.intents.reasons import ReasonReader

__all__ = ["IntentConfig", "IntentReader", "ReasonReader"]
