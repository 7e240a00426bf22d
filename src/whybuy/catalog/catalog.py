"""The loaded catalog: products by id and by column."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.errors import ArtifactError, InputError
from whybuy.records import PRODUCT_SCHEMA, PRODUCTS, Product

FORMAT_VERSION = 1


class Catalog:
    """The products of a shop; rows are numbered from 0 in the order of the table."""

    def __init__(self, products: pa.Table) -> None:
        self.table = products

    def __len__(self) -> int:
        return len(self.table)

    def __contains__(self, product_id: object) -> bool:
        return product_id in self._rows

    @cached_property
    def ids(self) -> Sequence[str]:
        """Product ids by row."""
        return tuple(self.table.column("product_id").to_pylist())

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {product_id: row for row, product_id in enumerate(self.ids)}

    def row(self, product_id: str) -> int:
        """The row of a product.

        Raises:
            InputError: no product has this id.
        """
        try:
            return self._rows[product_id]
        except KeyError:
            raise InputError(
                f"The catalog has no product {product_id!r} among its {len(self)}. Check the id."
            ) from None

    def product(self, product_id: str) -> Product:
        """The product with this id.

        Raises:
            InputError: no product has this id.
        """
        return self.at(self.row(product_id))

    def at(self, row: int) -> Product:
        """The product in a row."""
        values = self.table.slice(row, 1).to_pylist()[0]
        attributes = tuple((entry["name"], entry["value"]) for entry in values.pop("attributes"))
        return Product(**values | {"category": tuple(values["category"]), "attributes": attributes})

    def column(self, name: str) -> list[Any]:
        """All values of one column of `PRODUCT_SCHEMA`, by row."""
        values: list[Any] = self.table.column(name).to_pylist()
        return values

    def types(self) -> tuple[str, ...]:
        """The product types of the shop, sorted; products without a type add none."""
        return tuple(sorted(set(self.table.column("product_type").unique().to_pylist()) - {""}))

    def type_numbers(self) -> NDArray[np.int32]:
        """The place of each product's type in `types`, -1 for none. Shape (products,)."""
        places = pc.index_in(self.table.column("product_type"), pa.array(self.types(), pa.string()))
        numbers: NDArray[np.int32] = pc.fill_null(places, -1).to_numpy()
        return numbers

    def save(self, folder: Path) -> None:
        """Write the catalog into an existing folder."""
        pq.write_table(self.table, folder / PRODUCTS.file, compression="zstd")

    @classmethod
    def load(cls, folder: Path) -> "Catalog":
        """The catalog that `save` wrote.

        Raises:
            ArtifactError: the folder holds no catalog, or a damaged one.
        """
        path = folder / PRODUCTS.file
        try:
            table = pq.ParquetFile(path, memory_map=True).read()  # read_table loads a second of modules first
        except (FileNotFoundError, pa.ArrowInvalid, OSError) as error:
            raise ArtifactError(
                f"{path} is missing or damaged ({error}). Run `whybuy build` to make it anew."
            ) from error
        if table.schema.names != PRODUCT_SCHEMA.names:
            raise ArtifactError(f"{path} has other columns than this whybuy reads. Run `whybuy build` to make it anew.")
        return cls(table.cast(PRODUCT_SCHEMA))
