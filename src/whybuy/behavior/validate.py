"""A report on a shop's files before anything is built from them."""

import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whybuy.behavior.events import IMPORT_CONFIG, EventReport, read_events
from whybuy.behavior.recognize import LOG_CONFIG
from whybuy.catalog.recognize import FEED_CONFIG
from whybuy.catalog.sources import CatalogReport, read_catalog
from whybuy.config import Settings
from whybuy.errors import ConfigError
from whybuy.records import EVENTS, QUERIES
from whybuy.tables import ReadReport, SetAside

_SCRIPT_SAMPLE = 20_000  # titles whose letters are looked at
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """Counts of rows read and set aside, of the catalog or the logs."""

    rows_read: int
    rows_kept: int
    set_aside: dict[str, int]  # rows by reason, the most frequent first
    examples: tuple[SetAside, ...]
    cut_fields: int
    foreign_encoding: tuple[str, ...]  # files that are not UTF-8


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """What a build would find in a shop's files; as JSON it is the body of `whybuy validate --json`."""

    products: int
    duplicates: int
    typed: int  # products whose type the feed states
    described: int
    scripts: dict[str, float]  # share of titles with letters of each script
    locales: dict[str, int]  # products by declared locale
    catalog: Reading
    events: int = 0
    queries: int = 0
    repeated: int = 0
    actions: dict[str, int] | None = None
    first: str = ""  # ISO 8601, UTC; blank when the logs have no times of their own
    last: str = ""
    unknown_events: int = 0  # events on products that the catalog does not have
    unknown_products: tuple[str, ...] = ()  # some of them
    log: Reading | None = None

    def lines(self) -> list[str]:
        """The report for people, one fact a line."""
        lines = [
            f"products: {self.products} ({self.described} described, {self.typed} with a type, "
            f"{self.duplicates} repeated rows folded)",
            f"scripts: {_shares(self.scripts)}",
            f"locales: {_counts(self.locales) or 'none declared'}",
            *_reading_lines("catalog", self.catalog),
        ]
        if self.log is None:
            return [*lines, "events: none"]
        unknown = f", e.g. {', '.join(self.unknown_products)}" if self.unknown_products else ""
        return [
            *lines,
            f"events: {self.events} ({_counts(self.actions or {})}), queries: {self.queries}, "
            f"repeated: {self.repeated}",
            f"time: {self.first} to {self.last}" if self.first else "time: the logs have none of their own",
            f"events on unknown products: {self.unknown_events}{unknown}",
            *_reading_lines("events", self.log),
        ]


def validate_store(settings: Settings, store: Path) -> ValidationReport:
    """Read all files of a shop and report on them; nothing is kept.

    Raises:
        ConfigError: store.toml names no product feed, or is wrong.
        InputError: a file cannot be understood.
    """
    feeds = settings.many(FEED_CONFIG)
    if not feeds:
        raise ConfigError(f'{settings.origin} names no product feed. Add a table [[catalog]] with path = "...".')
    products, catalog = read_catalog(feeds, store)
    sources = settings.many(LOG_CONFIG)
    with tempfile.TemporaryDirectory(prefix="whybuy-validate-") as folder:
        log = read_events(sources, store, Path(folder), settings.one(IMPORT_CONFIG)) if sources else None
        return _report(products, catalog, log, Path(folder))


def _report(products: pa.Table, catalog: CatalogReport, log: EventReport | None, folder: Path) -> ValidationReport:
    about_catalog = ValidationReport(
        products=catalog.products,
        duplicates=catalog.duplicates,
        typed=catalog.typed,
        described=catalog.described,
        scripts=_scripts(products["title"].slice(0, _SCRIPT_SAMPLE).to_pylist()),
        locales=_tally(products["locale"]),
        catalog=_reading(catalog.reading),
    )
    return about_catalog if log is None else _with_log(about_catalog, log, folder, products["product_id"])


def _with_log(report: ValidationReport, log: EventReport, folder: Path, known: pa.ChunkedArray) -> ValidationReport:
    names = ["timestamp", "action", "product_id"]
    events = pq.read_table(folder / EVENTS.file, columns=names)
    queries = pq.read_table(folder / QUERIES.file, columns=["timestamp"])
    unknown = events["product_id"].filter(pc.invert(pc.is_in(events["product_id"], known.combine_chunks())))
    first, last = _time_range(
        pa.chunked_array([*events["timestamp"].chunks, *queries["timestamp"].chunks], pa.timestamp("us"))
    )
    return replace(
        report,
        events=log.events,
        queries=log.queries,
        repeated=log.repeated,
        actions=_tally(events["action"]),
        first=first,
        last=last,
        unknown_events=len(unknown),
        unknown_products=tuple(sorted(unknown.unique().to_pylist())[:_EXAMPLES]),
        log=_reading(log.reading),
    )


def _time_range(moments: pa.ChunkedArray) -> tuple[str, str]:
    """First and last time after 1970, the year in which sources without times begin to count."""
    real = moments.filter(pc.greater_equal(pc.year(moments), 1971))
    if not len(real):
        return "", ""
    ends = pc.min_max(real).as_py()
    return ends["min"].isoformat(timespec="seconds"), ends["max"].isoformat(timespec="seconds")


def _tally(column: pa.ChunkedArray) -> dict[str, int]:
    counts = {entry["values"]: entry["counts"] for entry in column.value_counts().to_pylist() if entry["values"]}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _scripts(titles: Iterable[str]) -> dict[str, float]:
    counts: Counter[str] = Counter()
    total = 0
    for title in titles:
        total += 1
        counts.update({_script(sign) for sign in title if sign.isalpha()})
    return {script: round(count / total, 4) for script, count in counts.most_common()}


@lru_cache(maxsize=100_000)
def _script(sign: str) -> str:
    """The script of a letter, from its Unicode name; "CJK" is written Han."""
    name = unicodedata.name(sign, "UNKNOWN").replace("FULLWIDTH ", "").split(" ")[0].capitalize()
    return {"Cjk": "Han", "Micro": "Latin", "Feminine": "Latin", "Masculine": "Latin"}.get(name, name)


def _reading(report: ReadReport) -> Reading:
    return Reading(
        report.rows_read,
        report.rows_kept,
        dict(report.set_aside.most_common()),
        tuple(report.examples),
        report.cut_fields,
        tuple(sorted(report.foreign_encoding)),
    )


def _reading_lines(name: str, reading: Reading) -> list[str]:
    lines = [f"{name} rows: {reading.rows_read} read, {reading.rows_kept} kept"]
    for reason, count in reading.set_aside.items():
        lines.append(f"  set aside, {reason}: {count}")
        lines += [f"    {one.file}:{one.line}: {one.excerpt}" for one in reading.examples if one.reason == reason]
    if reading.cut_fields:
        lines.append(f"  fields cut because they are too long: {reading.cut_fields}")
    if reading.foreign_encoding:
        lines.append(f"  read as Windows-1252 where not UTF-8: {', '.join(reading.foreign_encoding)}")
    return lines


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _shares(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in shares.items()) or "no letters"
