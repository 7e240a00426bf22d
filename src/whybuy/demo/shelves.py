"""Sets of products by type, intent, brand and attribute value, as rows of one boolean matrix."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from whybuy.demo.products import Assortment
from whybuy.demo.world import TypeReason

Mask = npt.NDArray[np.bool_]

NOTHING = 0
"""The id of the empty set."""


class Shelves:
    """Sets of products of one assortment, numbered in the order of their first use."""

    def __init__(self, assortment: Assortment) -> None:
        self.assortment = assortment
        self._sets: dict[tuple[str, ...], int] = {("nothing",): NOTHING}
        self._masks: list[Mask] = [np.zeros(len(assortment.products), dtype=np.bool_)]
        self._numbers = {kind.name: number for number, kind in enumerate(assortment.world.types)}

    @cached_property
    def category_of(self) -> npt.NDArray[np.int64]:
        """The category of each product, by its place in the world; shape (products,)."""
        categories = self.assortment.world.categories
        of_type = [number for number, category in enumerate(categories) for _ in category.types]
        return np.array(of_type, dtype=np.int64)[self.assortment.type_of]

    def matrix(self) -> Mask:
        """Membership of products in all sets so far. Shape (sets, products)."""
        return np.stack(self._masks)

    def products(self, number: int) -> npt.NDArray[np.int64]:
        """Indices of the products of a set, ascending."""
        return np.flatnonzero(self._masks[number])

    def types(self, names: Iterable[str]) -> int:
        """Number of the set of products of some types, given by name."""
        key = ("types", *names)
        if key not in self._sets:
            self._add(key, np.isin(self.assortment.type_of, [self._numbers[name] for name in key[1:]]))
        return self._sets[key]

    def brand(self, brand: str) -> int:
        """Number of the set of products of a brand."""
        key = ("brand", brand)
        if key not in self._sets:
            self._add(key, self._holding(self._brands[brand]))
        return self._sets[key]

    def attribute(self, name: str, value: str) -> int:
        """Number of the set of products of any type with an attribute value."""
        key = ("attribute", name, value)
        if key not in self._sets:
            self._add(key, self._holding(self._attributes[name, value]))
        return self._sets[key]

    def answering(self, reasons: Iterable[TypeReason]) -> int:
        """Number of the set of products that answer one of some reasons."""
        several = tuple(reasons)
        key = ("needs", *map(_name, several))
        if key not in self._sets:
            self._add(key, self._holding([product for reason in several for product in self._answers[_name(reason)]]))
        return self._sets[key]

    def both(self, left: int, right: int) -> int:
        """Number of the set of products that are in both sets."""
        key = ("both", str(left), str(right))
        if key not in self._sets:
            self._add(key, self._masks[left] & self._masks[right])
        return self._sets[key]

    def _add(self, key: tuple[str, ...], mask: Mask) -> None:
        self._sets[key] = len(self._masks)
        self._masks.append(mask)

    def _holding(self, products: Sequence[int]) -> Mask:
        mask = np.zeros(len(self.assortment.products), dtype=np.bool_)
        mask[products] = True
        return mask

    @cached_property
    def _brands(self) -> dict[str, list[int]]:
        members = defaultdict(list)
        for at, product in enumerate(self.assortment.products):
            members[product.brand].append(at)
        return members

    @cached_property
    def _attributes(self) -> dict[tuple[str, str], list[int]]:
        members = defaultdict(list)
        for at, product in enumerate(self.assortment.products):
            for attribute in product.attributes:
                members[attribute].append(at)
        return members

    @cached_property
    def _answers(self) -> dict[str, list[int]]:
        """Products that answer each reason."""
        products, members = self.assortment.products, defaultdict(list)
        for at, kind in enumerate(self.assortment.type_of.tolist()):
            members[self.assortment.world.types[kind].name].append(at)
        return {
            _name(reason): [
                at for at in members[reason.type.name] if reason.latent.answered_by(dict(products[at].attributes))
            ]
            for reason in self.assortment.world.reasons
        }


def _name(reason: TypeReason) -> str:
    return f"{reason.type.name}: {reason.intent.relation} {reason.intent.tail}"
