"""What goes with a product."""

from whybuy.discovery.products import ProductLookup
from whybuy.records import Hit
from whybuy.shop import Shop


class ComplementLookup:
    """Finds the products that go with one; safe for many threads."""

    def __init__(self, shop: Shop, products: ProductLookup) -> None:
        self._shop, self._products = shop, products

    def of(self, product_id: str, limit: int) -> tuple[Hit, ...]:
        """The products that go best with one; reads titles and claims at the first question.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        return tuple(self._shop.complements.of(self._products.row(product_id), limit))
