"""Online composition: an opened shop answers questions; one small class a question, `Discovery` in front of them."""

from whybuy.discovery.discovery import Discovery, live_key
from whybuy.discovery.products import UnknownProduct

__all__ = ["Discovery", "UnknownProduct", "live_key"]
