"""Categories name types where titles say the same."""

from collections.abc import Sequence

import pytest

from whybuy.catalog.category_types import FINE_LEAVES, category_names
from whybuy.catalog.types import guess_types

FILLER = [("Shop", "Else", f"Widgets {number}") for number in range(FINE_LEAVES)]


def types_of(products: Sequence[tuple[str, tuple[str, ...]]]) -> list[tuple[str, float]]:
    rows = [*products, *(("", path) for path in FILLER)]
    return guess_types([title for title, _ in rows], categories=[path for _, path in rows])[: len(products)]


@pytest.mark.parametrize(
    ("level", "names"),
    [
        ("Wall Lamps & Sconces", ["wall lamp", "sconce"]),
        ("All Mobile Phones with Plans", ["mobile phone"]),
        ("T-Shirts", ["t-shirt"]),
        ("Accessories", []),
        ("Men", []),
        ("More Trim Kits and Fittings", ["trim kit", "fitting"]),
    ],
)
def test_a_category_lists_things(level: str, names: list[str]) -> None:
    assert [one.name for one in category_names(level)] == names


def test_a_leaf_names_the_types_of_titles_that_say_it() -> None:
    path = ("Shop", "Gloves & Masks", "Exam Gloves")
    assert types_of([("Nitrile Gloves Free of Latex, 100 Pieces", path)]) == [("exam glove", 1.0)]


def test_the_level_above_is_tried_and_then_the_title() -> None:
    sealants = ("Shop", "Fillers & Sealants", "Gaskets")
    basic = ("Shop", "Accessories", "Basic")
    titles = [("Clear Silicone Sealant, 3 oz.", sealants), *((f"{name} Wireless Headset", basic) for name in "ABCD")]
    names = [name for name, _ in types_of(titles)]
    assert names == ["sealant", *["wireless headset"] * 4]


def test_traits_and_audiences_are_no_types_where_titles_only_have_the_word() -> None:
    titles = [
        *((f"{name} Programmable Wall Thermostat", ("Shop", "Thermostats", "Programmable")) for name in "ABCD"),
        *((f"{name} Women's Rain Boot", ("Shop", "Shoes", "Women")) for name in "ABCD"),
    ]
    assert {name for name, _ in types_of(titles)} == {"thermostat", "rain boot"}


def test_a_category_that_most_titles_say_holds_for_the_others_and_not_for_strangers() -> None:
    slippers = ("Shop", "Shoes", "Slippers")
    titles = [(f"{name} Wool Slipper", slippers) for name in "ABCDEF"]
    titles += [("Zorb Pile Lined Hardsole", slippers), ("A Phone Charger", slippers)]
    titles += [(f"{name} Phone Charger", ("Shop", "Phones", "Batteries")) for name in "BCDE"]
    answers = types_of(titles)
    assert answers[6] == ("slipper", 0.8)
    assert answers[7][0] == "phone charger"


def test_works_are_what_the_root_says() -> None:
    names = "aurora birch canyon dusk ember fjord grove harbor island juniper".split()
    titles = [(f"Sorrow of the {name}", ("Books", "Fiction", f"Genre {number}")) for number, name in enumerate(names)]
    assert set(types_of(titles)) == {("book", 0.6)}


def test_a_coarse_taxonomy_names_no_types() -> None:
    rows = [("Fresh Apple", ("Food", "Apples")), ("Hand Soap", ("Care", "Soaps"))]
    assert [name for name, _ in guess_types([title for title, _ in rows], categories=[path for _, path in rows])] == [
        "",
        "",
    ]
