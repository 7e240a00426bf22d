"""Which products a shopper means: sets of products by type, need, brand and attribute value, kept as one matrix."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from whybuy.demo.products import Assortment
from whybuy.demo.world import Need

Mask = npt.NDArray[np.bool_]

NOTHING = 0
"""The id of the empty set."""


class Shelves:
    """Sets of products of one assortment, numbered as they are first asked for."""

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
        """All sets asked for so far, shape (sets, products)."""
        return np.stack(self._masks)

    def products(self, number: int) -> npt.NDArray[np.int64]:
        """Indices of the products of a set, rising."""
        return np.flatnonzero(self._masks[number])

    def types(self, names: Iterable[str]) -> int:
        """The products of some types, which are given by name."""
        key = ("types", *names)
        if key not in self._sets:
            self._add(key, np.isin(self.assortment.type_of, [self._numbers[name] for name in key[1:]]))
        return self._sets[key]

    def brand(self, brand: str) -> int:
        """The products of a brand."""
        key = ("brand", brand)
        if key not in self._sets:
            self._add(key, self._holding(self._brands[brand]))
        return self._sets[key]

    def attribute(self, name: str, value: str) -> int:
        """The products with an attribute value, of whatever type."""
        key = ("attribute", name, value)
        if key not in self._sets:
            self._add(key, self._holding(self._attributes[name, value]))
        return self._sets[key]

    def answering(self, needs: Iterable[Need]) -> int:
        """The products that answer one of some needs."""
        several = tuple(needs)
        key = ("needs", *map(_name, several))
        if key not in self._sets:
            self._add(key, self._holding([product for need in several for product in self._answers[_name(need)]]))
        return self._sets[key]

    def both(self, left: int, right: int) -> int:
        """The products that are in two sets."""
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
        """Products that answer each need."""
        products, members = self.assortment.products, defaultdict(list)
        for at, kind in enumerate(self.assortment.type_of.tolist()):
            members[self.assortment.world.types[kind].name].append(at)
        return {
            _name(need): [
                at for at in members[need.type.name] if need.reason.answered_by(dict(products[at].attributes))
            ]
            for need in self.assortment.world.needs
        }


def _name(need: Need) -> str:
    return f"{need.type.name}: {need.intent.relation} {need.intent.tail}"
