"""A query → the needs that it names, from the graph."""

from whybuy.intents.reader import IntentConfig, IntentReader

__all__ = ["IntentConfig", "IntentReader"]
