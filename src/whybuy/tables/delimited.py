"""Delimited text such as CSV and TSV: a fast reader for ordinary quoting, a tolerant one for the rest."""

import csv
import itertools
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv

from whybuy.errors import InputError
from whybuy.tables.rows import BATCH_ROWS, ReadReport, Rows, groups, rows_of, unix_text
from whybuy.tables.streams import BLOCK_BYTES, blocks, open_bytes, read_head, to_text

_LONGEST_RECORD = 64 << 20  # characters after which an open quote counts as broken
_DELIMITERS = ",\t;|"


def read_delimited(path: Path, report: ReadReport) -> Iterator[Rows]:
    """Rows of CSV or TSV.

    Blocks with ordinary quoting go through Arrow; from the first other one on, the tolerant reader takes over.
    """
    with open_bytes(path) as stream:
        delimiter = _delimiter(path)
        header, line = _header(path, stream, delimiter)
        while block := _whole_records(stream):
            text = unix_text(block, path, report)
            rows = _fast_delimited(text, header, delimiter, line)
            if rows is None:
                later = (piece for more in blocks(stream) for piece in _lines(unix_text(more, path, report)))
                lines = _Replay(itertools.chain(_lines(text), later))
                records = _records(lines, delimiter, len(header), line)
                yield from _tolerant_delimited(records, header, path, report)
                return
            line += text.count("\n")
            yield rows


def _whole_records(stream: BinaryIO) -> bytes:
    """A block that ends where a line ends and, if quotes are ordinary, outside of a quoted field."""
    block = b"".join(stream.readlines(BLOCK_BYTES))
    tail: list[bytes] = []
    odd = block.count(b'"') % 2
    while odd and len(tail) < 10_000 and (line := stream.readline()):
        tail.append(line)
        odd = (odd + line.count(b'"')) % 2
    return block + b"".join(tail)


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends; no other character than the line feed ends one."""
    parts = text.split("\n")
    for part in parts[:-1]:
        yield part + "\n"
    if parts[-1]:
        yield parts[-1]


def _delimiter(path: Path) -> str:
    """The character that cuts the first lines into the most columns, the same number in most lines."""
    text = to_text(read_head(path))[0].replace("\r\n", "\n").replace("\r", "\n")
    lines = [line + "\n" for line in text.split("\n")[:50]]
    return max(_DELIMITERS, key=lambda delimiter: _regularity(lines, delimiter))


def _regularity(lines: Sequence[str], delimiter: str) -> float:
    widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
    if not widths or widths[0] == 1:
        return 0.0
    return widths[0] * sum(width == widths[0] for width in widths) / len(widths)


def _header(path: Path, stream: BinaryIO, delimiter: str) -> tuple[list[str], int]:
    """Column names, unique, and the line at which the rows start."""
    for line, raw in enumerate(stream, 1):
        text = to_text(raw)[0].lstrip("\ufeff").strip("\r\n")
        names = [name.strip() for name in next(csv.reader([text], delimiter=delimiter), [])]
        if any(names):
            _check_header(path, names)
            return _unique(names), line + 1
    raise InputError(f"{path} is empty. Export it again, or take it out of store.toml.")


def _check_header(path: Path, names: list[str]) -> None:
    numbers = [name for name in names if name.replace(".", "", 1).isdigit()]
    if numbers:
        raise InputError(
            f"{path} has no header: its first line holds the value {numbers[0]!r} where a column name belongs. "
            "Put a line with the column names first."
        )


def _unique(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    unique = []
    for position, name in enumerate(names, 1):
        name = name or f"column_{position}"  # noqa: PLW2901 - the blank one is named by its place
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique


def _fast_delimited(text: str, header: list[str], delimiter: str, line: int) -> Rows | None:
    """The rows of a block, or None when its quotes or widths are not ordinary."""
    edges = (f'{delimiter}"', '\n"', f'"{delimiter}', '"\n')
    bare = text.replace('""', "") if '""' in text else text  # doubled quotes are ordinary
    regular = sum(map(bare.count, edges)) + bare.startswith('"') + bare.endswith('"')
    if bare.count('"') != regular or regular % 2 or text.startswith("\ufeff"):  # Arrow would drop the mark
        return None
    block = text.encode()
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(block),
            pa.csv.ReadOptions(column_names=header, use_threads=False, block_size=len(block) + 1),
            pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    if len(table) != text.count("\n") + (not text.endswith("\n")):
        return None  # blank lines, or values with line breaks: line numbers need the other reader
    return rows_of(table, range(line, line + len(table)))


class _Replay:
    """Lines that can be read again after a record turned out to be broken."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        self._size = 0

    def __iter__(self) -> "_Replay":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        self._size += len(line)
        if self._size > _LONGEST_RECORD and len(self.taken) > 1:
            raise csv.Error("a quote is never closed")
        return line

    def settle(self, count: int) -> None:
        """Drop the first `count` lines that were taken; the others are read again."""
        self._again.extendleft(reversed(self.taken[count:]))
        self.taken = []
        self._size = 0


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: list[str]
    fault: str
    source: str


def _records(lines: _Replay, delimiter: str, width: int, line: int) -> Iterator[_Record]:
    """Records one by one; a broken one costs its first line only, and reading goes on with the next line."""
    csv.field_size_limit(2 * _LONGEST_RECORD)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            cells, broken = next(reader), False
        except StopIteration:
            return
        except csv.Error:
            cells, broken = [], True
        taken = len(lines.taken)
        source = lines.taken[0]
        if cells and len(cells) != width and taken > 1:
            broken = True
        if broken:
            taken = 1
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            cells = next(csv.reader([source], delimiter=delimiter), [])
        lines.settle(taken)
        if cells:
            yield _Record(line, cells, _fault(cells, width, broken=broken), source)
        line += taken


def _fault(cells: list[str], width: int, *, broken: bool) -> str:
    if len(cells) == width:
        return ""
    return "broken quotes" if broken else f"{len(cells)} fields where the header has {width}"


def _tolerant_delimited(
    records: Iterable[_Record], header: list[str], path: Path, report: ReadReport
) -> Iterator[Rows]:
    for group in groups(_sound(records, path, report), BATCH_ROWS):
        columns = zip(*(record.cells for record in group), strict=True)
        table = pa.table([pa.array(column, pa.string()) for column in columns], names=header)
        yield rows_of(table, [record.line for record in group])


def _sound(records: Iterable[_Record], path: Path, report: ReadReport) -> Iterator[_Record]:
    for record in records:
        if record.fault:
            report.rows_read += 1
            report.reject(record.fault, path, record.line, record.source)
        else:
            yield record
