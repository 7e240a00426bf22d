"""The text of a product in a few words, as trees over products and the intent student are trained on it."""

import pyarrow as pa

from whybuy.text import tokenize


def product_text(title: str, product_type: str, values: list[str]) -> str:
    """The title, then the type and those attribute values that have a word which is not there yet."""
    words, parts = set(tokenize(title)), [title]
    for part in (product_type, *values):
        if not words.issuperset(further := tokenize(part)):
            parts.append(part)
            words.update(further)
    return " ".join(parts)


def product_texts(products: pa.Table) -> list[str]:
    """`product_text` of each row. products: `records.PRODUCT_SCHEMA`."""
    columns = (products[name].to_pylist() for name in ("title", "product_type", "attributes"))
    return [
        product_text(title, kind, [entry["value"] for entry in attributes])
        for title, kind, attributes in zip(*columns, strict=True)
    ]
