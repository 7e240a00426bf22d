"""Where the rows of a schema lie in a shop."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class BulkTable:
    """A Parquet file within an artifact; one stands beside each schema whose rows stages hand on."""

    kind: str  # of the artifact
    file: str
    schema: pa.Schema
