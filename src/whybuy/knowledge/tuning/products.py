"""Products as texts in instructions, and random products as negatives."""

from collections.abc import Set

import numpy as np
from numpy.random import Generator

from whybuy.catalog.catalog import Catalog
from whybuy.catalog.categories import deepest_categories
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.tuning.instructions import Part
from whybuy.knowledge.tuning.split import Split
from whybuy.records import Head, HeadKind, Product

TRIES = 50  # draws before there is taken to be no product of another type


class Products:
    """The products of a shop as texts, by part of the split."""

    def __init__(self, inputs: ProposerInput, split: Split) -> None:
        self._inputs, self._catalog = inputs, Catalog(inputs.products)
        self._titles = inputs.products["title"].to_pylist()
        self._categories = deepest_categories(inputs.products)
        parts = np.array([split.part_of([Head(HeadKind.PRODUCT, (product_id,))]) for product_id in inputs.ids])
        self._of_part = {part: np.flatnonzero(parts == part) for part in Part}

    def __contains__(self, product_id: object) -> bool:
        return product_id in self._inputs.row_of

    def at(self, product_id: str) -> Product:
        """The product with this id."""
        return self._catalog.product(product_id)

    def type_of(self, product_id: str) -> str:
        """The type of a product; empty where the shop has none."""
        return self._inputs.types[self._inputs.row_of[product_id]]

    def words(self, product_id: str) -> str:
        """Title with type and deepest category: `Vinehold Spiral Tomato Cage (tomato cage, Garden)`."""
        row = self._inputs.row_of[product_id]
        known = ", ".join(word for word in (self._inputs.types[row], self._categories[row]) if word)
        return f"{self._titles[row]} ({known})" if known else str(self._titles[row])

    def random_other(self, part: Part, ids: Set[str], types: Set[str], random: Generator) -> str | None:
        """A random product of this part, other than these and of other types; None after several tries without one."""
        rows = self._of_part[part]
        drawn: list[int] = random.choice(rows, TRIES).tolist() if len(rows) else []
        for row in drawn:
            if self._inputs.ids[row] not in ids and self._inputs.types[row] not in types:
                return self._inputs.ids[row]
        return None
