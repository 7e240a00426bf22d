"""Parquet, nested columns included."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.errors import InputError
from whybuy.tables.rows import BATCH_ROWS, ReadReport, Rows, as_text, rows_of
from whybuy.tables.streams import is_compressed, open_bytes


def read_parquet(path: Path, report: ReadReport) -> Iterator[Rows]:
    """Rows of a Parquet file; none is bad, since the file is whole or it is not."""
    del report
    first = 1
    try:
        with open_bytes(path) as stream, pq.ParquetFile(_seekable(path, stream)) as file:
            for batch in file.iter_batches(BATCH_ROWS // 4):
                yield rows_of(as_text(pa.Table.from_batches([batch])), range(first, first + len(batch)))
                first += len(batch)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is a damaged Parquet file: {error}. Export or copy it again.") from error


def _seekable(path: Path, stream: BinaryIO) -> pa.NativeFile:
    return pa.BufferReader(stream.read()) if is_compressed(path) else pa.memory_map(str(path))
