"""Filters, facets and sorting over rows of the catalog."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.catalog.categories import deepest_categories
from whybuy.errors import InputError, closest
from whybuy.keys import SEPARATOR
from whybuy.records import FacetValue, Filter, Sort

FIELDS = ("product_type", "brand", "category", "price")
VALUES_SHOWN = 12
ATTRIBUTES_SHOWN = 4
PRICE_STEPS = (10, 25, 50, 100, 200, 500, 1000)

Rows = NDArray[np.int32]


class UnknownField(InputError):  # noqa: N818 - reads as what it is: asked for an unknown field
    """No attribute or field of the shop has this name."""


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """Texts as numbers: `names` sorted, `codes` the place of each text among them."""

    names: list[str]
    codes: NDArray[np.int32]

    @classmethod
    def of(cls, texts: pa.Array) -> Self:
        """Every text of an array without nulls."""
        encoded = texts.dictionary_encode()
        names = encoded.dictionary.to_pylist()
        order = sorted(range(len(names)), key=names.__getitem__)
        place = np.empty(len(names), np.int32)
        place[order] = np.arange(len(names))
        return cls([names[index] for index in order], place[encoded.indices.to_numpy()])

    def top(self, codes: NDArray[np.int32]) -> tuple[FacetValue, ...]:
        """The commonest of the texts with these codes."""
        return _top(self.names, np.bincount(codes, minlength=len(self.names)))


@dataclass(frozen=True, slots=True, eq=False)
class _Attributes:
    """The (name, value) pairs of all products, the pairs numbered by name, then value."""

    starts: NDArray[np.int64]  # the pairs of row i are `codes[starts[i] : starts[i + 1]]`
    codes: NDArray[np.int32]
    values: list[str]  # by pair
    names: list[str]
    first: NDArray[np.int64]  # by name: its first pair; the pairs end where those of the next name begin

    @classmethod
    def of(cls, column: pa.Array) -> Self:
        """The column `attributes` of the catalog."""
        entries = column.flatten()
        pairs = _Column.of(pc.binary_join_element_wise(entries.field("name"), entries.field("value"), SEPARATOR))
        parted = [text.partition(SEPARATOR) for text in pairs.names]
        names = list(dict.fromkeys(name for name, _, _ in parted))
        place = {name: at for at, name in enumerate(names)}
        first = np.searchsorted([place[name] for name, _, _ in parted], np.arange(len(names) + 1))
        starts = np.concatenate([[0], np.cumsum(column.value_lengths().to_numpy())])
        return cls(starts, pairs.codes, [value for _, _, value in parted], names, first)

    def count(self, rows: Rows) -> dict[str, tuple[FacetValue, ...]]:
        """The names that the rows have most often, in several values, with these values."""
        if not self.names:
            return {}
        counts = np.bincount(self.codes[_spans(self.starts, rows)], minlength=len(self.values))
        totals = np.diff(np.concatenate([[0], np.cumsum(counts)])[self.first])
        several = np.diff(np.concatenate([[0], np.cumsum(counts > 0)])[self.first]) > 1
        chosen = [at for at in np.argsort(-totals, kind="stable").tolist() if several[at]][:ATTRIBUTES_SHOWN]
        spans = {self.names[at]: slice(*self.first[at : at + 2].tolist()) for at in chosen}
        return {name: _top(self.values[span], counts[span]) for name, span in spans.items()}

    def having(self, name: str, values: Collection[str]) -> NDArray[np.bool_]:
        """Which products have one of these values. Shape (products,)."""
        at = self.names.index(name)
        wanted = [pair for pair in range(self.first[at], self.first[at + 1]) if self.values[pair] in values]
        entries = np.concatenate([[0], np.cumsum(np.isin(self.codes, wanted))])
        return np.diff(entries[self.starts]) > 0


class Facets:
    """The values of every product that a shopper may filter by."""

    def __init__(self, products: pa.Table) -> None:
        self._products = products

    def select(self, rows: Rows, filters: Sequence[Filter]) -> Rows:
        """The rows that pass every filter, in their order; values of one filter are alternatives.

        Raises:
            UnknownField: the catalog has no such field.
            InputError: a price that is no "low..high".
        """
        for one in filters:
            rows = rows[self._passing(one)[rows]]
        return rows

    def count(self, rows: Rows) -> dict[str, tuple[FacetValue, ...]]:
        """How many of the rows have each value of type, brand, category, price range and the commonest attributes."""
        counts = {name: column.top(column.codes[rows]) for name, column in self._columns.items() if any(column.names)}
        counts |= self._attributes.count(rows)
        return {name: values for name, values in counts.items() if values}

    def order(self, rows: Rows, sort: Sort) -> Rows:
        """Rows in the order of a page; products without a price come last."""
        if sort is Sort.RELEVANCE:
            return rows
        if sort is Sort.TITLE:
            return rows[np.argsort(self._titles.codes[rows], kind="stable")]
        prices = self._prices[rows]
        keys = np.where(np.isnan(prices), np.inf, prices if sort is Sort.PRICE_UP else -prices)
        return rows[np.argsort(keys, kind="stable")]

    def _passing(self, one: Filter) -> NDArray[np.bool_]:
        if one.field == "price":
            within = [_within(self._prices, value) for value in one.values]
            return np.logical_or.reduce(within) if within else np.zeros(len(self._prices), dtype=bool)
        if one.field in FIELDS:
            column = self._columns[one.field]
            return np.isin(column.codes, [code for code, name in enumerate(column.names) if name in one.values])
        if one.field not in self._attributes.names:
            hint = closest(one.field, [*FIELDS, *self._attributes.names])
            raise UnknownField(f"The catalog has no field {one.field!r} to filter by.{hint}")
        return self._attributes.having(one.field, one.values)

    @cached_property
    def _columns(self) -> dict[str, _Column]:
        texts = {name: self._products[name].combine_chunks() for name in ("product_type", "brand")}
        return {
            **{name: _Column.of(array) for name, array in texts.items()},
            "category": _Column.of(pa.array(deepest_categories(self._products), pa.string())),
            "price": _Column.of(_price_ranges(self._prices)),
        }

    @cached_property
    def _titles(self) -> _Column:
        return _Column.of(pa.array(map(str.casefold, self._products["title"].to_pylist()), pa.string()))

    @cached_property
    def _prices(self) -> NDArray[np.float64]:
        prices: NDArray[np.float64] = self._products["price"].to_numpy(zero_copy_only=False).astype(np.float64)
        return prices

    @cached_property
    def _attributes(self) -> _Attributes:
        return _Attributes.of(self._products["attributes"].combine_chunks())


def _top(names: Sequence[str], counts: NDArray[np.int64]) -> tuple[FacetValue, ...]:
    """The names with the highest counts, but for the empty one; ties in the order of the names."""
    places = np.flatnonzero(counts)
    if len(places) > (most := VALUES_SHOWN + 1):
        places = places[counts[places] >= np.partition(counts[places], -most)[-most]]
    order = places[np.argsort(-counts[places], kind="stable")][:most].tolist()
    return tuple(FacetValue(names[at], int(counts[at])) for at in order if names[at])[:VALUES_SHOWN]


def _spans(starts: NDArray[np.int64], rows: Rows) -> NDArray[np.int64]:
    """All places from `starts[row]` to `starts[row + 1]`, row after row."""
    sizes = starts[rows + 1] - starts[rows]
    ends = np.cumsum(sizes)
    return np.repeat(starts[rows] - (ends - sizes), sizes) + np.arange(sizes.sum())


def _price_ranges(prices: NDArray[np.float64]) -> pa.Array:
    """The step that each price lies on, "10..25"; empty where there is no price."""
    bounds = ["0", *map(str, PRICE_STEPS), ""]
    ranges = pa.array([*(f"{low}..{high}" for low, high in pairwise(bounds)), ""])
    return ranges.take(
        pa.array(np.where(np.isnan(prices), len(ranges) - 1, np.searchsorted(PRICE_STEPS, prices, "right")))
    )


def _within(prices: NDArray[np.float64], span: str) -> NDArray[np.bool_]:
    """Prices in [low, high)."""
    low, dots, high = span.partition("..")
    try:
        bounds = float(low or "-inf"), float(high or "inf")
    except ValueError:
        bounds = np.nan, np.nan
    if np.isnan(bounds).any() or not dots:
        raise InputError(f'Price {span!r} is no range. Write "10..25", "..25" or "100..".')
    return (prices >= bounds[0]) & (prices < bounds[1])
