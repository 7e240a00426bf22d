"""Batches of text columns, as every reader of tables yields them, and the report of rows that were set aside."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from whybuy.tables.streams import to_text

LONGEST_FIELD = 100_000  # characters; what is longer is cut, and counted
EXAMPLES_KEPT = 5  # bad rows shown by file and line, of each reason; all are counted
BATCH_ROWS = 65_536
TEXTS = pa.list_(pa.string())
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class SetAside:
    """One row that could not be used."""

    reason: str
    file: str
    line: int  # from 1; the row's number in Parquet and JSON arrays
    excerpt: str


@dataclass(slots=True)
class ReadReport:
    """Counts of the rows of some files that were read and set aside, with examples; readers add to it."""

    rows_read: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)  # by reason
    examples: list[SetAside] = field(default_factory=list)  # the first `EXAMPLES_KEPT` of each reason
    cut_fields: int = 0  # longer than `LONGEST_FIELD`
    foreign_encoding: set[str] = field(default_factory=set)  # files with bytes that are not UTF-8, read as Windows-1252

    def reject(self, reason: str, file: Path, line: int, excerpt: str = "") -> None:
        """Count a row that is set aside, and keep it as an example while its reason has few."""
        if self.wants(reason):
            self.examples.append(SetAside(reason, file.name, line, excerpt.strip()[:120]))
        self.set_aside[reason] += 1

    def wants(self, reason: str) -> bool:
        """Whether one more row of this reason would be kept as an example."""
        return self.set_aside[reason] < EXAMPLES_KEPT

    @property
    def rows_kept(self) -> int:
        """Rows that were not set aside."""
        return self.rows_read - self.set_aside.total()


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch of rows; every column is text or a list of texts, never null."""

    batch: pa.RecordBatch
    lines: pa.Int64Array  # where each row starts in its file

    def text(self, name: str) -> pa.StringArray:
        """A column as text: blank when the batch has none of that name, lists joined by ", "."""
        if name not in self.batch.schema.names:
            return pa.array([""] * len(self.batch), pa.string())
        column = self.batch.column(name)
        return pc.binary_join(column, ", ") if pa.types.is_list(column.type) else column

    def texts(self, name: str) -> pa.ListArray:
        """A column as lists of texts: empty when the batch has none of that name, or where the text is blank."""
        if name not in self.batch.schema.names:
            return pa.array([[]] * len(self.batch), TEXTS)
        column = self.batch.column(name)
        if pa.types.is_list(column.type):
            return column
        filled = pc.cast(pc.not_equal(column, ""), pa.int32())
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(filled)])
        return pa.ListArray.from_arrays(offsets, column.filter(pc.not_equal(column, "")))

    def keep(self, mask: pa.BooleanArray) -> "Rows":
        """The rows where the mask holds."""
        return Rows(self.batch.filter(mask), self.lines.filter(mask))


def rows_of(table: pa.Table, lines: Sequence[int]) -> Rows:
    """One batch of a table whose columns are text already."""
    batches = table.combine_chunks().to_batches()
    return Rows(batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema), pa.array(lines, pa.int64()))


def as_text(table: pa.Table) -> pa.Table:
    """Nested and typed columns as the text columns that `Rows` promises; columns without any value are left out."""
    while any(pa.types.is_struct(entry.type) for entry in table.schema):
        table = table.flatten()
    filled = [name for name in table.column_names if table.column(name).null_count < len(table)]
    columns = {name: _text_column(table.column(name).combine_chunks()) for name in filled}
    return pa.table(columns) if columns else pa.table({"": [""] * len(table)})


def _text_column(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _text_column(column.dictionary_decode())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        return _text_lists(column)
    return pc.fill_null(_scalars(column), "")


def _text_lists(column: pa.Array) -> pa.Array:
    if pa.types.is_nested(column.type.value_type) or pa.types.is_map(column.type) or column.null_count:
        return pa.array(
            [[leaf_text(entry) for entry in entries or [] if entry is not None] for entries in column.to_pylist()],
            TEXTS,
        )
    values = pc.fill_null(_scalars(column.flatten()), "")
    lengths = pc.cast(pc.list_value_length(column), pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    return pa.ListArray.from_arrays(offsets, values)


def _scalars(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz:
        return pc.cast(pc.cast(column, pa.timestamp("us", "UTC")), pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([to_text(value)[0] if value is not None else None for value in column.to_pylist()], pa.string())
    if pa.types.is_floating(kind):
        return pa.array([leaf_text(value) if value is not None else None for value in column.to_pylist()], pa.string())
    return pc.cast(column, pa.string())


def leaf_text(value: object) -> str:
    """A single JSON value as text: whole numbers without a point, objects and lists as JSON, null blank."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case int():
            return str(value)
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS).decode()


def groups(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """Items in lists of `size`, the last one shorter."""
    while group := list(islice(items, size)):
        yield group


def unix_text(block: bytes, path: Path, report: ReadReport) -> str:
    """Text of a block with line feeds as the only line ends; a foreign encoding is reported."""
    text, foreign = to_text(block)
    if foreign:
        report.foreign_encoding.add(path.name)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def cut(rows: Rows, report: ReadReport) -> Rows:
    """Cut texts that are too long for anything here to use."""
    columns = []
    for column in rows.batch.columns:
        if pa.types.is_string(column.type) and (pc.max(pc.binary_length(column)).as_py() or 0) > LONGEST_FIELD:
            report.cut_fields += pc.sum(pc.greater(pc.utf8_length(column), LONGEST_FIELD)).as_py()
            column = pc.utf8_slice_codeunits(column, 0, LONGEST_FIELD)  # noqa: PLW2901
        columns.append(column)
    return Rows(pa.RecordBatch.from_arrays(columns, schema=rows.batch.schema), rows.lines)
