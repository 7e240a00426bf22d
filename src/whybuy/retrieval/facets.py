"""Filters, facets and sorting over rows of the catalog."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.errors import InputError, closest
from whybuy.records import FacetValue, Filter, Sort

FIELDS = ("product_type", "brand", "category", "price")
VALUES_SHOWN = 12
ATTRIBUTES_SHOWN = 4
PRICE_STEPS = (10, 25, 50, 100, 200, 500, 1000)

Rows = NDArray[np.int32]


class Facets:
    """The values of every product that a shopper may filter by."""

    def __init__(self, products: pa.Table) -> None:
        self._products = products

    def select(self, rows: Rows, filters: Sequence[Filter]) -> Rows:
        """The rows that pass every filter, in their order; values of one filter are alternatives.

        Raises:
            InputError: an unknown field, or a price that is no "low..high".
        """
        for one in filters:
            rows = rows[self._passing(one)[rows]]
        return rows

    def count(self, rows: Rows) -> dict[str, tuple[FacetValue, ...]]:
        """How many of the rows have each value: types, brands, categories, price ranges and the commonest attributes."""
        found = rows.tolist()
        counts = {
            name: Counter(map(self._texts[name].__getitem__, found)) for name in ("product_type", "brand", "category")
        }
        counts["price"] = Counter(_price_range(price) for price in self._prices[rows].tolist())
        attributes: dict[str, Counter[str]] = {}
        for row in found:
            for name, value in self._attributes[row]:
                attributes.setdefault(name, Counter())[value] += 1
        spread = sorted(attributes, key=lambda name: (-attributes[name].total(), name))
        chosen = [name for name in spread if len(attributes[name]) > 1][:ATTRIBUTES_SHOWN]
        counts |= {name: attributes[name] for name in chosen}
        return {name: values for name, each in counts.items() if (values := _top(each))}

    def order(self, rows: Rows, sort: Sort) -> Rows:
        """Rows in the order of a page; products without a price come last."""
        if sort is Sort.RELEVANCE:
            return rows
        if sort is Sort.TITLE:
            titles = self._texts["title"]
            return np.array(sorted(rows.tolist(), key=lambda row: titles[row].casefold()), dtype=np.int32)
        prices = self._prices[rows]
        keys = np.where(np.isnan(prices), np.inf, prices if sort is Sort.PRICE_UP else -prices)
        return rows[np.argsort(keys, kind="stable")]

    def _passing(self, one: Filter) -> NDArray[np.bool_]:
        size = self._products.num_rows
        if one.field == "price":
            within = [_within(self._prices, value) for value in one.values]
            return np.logical_or.reduce(within) if within else np.zeros(size, dtype=bool)
        wanted = frozenset(one.values)
        if one.field in FIELDS:
            return np.fromiter((text in wanted for text in self._texts[one.field]), dtype=bool, count=size)
        if one.field not in self._attribute_rows:
            hint = closest(one.field, [*FIELDS, *self._attribute_rows])
            raise InputError(f"The catalog has no field {one.field!r} to filter by.{hint}")
        mask = np.zeros(size, dtype=bool)
        for value in wanted:
            mask[self._attribute_rows[one.field].get(value, [])] = True
        return mask

    @cached_property
    def _texts(self) -> dict[str, list[str]]:
        texts = {name: self._products[name].to_pylist() for name in ("product_type", "brand", "title")}
        texts["category"] = [path[-1] if path else "" for path in self._products["category"].to_pylist()]
        return texts

    @cached_property
    def _prices(self) -> NDArray[np.float64]:
        prices: NDArray[np.float64] = self._products["price"].to_numpy(zero_copy_only=False).astype(np.float64)
        return prices

    @cached_property
    def _attributes(self) -> list[list[tuple[str, str]]]:
        return [
            [(entry["name"], entry["value"]) for entry in entries]
            for entries in self._products["attributes"].to_pylist()
        ]

    @cached_property
    def _attribute_rows(self) -> dict[str, dict[str, list[int]]]:
        rows: dict[str, dict[str, list[int]]] = {}
        for row, entries in enumerate(self._attributes):
            for name, value in entries:
                rows.setdefault(name, {}).setdefault(value, []).append(row)
        return rows


def _top(counts: Counter[str]) -> tuple[FacetValue, ...]:
    ranked: Iterable[tuple[str, int]] = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(FacetValue(value, count) for value, count in ranked if value)[:VALUES_SHOWN]


def _price_range(price: float) -> str:
    if np.isnan(price):
        return ""
    above = next((step for step in PRICE_STEPS if price < step), None)
    if above is None:
        return f"{PRICE_STEPS[-1]}.."
    at = PRICE_STEPS.index(above)
    return f"{PRICE_STEPS[at - 1] if at else 0}..{above}"


def _within(prices: NDArray[np.float64], span: str) -> NDArray[np.bool_]:
    """Prices in [low, high)."""
    low, dots, high = span.partition("..")
    try:
        bounds = float(low or "-inf"), float(high or "inf")
    except ValueError:
        bounds = None
    if bounds is None or not dots:
        raise InputError(f'Price {span!r} is no range. Write "10..25", "..25" or "100..".')
    return (prices >= bounds[0]) & (prices < bounds[1])
