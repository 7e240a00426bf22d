"""Result pages of the demo's keyword engine, and the sets of products that they are made from."""

import numpy as np
import pytest

from whybuy.demo.engine import LONGEST_PAGE, SHORTEST_PAGE, result_pages
from whybuy.demo.products import Ints, stock
from whybuy.demo.shelves import NOTHING, Shelves
from whybuy.demo.world import load_world

KIND = "walking shoe"
QUERIES = 400


@pytest.fixture(scope="module")
def shelves() -> Shelves:
    return Shelves(stock(load_world(), seed=1))


def pages_for(shelves: Shelves, wanted: int, constraint: int) -> Ints:
    rng = np.random.default_rng(5)
    return result_pages(shelves, np.full(QUERIES, wanted), np.full(QUERIES, constraint), rng)


def test_pages_are_filled_from_the_left_without_repeats(shelves: Shelves) -> None:
    pages = pages_for(shelves, shelves.types([KIND]), NOTHING)
    assert pages.shape == (QUERIES, LONGEST_PAGE)
    for page in pages:
        shown = page[page >= 0]
        assert SHORTEST_PAGE <= len(shown) == len(set(shown.tolist()))
        assert (page[: len(shown)] >= 0).all()


def test_wanted_type_comes_first_and_some_others_are_mixed_in(shelves: Shelves) -> None:
    wanted = shelves.types([KIND])
    pages = pages_for(shelves, wanted, NOTHING)
    of_type = np.isin(pages, shelves.products(wanted))
    assert of_type[:, 0].mean() > 0.9
    assert of_type[:, :SHORTEST_PAGE].mean() > 0.7
    assert not of_type[:, :SHORTEST_PAGE].all()


def test_popular_products_stand_higher(shelves: Shelves) -> None:
    wanted = shelves.types([KIND])
    members = shelves.products(wanted)
    order = members[np.argsort(-shelves.assortment.popularity[members])]
    pages = pages_for(shelves, wanted, NOTHING)
    assert (pages[:, 0] == order[0]).mean() > 2 * (pages[:, 0] == order[-1]).mean()


def test_said_attribute_lifts_the_products_that_hold_it(shelves: Shelves) -> None:
    wanted, constraint = shelves.types([KIND]), shelves.attribute("sole", "slip-resistant")
    holding = shelves.products(shelves.both(wanted, constraint))
    plain, typed = (np.isin(pages_for(shelves, wanted, words)[:, 0], holding).mean() for words in (NOTHING, constraint))
    assert typed > plain + 0.2


def test_answering_products_are_those_with_the_needed_values(shelves: Shelves) -> None:
    products = shelves.assortment.products
    for reason in shelves.assortment.world.reasons[::25]:
        slow = {
            at
            for at, product in enumerate(products)
            if product.product_type == reason.type.name
            and all(dict(product.attributes)[name] in values for name, values in reason.latent.needs.items())
        }
        assert set(shelves.products(shelves.answering([reason])).tolist()) == slow


def test_set_asked_for_twice_is_one(shelves: Shelves) -> None:
    assert shelves.types([KIND]) == shelves.types([KIND])
    assert shelves.products(NOTHING).size == 0
    assert (np.flatnonzero(shelves.matrix()[shelves.types([KIND])]) == shelves.products(shelves.types([KIND]))).all()
