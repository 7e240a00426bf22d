"""JSON lines, arrays and documents: a fast reader for plain objects, a tolerant one for the rest."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.json

from whybuy.errors import InputError
from whybuy.tables.rows import BATCH_ROWS, TEXTS, ReadReport, Rows, as_text, groups, leaf_text, rows_of, unix_text
from whybuy.tables.streams import blocks, open_bytes


def unnest(row: dict[str, Any]) -> dict[str, Any]:
    """A JSON object with dotted keys in place of objects, and without nulls."""
    flat: dict[str, Any] = {}
    _unnest(row, "", flat)
    return flat


def json_objects(texts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The JSON objects in some texts, arrays spread; what is no JSON, or no object, is left out."""
    for text in texts:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        yield from _spread(value)


def _spread(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for entry in value:
            yield from _spread(entry)


def read_jsonl(path: Path, report: ReadReport) -> Iterator[Rows]:
    """Rows of a file with one JSON object per line."""
    schema: pa.Schema | None = None
    line = 1
    with open_bytes(path) as stream:
        for block in blocks(stream):
            text = unix_text(block, path, report)
            rows, schema = _fast_json(text, schema, line)
            yield from [rows] if rows else _tolerant_json(text, path, report, line)
            line += text.count("\n")


def _fast_json(text: str, schema: pa.Schema | None, line: int) -> tuple[Rows | None, pa.Schema | None]:
    """The rows of a block and the schema to expect of the next; None when only the tolerant reader will do.

    Arrow would read texts that look like times as times, so those are read again as text.
    """
    try:
        table = _parse_json(text, schema)
        plain = pa.schema([entry.with_type(_without_times(entry.type)) for entry in table.schema])
        if not plain.equals(table.schema):
            schema = plain
            table = _parse_json(text, schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None, schema
    if not all(_is_plain(entry.type) for entry in table.schema) or len(table) != len(text.rstrip("\n").split("\n")):
        return None, schema
    return rows_of(as_text(table), range(line, line + len(table))), schema


def _parse_json(text: str, schema: pa.Schema | None) -> pa.Table:
    block = text.encode()
    return pa.json.read_json(
        pa.BufferReader(block),
        pa.json.ReadOptions(use_threads=False, block_size=len(block) + 1),
        pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer"),
    )


def _without_times(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([entry.with_type(_without_times(entry.type)) for entry in kind])
    return pa.list_(_without_times(kind.value_type)) if pa.types.is_list(kind) else kind


def _is_plain(kind: pa.DataType) -> bool:
    """Scalars, lists of scalars and objects of these; decimal numbers may be whole ones that Arrow has widened."""
    if pa.types.is_struct(kind):
        return all(_is_plain(entry.type) for entry in kind)
    return not (pa.types.is_list(kind) and pa.types.is_nested(kind.value_type))


def _tolerant_json(text: str, path: Path, report: ReadReport, line: int) -> Iterator[Rows]:
    objects: list[dict[str, Any]] = []
    lines: list[int] = []
    for number, source in enumerate(text.split("\n"), line):
        if not source.strip():
            continue
        try:
            value = orjson.loads(source)
        except orjson.JSONDecodeError:
            value = None
        if isinstance(value, dict):
            objects.append(value)
            lines.append(number)
        else:
            report.rows_read += 1
            report.reject("no JSON object", path, number, source)
    if objects:
        yield rows_of(_table_of(objects), lines)


def read_json_document(path: Path, report: ReadReport) -> Iterator[Rows]:
    """Rows of a JSON array, or of the one list of objects in a document; lines count its members."""
    with open_bytes(path) as stream:
        text = unix_text(stream.read(), path, report).lstrip("\ufeff")
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"{path} begins like JSON but is none: {error}. Export it again; one object per line is safest."
        ) from error
    numbered = enumerate(_members(document), 1)
    for group in groups(numbered, BATCH_ROWS):
        sound = [(number, value) for number, value in group if isinstance(value, dict)]
        for number, value in group:
            if not isinstance(value, dict):
                report.rows_read += 1
                report.reject("no JSON object", path, number, str(value))
        if sound:
            yield rows_of(_table_of([value for _, value in sound]), [number for number, _ in sound])


def _members(document: object) -> list[object]:
    """The rows of a document: a list, the one list of objects in it (`@graph`, `products`), or the object itself."""
    if isinstance(document, list):
        return [_item(member) for member in document]
    if isinstance(document, dict):
        lists = [value for value in document.values() if isinstance(value, list) and _holds_objects(value)]
        if len(lists) == 1 and not {"name", "title", "sku"} & document.keys():
            return [_item(member) for member in lists[0]]
    return [document]


def _holds_objects(values: list[object]) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values)


def _item(member: object) -> object:
    """What a schema.org list element stands for, else the member itself."""
    return member["item"] if isinstance(member, dict) and isinstance(member.get("item"), dict) else member


def _unnest(value: dict[str, Any], prefix: str, flat: dict[str, Any]) -> None:
    for name, entry in value.items():
        if isinstance(entry, dict):
            _unnest(entry, f"{prefix}{name}.", flat)
        elif entry is not None:
            flat[prefix + name] = entry


def _table_of(objects: Iterable[dict[str, Any]]) -> pa.Table:
    flat = [unnest(value) for value in objects]
    names = dict.fromkeys(name for row in flat for name in row)
    columns = {name: _column_of([row.get(name) for row in flat]) for name in names}
    return pa.table(columns) if columns else pa.table({"": [""] * len(flat)})


def _column_of(values: list[Any]) -> pa.Array:
    if any(isinstance(value, list) for value in values):
        lists = [value if isinstance(value, list) else [] if value is None else [value] for value in values]
        return pa.array([[leaf_text(entry) for entry in entries if entry is not None] for entries in lists], TEXTS)
    return pa.array([leaf_text(value) for value in values], pa.string())
