"""The intents of a query and the reasons to buy a product: read from the graph, or guessed by the student."""

from whybuy.intents.reader import IntentConfig, IntentReader
from whybuy.intents.reasons import ReasonReader
from whybuy.intents.student import Student, known_first

__all__ = ["IntentConfig", "IntentReader", "ReasonReader", "Student", "known_first"]
