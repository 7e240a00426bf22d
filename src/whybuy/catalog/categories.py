"""The deepest category of a product that is not its type."""

import pyarrow as pa

from whybuy.text import canonical


def deepest_categories(products: pa.Table) -> list[str]:
    """The deepest category of each product that does not name its type over again; "" where there is none.

    "Floor Lamps" names the type "floor lamp": case and number do not count. products: `records.PRODUCT_SCHEMA`.
    """
    paths, types = products["category"].to_pylist(), products["product_type"].to_pylist()
    return [
        next((name for name in reversed(path) if canonical(name) != canonical(kind)), "")
        for path, kind in zip(paths, types, strict=True)
    ]
