"""Product types for feeds that state none: by titles, descriptions and categories, and as a person corrects them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from whybuy.catalog.category_types import types_by_category
from whybuy.catalog.corrections import read_corrections
from whybuy.catalog.title_types import types_by_title
from whybuy.catalog.titles import title_parts
from whybuy.config import ConfigTable


@dataclass(frozen=True, slots=True)
class TypeConfig:
    """How types are inferred; our design, set on samples of Best Buy, Home Depot and `esci_us`, not on those judged."""

    min_products: int = 3  # titles that must share a head
    min_association: float = 0.06  # cosine of two words, over titles that end with them, to make one type


TYPE_CONFIG = ConfigTable("types", TypeConfig)


def infer_types(products: pa.Table, overrides: Path | None = None, config: TypeConfig | None = None) -> pa.Table:
    """Fill `product_type` and `type_confidence` of the products that have no type; corrections apply to all.

    products: `PRODUCT_SCHEMA`, of which product_id, title, brand, description, category, product_type and
    type_confidence are read. The same products in any order get the same types; where nothing says what a product is,
    it stays without one. Confidence is in [0, 1]: 1 where a category names what the title says, else it grows with the
    number of titles that share the type and depends on what said it.

    Raises:
        InputError: the corrections cannot be understood.
    """
    types = products["product_type"].to_pylist()
    confidences = products["type_confidence"].to_pylist()
    missing = [row for row, name in enumerate(types) if not name]
    titles = products["title"].to_pylist()
    untyped = products.take(pa.array(missing, pa.int64()))
    inferred = guess_types(
        untyped["title"].to_pylist(),
        untyped["brand"].to_pylist(),
        untyped["description"].to_pylist(),
        untyped["category"].to_pylist(),
        config,
    )
    for row, (name, confidence) in zip(missing, inferred, strict=True):
        types[row], confidences[row] = name, confidence
    if overrides is not None:
        corrections = read_corrections(overrides)
        for row, product_id in enumerate(products["product_id"].to_pylist()):
            corrected = corrections.apply(product_id, titles[row], types[row])
            if corrected is not None:
                types[row], confidences[row] = corrected, 1.0
    return _replace(products, product_type=types, type_confidence=confidences)


def guess_types(
    titles: Sequence[str],
    brands: Sequence[str] = (),
    descriptions: Sequence[str] = (),
    categories: Sequence[Sequence[str]] = (),
    config: TypeConfig | None = None,
) -> list[tuple[str, float]]:
    """The type and its confidence for each title; ("", 0.0) where nothing says what it is.

    brands, descriptions, categories (paths from the root): of the same products; none when the feed has none.
    """
    config = config or TypeConfig()
    blank = [""] * len(titles)
    parsed = [title_parts(title, brand) for title, brand in zip(titles, brands or blank, strict=True)]
    guesses = types_by_title(parsed, descriptions or blank, config.min_products, config.min_association)
    return types_by_category(categories, parsed, guesses) if categories else guesses


def _replace(products: pa.Table, **columns: list[str] | list[float]) -> pa.Table:
    for name, values in columns.items():
        position = products.schema.get_field_index(name)
        field = products.schema.field(position)
        products = products.set_column(position, field, pa.array(values, field.type))
    return products
