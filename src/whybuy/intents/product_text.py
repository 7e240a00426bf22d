"""The text of a product, as the intent student reads it."""

import pyarrow as pa

from whybuy.text import tokenize


def text_of_product(title: str, product_type: str, values: list[str]) -> str:
    """The title of a product, then its type and those attribute values whose words are not all there yet."""
    words, parts = set(tokenize(title)), [title]
    for part in (product_type, *values):
        if not words.issuperset(further := tokenize(part)):
            parts.append(part)
            words.update(further)
    return " ".join(parts)


def texts_of_products(products: pa.Table) -> list[str]:
    """`text_of_product` of each row of a catalog (PRODUCT_SCHEMA)."""
    columns = (products[name].to_pylist() for name in ("title", "product_type", "attributes"))
    return [
        text_of_product(title, kind, [entry["value"] for entry in attributes])
        for title, kind, attributes in zip(*columns, strict=True)
    ]
