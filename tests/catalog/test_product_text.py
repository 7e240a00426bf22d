"""The text of a product: title, type and attribute values, each word once."""

from tiny_shop import product_table
from whybuy.catalog.product_text import product_text, product_texts
from whybuy.records import Product


def test_type_and_values_are_added_where_they_have_a_further_word() -> None:
    lamp = Product("1", "Red lamp", product_type="floor lamp", attributes=(("color", "red"), ("material", "brass")))
    assert product_texts(product_table([lamp, Product("2", "Tent")])) == ["Red lamp floor lamp brass", "Tent"]


def test_values_are_compared_with_each_other_too() -> None:
    assert product_text("Tent", "dome tent", ["dome", "two person", "person"]) == "Tent dome tent two person"
