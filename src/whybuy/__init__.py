"""whybuy mines why people buy, keeps the reasons as a knowledge graph and puts them to work in search."""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["Discovery", "KnowledgeGraph", "Query", "__version__"]

if TYPE_CHECKING:
    from whybuy.discovery import Discovery
    from whybuy.graph import KnowledgeGraph
    from whybuy.records import Query

_HOMES = {"Discovery": "whybuy.discovery", "KnowledgeGraph": "whybuy.graph", "Query": "whybuy.records"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'whybuy' has no attribute {name!r}")
