"""Where Ibis expressions run: DuckDB embedded, or a local Spark; both within a memory limit, both spill to disk."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import ibis
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from ibis.backends import BaseBackend
from ibis.expr.types import Table

from whybuy.errors import ConfigError, MissingExtraError

EngineName = Literal["duckdb", "spark"]


@dataclass(frozen=True, slots=True)
class Engine:
    """An open backend and the folder where it keeps what is needed more than once."""

    backend: BaseBackend
    spill: Path

    def read(self, path: Path) -> Table:
        """A Parquet file, or a folder of them, as a table expression."""
        return self.backend.read_parquet(str(path))

    def keep(self, table: Table, name: str) -> Table:
        """The rows of an expression, computed once, written to the spill folder and read back from there."""
        path = self.spill / f"{name}.parquet"
        self.backend.to_parquet(table, str(path))
        return self.read(path)

    def write(self, table: Table, path: Path, schema: pa.Schema) -> int:
        """Write the rows of an expression, in its order and batch by batch, as one Parquet file of this schema.

        Returns: the number of rows.
        """
        self.keep(table.select(schema.names), path.stem)
        source = self.spill / f"{path.stem}.parquet"
        rows = 0
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for batch in ds.dataset(source, format="parquet").to_batches():
                writer.write_table(pa.Table.from_batches([batch]).cast(schema))
                rows += batch.num_rows
        return rows


@contextmanager
def open_engine(name: EngineName, *, memory_limit: str, threads: int, spill_folder: Path) -> Iterator[Engine]:
    """Open a backend for a while; its spill folder lies inside `spill_folder` and goes when the block ends.

    Raises:
        ConfigError: the backend refuses a setting, e.g. a memory limit that is none.
        MissingExtraError: Spark is asked for and not installed.
    """
    spill_folder.mkdir(parents=True, exist_ok=True)
    spill = Path(tempfile.mkdtemp(prefix=".spill-", dir=spill_folder))
    try:
        opener = _open_spark if name == "spark" else _open_duckdb
        backend = opener(memory_limit, threads, spill)
        try:
            with _usual_errors():
                yield Engine(backend, spill)
        finally:
            backend.disconnect()
    finally:
        shutil.rmtree(spill, ignore_errors=True)


@contextmanager
def _usual_errors() -> Iterator[None]:
    """Raise what a full disk and Ctrl-C are everywhere else, not DuckDB's own."""
    import duckdb  # noqa: PLC0415 - only the engine that runs is loaded

    try:
        yield
    except duckdb.IOException as error:
        reason = os.strerror(errno.ENOSPC)
        if reason in str(error):
            raise OSError(errno.ENOSPC, reason) from error
        raise
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from error
        raise


def _open_duckdb(memory_limit: str, threads: int, spill: Path) -> BaseBackend:
    import duckdb  # noqa: PLC0415 - only the engine that runs is loaded

    settings = {"memory_limit": memory_limit, "temp_directory": str(spill / "duckdb")}
    if threads:
        settings["threads"] = str(threads)
    try:
        return ibis.duckdb.connect(":memory:", **settings)
    except duckdb.Error as error:
        raise ConfigError(
            f"DuckDB refuses memory_limit = {memory_limit!r}, threads = {threads}: {error}. "
            'Write a size such as "4GB" and a number of threads, 0 for all cores.'
        ) from error


def _open_spark(memory_limit: str, threads: int, spill: Path) -> BaseBackend:
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("Mining on Spark needs the `spark` extra: pip install 'whybuy[spark]'") from error
    session = (
        SparkSession.builder.master(f"local[{threads or '*'}]")
        .config("spark.driver.memory", memory_limit.lower().removesuffix("b"))
        .config("spark.local.dir", str(spill))
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", str(threads or 8))
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    return ibis.pyspark.connect(session)
