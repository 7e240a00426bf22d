"""One product, and why people buy it."""

from functools import lru_cache

from whybuy.errors import WhybuyError
from whybuy.intents import ReasonReader
from whybuy.records import Product, Reason
from whybuy.shop import Shop

_CACHED = 20_000  # products that were read last


class UnknownProduct(WhybuyError):  # noqa: N818 - reads as what it is: asked for an unknown product
    """The shop has no product of this id."""


class ProductLookup:
    """Products of a shop by id and by row; safe for many threads."""

    def __init__(self, shop: Shop) -> None:
        self._name, self._catalog = shop.name, shop.catalog
        self.reasons = ReasonReader(shop.graph, shop.rejected)
        self.at = lru_cache(maxsize=_CACHED)(shop.catalog.at)

    def __contains__(self, product_id: object) -> bool:
        return product_id in self._catalog

    def row(self, product_id: str) -> int:
        """The row of a product in the catalog.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        if product_id not in self._catalog:
            raise UnknownProduct(f"{self._name} has no product {product_id!r} among its {len(self._catalog):,}.")
        return self._catalog.row(product_id)

    def product(self, product_id: str) -> Product:
        """One product.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        return self.at(self.row(product_id))

    def why(self, product_id: str, limit: int) -> tuple[Reason, ...]:
        """Reasons to buy a product, the surest first: its own, those of its type, those of the type and a trait.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        return self.reasons.of(self.product(product_id), limit=limit)
