"""The deepest category that is not the type over again."""

import pytest

from tiny_shop import product_table
from whybuy.catalog.categories import deepest_categories
from whybuy.records import Product


@pytest.mark.parametrize(
    ("path", "kind", "category"),
    [
        (("Home", "Lighting", "Floor Lamps"), "floor lamp", "Lighting"),
        (("Home", "Lighting"), "floor lamp", "Lighting"),
        (("Floor Lamps", "FLOOR LAMP"), "floor lamp", ""),
        (("Home", "Lighting"), "", "Lighting"),
        ((), "floor lamp", ""),
    ],
)
def test_the_deepest_category_is_not_the_type(path: tuple[str, ...], kind: str, category: str) -> None:
    assert deepest_categories(product_table([Product("1", "x", product_type=kind, category=path)])) == [category]
