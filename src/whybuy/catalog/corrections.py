"""Corrections of product types, written by a person as TOML or CSV.

TOML has up to three tables: `[product]` (product id = type), `[title]` (regular expression = type) and `[type]` (type
as it is = type as it should be). CSV has the columns `by` (product, title or type), `key` and `type`.
"""

import csv
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from whybuy.errors import InputError, closest
from whybuy.text import normalize

_TABLES = ("product", "title", "type")


@dataclass(frozen=True, slots=True)
class Corrections:
    """Corrected product types: by product id, else by a pattern of the title, else by the type that it has."""

    products: dict[str, str]
    titles: tuple[tuple[re.Pattern[str], str], ...]
    types: dict[str, str]

    def apply(self, product_id: str, title: str, product_type: str) -> str | None:
        """The corrected type of a product; None when no correction applies."""
        if product_id in self.products:
            return self.products[product_id]
        for pattern, name in self.titles:
            if pattern.search(title):
                return name
        return self.types.get(normalize(product_type))


def read_corrections(path: Path) -> Corrections:
    """The corrections in a `.toml` or `.csv` file.

    Raises:
        InputError: the file is missing or of another kind, or an entry cannot be understood.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"Type corrections {path} cannot be read: {error}. Write a UTF-8 .toml or .csv file."
        ) from error
    if path.suffix == ".toml":
        entries = _toml_entries(path, text)
    elif path.suffix == ".csv":
        entries = _csv_entries(path, text)
    else:
        raise InputError(f"Type corrections {path} end in {path.suffix!r}; write them as .toml or .csv.")
    return _collect(path, entries)


def _toml_entries(path: Path, text: str) -> list[tuple[str, str, str]]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"Type corrections {path} are not valid TOML: {error}.") from error
    entries = []
    for by, table in tables.items():
        if not isinstance(table, dict):
            raise InputError(f"Type corrections {path}: {by!r} must be a table.{closest(by, _TABLES)}")
        for key, name in table.items():
            if not isinstance(name, str):
                raise InputError(f"Type corrections {path}: [{by}] {key!r} = {name!r} must be a type in quotes.")
            entries.append((by, key, name))
    return entries


def _csv_entries(path: Path, text: str) -> list[tuple[str, str, str]]:
    rows = csv.DictReader(text.splitlines())
    if not rows.fieldnames or not {"by", "key", "type"} <= set(rows.fieldnames):
        raise InputError(
            f"Type corrections {path} have the columns {rows.fieldnames or []}; they need `by` "
            "(product, title or type), `key` and `type`."
        )
    return [(row["by"] or "", row["key"] or "", row["type"] or "") for row in rows]


def _collect(path: Path, entries: list[tuple[str, str, str]]) -> Corrections:
    products: dict[str, str] = {}
    titles: list[tuple[re.Pattern[str], str]] = []
    types: dict[str, str] = {}
    for by, key, name in entries:
        if by == "product":
            products[key] = normalize(name)
        elif by == "title":
            titles.append((_pattern(path, key), normalize(name)))
        elif by == "type":
            types[normalize(key)] = normalize(name)
        else:
            raise InputError(f"Type corrections {path}: {key!r} is given by {by!r}.{closest(by, _TABLES)}")
    return Corrections(products, tuple(titles), types)


def _pattern(path: Path, key: str) -> re.Pattern[str]:
    try:
        return re.compile(key, re.IGNORECASE)
    except re.error as error:
        raise InputError(
            f"Type corrections {path}: the title pattern {key!r} is no regular expression: {error}."
        ) from error
