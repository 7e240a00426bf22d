"""Recognizes a shop's files and columns, and writes a store.toml that a person can correct."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from whybuy.behavior.ga4 import GA4_COLUMNS
from whybuy.behavior.recognize import EventFormat, EventPlan, recognize_events
from whybuy.catalog.aliases import column_key
from whybuy.catalog.recognize import CatalogPlan, ColumnUse, Layout, recognize_catalog
from whybuy.catalog.sources import SHOPIFY_OPTIONS
from whybuy.config import STORE_FILE
from whybuy.errors import ConfigError, InputError

_SURE = 0.75  # confidence from which a file is taken for what it looks like
_POSSIBLE = 0.5  # confidence from which a log that names its products may stand in for a missing product feed


@dataclass(frozen=True, slots=True)
class Recognized:
    """What one file was taken for."""

    path: Path
    kind: str  # "catalog", "events", or both with a comma; blank when it was not recognized
    format: str
    confidence: float  # in [0, 1]
    columns: tuple[ColumnUse, ...]


@dataclass(frozen=True, slots=True)
class InitReport:
    """What `init_store` saw and wrote."""

    store_file: Path
    files: tuple[Recognized, ...]

    def lines(self) -> list[str]:
        """The report for people, one line per file and per column that is used."""
        return [line for file in self.files for line in _report_lines(file)]


@dataclass(frozen=True, slots=True)
class _Look:
    catalog: CatalogPlan
    events: EventPlan


def init_store(store: Path, files: Sequence[Path], *, overwrite: bool = False) -> InitReport:
    """Recognize the files and write `store/store.toml`, with every column and its use as comments.

    A product feed that is also a log (transactions with the product's name) serves as both when no other file is a
    product feed.

    Raises:
        ConfigError: there is a store.toml already, and `overwrite` is not set.
        InputError: a file cannot be read, or none of the files is a product feed.
    """
    target = store / STORE_FILE
    if target.exists() and not overwrite:
        raise ConfigError(f"{target} exists. Edit it, or remove it and run `whybuy init` again.")
    looks = [_Look(recognize_catalog(path), recognize_events(path)) for path in files]
    feeds, logs = _sort_out(looks)
    if not feeds:
        seen = "; ".join(
            f"{look.catalog.path.name}: {', '.join(use.column for use in look.catalog.columns)}" for look in looks
        )
        raise InputError(
            f"None of the files is a product feed, which needs a product id and a title. Columns seen: {seen}. "
            "Give a feed, or write store.toml by hand."
        )
    store.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(_toml(store, looks, feeds, logs)) + "\n", encoding="utf-8")
    return InitReport(target, tuple(_recognized(look, feeds, logs) for look in looks))


def _sort_out(looks: Iterable[_Look]) -> tuple[list[CatalogPlan], list[EventPlan]]:
    """Which files are product feeds and which are logs."""
    looks = list(looks)
    logs = [look.events for look in looks if look.events.confidence >= _SURE and not _mistaken(look)]
    feeds = [look.catalog for look in looks if look.catalog.confidence >= _SURE and look.events not in logs]
    if not feeds:
        feeds = [look.catalog for look in looks if look.catalog.confidence >= _POSSIBLE]
    dated = [look.events for look in looks if 0 < look.events.confidence < _SURE and look.catalog not in feeds]
    return feeds, logs + dated


def _mistaken(look: _Look) -> bool:
    """Whether a product feed only looks like a log, because of columns such as "type" and "date"."""
    return look.events.format is EventFormat.EVENTS and look.catalog.confidence >= look.events.confidence


def _recognized(look: _Look, feeds: list[CatalogPlan], logs: list[EventPlan]) -> Recognized:
    plans: list[CatalogPlan | EventPlan] = []
    kinds = []
    if look.catalog in feeds:
        plans.append(look.catalog)
        kinds.append("catalog")
    if look.events in logs:
        plans.append(look.events)
        kinds.append("events")
    plan = plans[0] if plans else look.catalog
    name = look.catalog.layout if look.catalog in feeds else look.events.format
    columns = plan.columns
    return Recognized(plan.path, ", ".join(kinds), name.value if plans else "", plan.confidence, columns)


def _report_lines(file: Recognized) -> Iterator[str]:
    if not file.kind:
        yield f"{file.path}: not recognized, left out"
        return
    yield f"{file.path}: {file.kind} ({file.format}, confidence {file.confidence:.2f})"
    for use in file.columns:
        fallback = f"read as {file.format} has it" if _read_anyway(file.format, use.column) else "not used"
        yield f"  {use.column}: {use.use or fallback} ({use.confidence:.2f})" + (
            f", e.g. {use.example}" if use.example else ""
        )


def _read_anyway(kind: str, column: str) -> bool:
    """Whether the format itself defines the column, so that it needs no role."""
    if kind == EventFormat.GA4:
        return column in GA4_COLUMNS
    return kind == Layout.SHOPIFY and column_key(column) in SHOPIFY_OPTIONS


# ---------------------------------------------------------------- store.toml
def _toml(
    store: Path, looks: Sequence[_Look], feeds: Sequence[CatalogPlan], logs: Sequence[EventPlan]
) -> Iterator[str]:
    yield "# Written by `whybuy init`. Correct what it got wrong, then run `whybuy validate` and `whybuy build`."
    yield "# Paths are relative to this folder."
    for feed in feeds:
        yield from ["", "[[catalog]]", *_source_lines(store, feed.path, feed.layout.value, feed.columns)]
        named = [use.column for use in feed.columns if use.use == "attribute"]
        yield f"attributes = [{', '.join(map(_quoted, named))}]"
    for log in logs:
        yield from ["", "[[events]]", *_source_lines(store, log.path, log.format.value, log.columns)]
        if log.likely_action:
            yield f'action = "{log.likely_action}"  # of all rows, since none is named'
    for look in looks:
        if look.catalog not in feeds and look.events not in logs:
            yield from ["", f"# Not recognized: {look.catalog.path.name}. If it is a log, give its format and columns."]


def _source_lines(store: Path, path: Path, kind: str, columns: Sequence[ColumnUse]) -> Iterator[str]:
    yield f"path = {_quoted(_relative(path, store))}"
    yield f"format = {_quoted(kind)}"
    roles = dict.fromkeys(use.use for use in columns if use.use not in ("", "attribute"))
    for role in roles:
        names = [use.column for use in columns if use.use == role]
        yield f"columns.{role} = {_value(names)}{_example_comment(columns, names[0])}"
    unused = [use.column for use in columns if not use.use and not _read_anyway(kind, use.column)]
    if unused:
        yield f"# not used: {', '.join(name.replace(chr(10), ' ') for name in unused)}"


def _value(names: list[str]) -> str:
    return _quoted(names[0]) if len(names) == 1 else f"[{', '.join(map(_quoted, names))}]"


def _example_comment(columns: Sequence[ColumnUse], name: str) -> str:
    use = next(use for use in columns if use.column == name)
    example = " ".join(use.example.split())
    return f"  # confidence {use.confidence:.2f}" + (f", e.g. {example}" if example.isprintable() and example else "")


def _relative(path: Path, store: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), store.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return path.resolve().as_posix()


def _quoted(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in escaped) + '"'
