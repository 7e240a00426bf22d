"""Products as documents of the lexical index: their words, field by field."""

from collections.abc import Iterator

import pyarrow as pa
import tantivy

from whybuy.errors import InputError
from whybuy.records import PRODUCT_SCHEMA, Product
from whybuy.retrieval.terms import FIELDS, field_texts, stem, words

WRITER_MEMORY = 64_000_000  # bytes


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("product_id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("row", indexed=True, fast=True)
    builder.add_text_field("exact_type", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("word", tokenizer_name="whitespace", index_option="basic")  # unstemmed, for spelling
    for name in FIELDS:
        builder.add_text_field(name, tokenizer_name="whitespace")
    return builder.build()


SCHEMA = _schema()


def write_products(index: tantivy.Index, products: pa.Table, *, first_row: int) -> None:
    """Index products, from this row on; where rows go before, in place of those with the same ids.

    Raises:
        InputError: the table is not in PRODUCT_SCHEMA.
    """
    if not products.schema.equals(PRODUCT_SCHEMA):
        raise InputError(
            f"The lexical index takes products in PRODUCT_SCHEMA, not {products.schema.names}. "
            "Read the feed with `whybuy.catalog` first."
        )
    writer = index.writer(WRITER_MEMORY, 1)
    for row, product in enumerate(read_products(products), first_row):
        if first_row:
            writer.delete_documents_by_term("product_id", product.product_id)
        writer.add_document(_document(row, product))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()


def _document(row: int, product: Product) -> tantivy.Document:
    document = tantivy.Document()
    document.add_unsigned("row", row)
    document.add_text("product_id", product.product_id)
    document.add_text("exact_type", product.product_type.casefold())
    seen: set[str] = set()
    for name, text in zip(FIELDS, field_texts(product), strict=True):
        text_words = words(text)
        seen.update(text_words)
        document.add_text(name, " ".join(map(stem, text_words)))
    document.add_text("word", " ".join(sorted(seen)))
    return document


def read_products(table: pa.Table) -> Iterator[Product]:
    """Products with all that has words. table: PRODUCT_SCHEMA."""
    columns = ["product_id", "title", "description", "brand", "product_type", "category", "attributes"]
    for batch in table.select(columns).to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            row["category"] = tuple(row["category"])
            row["attributes"] = tuple((entry["name"], entry["value"]) for entry in row["attributes"])
            yield Product(**row)
