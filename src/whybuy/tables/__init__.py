"""Rows of tables from outside: CSV, TSV, JSONL, JSON and Parquet, plain or compressed, as batches of text.

Whatever the file holds, every column arrives as text or as a list of texts, never null: nested JSON becomes dotted
columns (`event_attributes.object.object_id`), objects inside lists become JSON text. Ids keep their leading zeros.
A bad row is set aside and reported; a file that cannot be understood raises InputError.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path

from whybuy.errors import InputError
from whybuy.tables.delimited import read_delimited
from whybuy.tables.objects import json_objects, read_json_document, read_jsonl, unnest
from whybuy.tables.parquet import read_parquet
from whybuy.tables.rows import LONGEST_FIELD, ReadReport, Rows, SetAside, cut, leaf_text
from whybuy.tables.streams import open_bytes, read_head, to_text

__all__ = [
    "LONGEST_FIELD",
    "Container",
    "ReadReport",
    "Rows",
    "SetAside",
    "container",
    "json_objects",
    "leaf_text",
    "peek",
    "read_rows",
    "unnest",
]


class Container(StrEnum):
    """Format of the rows of a file, by its content and not its name."""

    CSV = "csv"
    JSONL = "jsonl"
    JSON = "json"
    PARQUET = "parquet"


def read_rows(path: Path, report: ReadReport) -> Iterator[Rows]:
    """The rows of a file, in batches of bounded size.

    Delimiter, compression, container and encoding are recognized by content; JSON arrays and documents are held in
    memory whole.

    Raises:
        InputError: the file is missing, empty, truncated, binary, or has no header.
    """
    for rows in _READERS[container(path)](path, report):
        report.rows_read += len(rows.batch)
        yield cut(rows, report)


def peek(path: Path, rows: int = 2000) -> Rows:
    """The first rows of a file, to see what it is.

    Raises:
        InputError: as `read_rows`; also when the file has a header but no row that can be read.
    """
    report = ReadReport()
    for batch in read_rows(path, report):
        return Rows(batch.batch.slice(0, rows), batch.lines.slice(0, rows))
    first = f" Line {report.examples[0].line}: {report.examples[0].reason}." if report.examples else ""
    raise InputError(f"{path} has no row that can be read.{first} Export it again, or leave it out.")


def container(path: Path) -> Container:
    """How the file holds its rows, recognized by its first bytes."""
    head = read_head(path)
    if head.startswith(b"PAR1"):
        return Container.PARQUET
    text = to_text(head)[0].lstrip()
    if text.startswith("["):
        return Container.JSON
    if not text.startswith("{"):
        return Container.CSV
    with open_bytes(path) as stream:
        lines = (line.strip() for line in stream)
        first, second = (*islice(filter(None, lines), 2), b"")[:2]
    return Container.JSONL if first != b"{" and second.startswith(b"{") else Container.JSON


_READERS: dict[Container, Callable[[Path, ReadReport], Iterator[Rows]]] = {
    Container.CSV: read_delimited,
    Container.JSONL: read_jsonl,
    Container.JSON: read_json_document,
    Container.PARQUET: read_parquet,
}
