"""Counts, filters and orders hold against a slow count by hand."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_shop import product_table
from whybuy.errors import InputError
from whybuy.records import FacetValue, Filter, Product, Sort
from whybuy.retrieval.facets import ATTRIBUTES_SHOWN, VALUES_SHOWN, Facets, Rows, UnknownField

patient = settings(deadline=None, max_examples=50)
few = st.sampled_from(["", "a", "b", "ä", "a b"])
names = st.sampled_from(["color", "sole", "width", "upper", "size", "fill"])
shelves = st.lists(
    st.builds(
        lambda kind, brand, price, attributes, path: Product(
            "", "t", brand=brand, product_type=kind, price=price, attributes=tuple(attributes), category=tuple(path)
        ),
        few,
        few,
        st.none() | st.floats(0, 2000),
        st.lists(st.tuples(names, few), max_size=6),
        st.lists(few, max_size=3),
    ),
    min_size=1,
    max_size=30,
)


def all_rows(products: list[Product]) -> Rows:
    return np.arange(len(products), dtype=np.int32)


def commonest(counts: Counter[str]) -> tuple[FacetValue, ...]:
    ranked = sorted((entry for entry in counts.items() if entry[0]), key=lambda entry: (-entry[1], entry[0]))
    return tuple(FacetValue(*entry) for entry in ranked[:VALUES_SHOWN])


def slow_attributes(products: list[Product]) -> dict[str, tuple[FacetValue, ...]]:
    found: dict[str, Counter[str]] = {}
    for name, value in (entry for product in products for entry in product.attributes):
        found.setdefault(name, Counter())[value] += 1
    ranked = sorted(found, key=lambda name: (-found[name].total(), name))
    chosen = [name for name in ranked if len(found[name]) > 1][:ATTRIBUTES_SHOWN]
    return {name: commonest(found[name]) for name in chosen}


@patient
@given(shelves, st.randoms())
def test_counts_are_those_of_a_slow_count(products: list[Product], chance: Random) -> None:
    rows = np.array([row for row in range(len(products)) if chance.random() < 0.7], np.int32)
    kept = [products[row] for row in rows]
    counts = Facets(product_table(products)).count(rows)
    assert counts.get("product_type", ()) == commonest(Counter(product.product_type for product in kept))
    assert counts.get("brand", ()) == commonest(Counter(product.brand for product in kept))
    assert sum(value.count for value in counts.get("price", ())) == sum(product.price is not None for product in kept)
    shown = {
        name: values for name, values in counts.items() if name not in ("product_type", "brand", "category", "price")
    }
    assert shown == slow_attributes(kept)


@patient
@given(st.lists(st.integers(0, 40), min_size=1, max_size=200))
def test_of_many_values_the_commonest_are_shown(brands: list[int]) -> None:
    products = [Product("", "t", brand=f"brand {number}" if number else "") for number in brands]
    shown = Facets(product_table(products)).count(all_rows(products)).get("brand", ())
    assert shown == commonest(Counter(product.brand for product in products))


@patient
@given(shelves)
def test_a_filter_keeps_as_many_as_its_facet_says(products: list[Product]) -> None:
    facets, rows = Facets(product_table(products)), all_rows(products)
    for name, values in facets.count(rows).items():
        distinct = all(len(set(product.attributes)) == len(product.attributes) for product in products)
        for value in values:
            kept = facets.select(rows, [Filter(name, (value.value,))])
            assert len(kept) == value.count or not distinct


@patient
@given(shelves)
def test_values_of_one_attribute_are_alternatives(products: list[Product]) -> None:
    facets, rows = Facets(product_table(products)), all_rows(products)
    wanted = {("color", "a"), ("color", "b")}
    if any(name == "color" for product in products for name, _ in product.attributes):
        kept = facets.select(rows, [Filter("color", ("a", "b", "no such color"))]).tolist()
        assert kept == [row for row, product in enumerate(products) if wanted & set(product.attributes)]


def test_a_category_that_repeats_the_type_gives_way_to_the_one_above() -> None:
    products = [
        Product("1", "t", product_type="dome tent", category=("Outdoors", "Camping", "Dome Tents")),
        Product("2", "t", product_type="dome tent", category=("Outdoors", "Camping")),
        Product("3", "t", product_type="dome tent", category=("dome tent",)),
    ]
    facets = Facets(product_table(products))
    assert facets.count(all_rows(products))["category"] == (FacetValue("Camping", 2),)
    assert facets.select(all_rows(products), [Filter("category", ("Camping",))]).tolist() == [0, 1]


def test_prices_fall_into_steps_from_below() -> None:
    products = [Product(str(price), "t", price=price) for price in (0.0, 9.99, 10.0, 999.0, 1000.0, 5000.0)]
    products.append(Product("none", "t"))
    counts = Facets(product_table(products)).count(all_rows(products))["price"]
    assert {value.value: value.count for value in counts} == {"0..10": 2, "10..25": 1, "500..1000": 1, "1000..": 2}


def test_orders_put_what_has_no_price_last() -> None:
    products = [Product("1", "b", price=2.0), Product("2", "a"), Product("3", "C", price=1.0)]
    facets, rows = Facets(product_table(products)), np.arange(3, dtype=np.int32)
    orders = {sort: facets.order(rows, sort).tolist() for sort in Sort}
    assert orders == {
        Sort.RELEVANCE: [0, 1, 2],
        Sort.PRICE_UP: [2, 0, 1],
        Sort.PRICE_DOWN: [0, 2, 1],
        Sort.TITLE: [1, 0, 2],
    }


def test_an_unknown_field_and_a_price_that_is_no_range_are_named() -> None:
    facets = Facets(product_table([Product("1", "t", attributes=(("color", "sage"),))]))
    with pytest.raises(UnknownField, match=r"no field 'colour' to filter by.*'color'"):
        facets.select(np.zeros(1, np.int32), [Filter("colour", ("sage",))])
    for price in ("cheap", "10", "nan..5", "5..NaN"):
        with pytest.raises(InputError, match=f"Price '{price}' is no range"):
            facets.select(np.zeros(1, np.int32), [Filter("price", (price,))])
