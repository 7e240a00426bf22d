"""A query or a product → the needs behind it; from the graph, and from a student that the graph taught."""

from whybuy.intents.reader import IntentConfig, IntentReader
from whybuy.intents.reasons import ReasonReader
from whybuy.intents.student import Student, known_first

__all__ = ["IntentConfig", "IntentReader", "ReasonReader", "Student", "known_first"]
