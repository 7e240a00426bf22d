"""A product as a short text, as the student reads it."""

import pyarrow as pa

from whybuy.text import tokenize


def text_of_product(title: str, product_type: str, values: list[str]) -> str:
    """A product in a few words: its title, and what its type and attribute values add to that."""
    said, parts = set(tokenize(title)), [title]
    for part in (product_type, *values):
        if not said.issuperset(words := tokenize(part)):
            parts.append(part)
            said.update(words)
    return " ".join(parts)


def texts_of_products(products: pa.Table) -> list[str]:
    """`text_of_product` by row of the catalog."""
    columns = (products[name].to_pylist() for name in ("title", "product_type", "attributes"))
    return [
        text_of_product(title, kind, [entry["value"] for entry in attributes])
        for title, kind, attributes in zip(*columns, strict=True)
    ]
