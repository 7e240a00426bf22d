"""Online composition over an opened shop: one small class an operation, and `Discovery` in front of them."""

from whybuy.discovery.discovery import Discovery, live_key
from whybuy.discovery.products import UnknownProduct

__all__ = ["Discovery", "UnknownProduct", "live_key"]
