"""A product as a record, and the Arrow schema of a catalog."""

from dataclasses import dataclass

import pyarrow as pa

from whybuy.records.bulk import BulkTable


@dataclass(frozen=True, slots=True)
class Product:
    """One thing that a shopper can buy."""

    product_id: str
    title: str
    description: str = ""
    brand: str = ""
    product_type: str = ""  # singular, lower case: "slip-on shoe"; from the feed, else inferred
    type_confidence: float = 0.0  # 1 when the feed states the type, else the inference's confidence in [0, 1]
    category: tuple[str, ...] = ()  # names from the root; empty when the shop has no taxonomy
    attributes: tuple[tuple[str, str], ...] = ()  # (name, value), names repeat for several values
    price: float | None = None
    currency: str = ""
    url: str = ""
    image: str = ""
    locale: str = ""


ATTRIBUTE_TYPE = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))


PRODUCT_SCHEMA = pa.schema(
    [
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("description", pa.string(), nullable=False),
        pa.field("brand", pa.string(), nullable=False),
        pa.field("product_type", pa.string(), nullable=False),
        pa.field("type_confidence", pa.float32(), nullable=False),
        pa.field("category", pa.list_(pa.string()), nullable=False),
        pa.field("attributes", ATTRIBUTE_TYPE, nullable=False),
        pa.field("price", pa.float64()),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("image", pa.string(), nullable=False),
        pa.field("locale", pa.string(), nullable=False),
    ]
)
PRODUCTS = BulkTable("catalog", "products.parquet", PRODUCT_SCHEMA)
