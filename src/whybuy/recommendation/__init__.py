"""What to show a shopper beside a product."""

from whybuy.recommendation.complements import Complements

__all__ = ["Complements"]
