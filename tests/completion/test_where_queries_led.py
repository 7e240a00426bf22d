"""What queries led to: the category that most of it is in, and whether the catalog has any of it."""

import pytest

from tiny_shop import pair_table, product_table
from whybuy.completion.catalog_phrases import leading_queries, purchased_category
from whybuy.records import Behavior, Product

PRODUCTS = product_table(
    [
        Product(one, one, category=("Shop", category))
        for one, category in zip("abc", ("Shoes", "Shoes", "Tents"), strict=True)
    ]
)
PAIRS = [
    (Behavior.SEARCH_BUY, "kicks", "a", 2),
    (Behavior.SEARCH_BUY, "kicks", "b", 1),
    (Behavior.SEARCH_BUY, "kicks", "c", 2),
    (Behavior.SEARCH_BUY, "camp", "c", 1),
    (Behavior.SEARCH_BUY, "camp", "a", 1),
    (Behavior.SEARCH_BUY, "gone", "z", 9),
    (Behavior.CO_BUY, "a", "c", 9),
]


@pytest.mark.parametrize("only", ["", "carts", "clicks"])
def test_a_query_has_the_category_of_most_of_what_it_led_to(only: str) -> None:
    category = purchased_category(pair_table(PAIRS, only=only), PRODUCTS)
    assert category("kicks") is not None
    assert category("kicks") == purchased_category(pair_table(PAIRS[:2]), PRODUCTS)("kicks")
    assert [category(text) for text in ("camp", "gone", "never asked")] == [None, None, None]
    assert purchased_category(pair_table(PAIRS, only=only), PRODUCTS, share=0.61)("kicks") is None


@pytest.mark.parametrize("only", ["", "carts", "clicks"])
def test_a_query_leads_somewhere_if_the_catalog_has_what_was_chosen(only: str) -> None:
    assert leading_queries(pair_table(PAIRS, only=only), PRODUCTS) == {"kicks", "camp"}
