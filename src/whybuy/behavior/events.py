"""Event logs of all kinds → `events.parquet` and `queries.parquet` in one folder, sorted, each row once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from ibis import Table, _, coalesce

from whybuy.behavior.engine import Engine, open_engine
from whybuy.behavior.ga4 import read_ga4
from whybuy.behavior.lists import read_baskets, read_judgments, read_sessions
from whybuy.behavior.log import Log
from whybuy.behavior.recognize import EventFormat, EventPlan, EventSource, check_plan, recognize_events
from whybuy.behavior.ubi import read_actions, read_ubi_queries
from whybuy.catalog.sources import source_files
from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.records import EVENT_SCHEMA, EVENTS, QUERIES, QUERY_SCHEMA
from whybuy.tables import ReadReport


@dataclass(frozen=True, slots=True)
class ImportConfig:
    """How much an import of logs may use."""

    memory_limit: str = field(default="2GB", metadata=HOW_ONLY)
    threads: int = field(default=0, metadata=HOW_ONLY)  # 0 is all cores


IMPORT_CONFIG = ConfigTable("import", ImportConfig)


@dataclass(frozen=True, slots=True)
class EventReport:
    """What became of the event logs."""

    plans: tuple[EventPlan, ...]
    events: int
    queries: int
    repeated: int  # events and queries that were exact copies of another
    reading: ReadReport


READERS: dict[EventFormat, Callable[[EventPlan, ReadReport], Iterator[Log]]] = {
    EventFormat.UBI_QUERIES: read_ubi_queries,
    EventFormat.UBI_EVENTS: read_actions,
    EventFormat.QUERIES: read_ubi_queries,
    EventFormat.GA4: read_ga4,
    EventFormat.EVENTS: read_actions,
    EventFormat.BASKETS: read_baskets,
    EventFormat.SESSIONS: read_sessions,
    EventFormat.JUDGMENTS: read_judgments,
}


def read_events(
    sources: Sequence[EventSource], base: Path, folder: Path, config: ImportConfig | None = None
) -> EventReport:
    """Import logs into `folder`: `events.parquet` in `EVENT_SCHEMA` and `queries.parquet` in `QUERY_SCHEMA`.

    Both are sorted by shopper and time and hold each row once, so the order of rows and files, late rows and a second
    import change nothing. An event takes text and shopper from its query when it lacks them. Memory is bounded except
    where a reader says otherwise.

    base: what relative paths in the sources are relative to.

    Raises:
        InputError: a log cannot be understood.
        ConfigError: a source asks for columns or actions that do not exist.
    """
    config = config or ImportConfig()
    reading = ReadReport()
    plans = [recognize_events(path, source) for source in sources for path in source_files(source.path, base)]
    for plan in plans:
        check_plan(plan)
    with open_engine("duckdb", memory_limit=config.memory_limit, threads=config.threads, spill_folder=folder) as engine:
        draft = engine.spill
        rows = _write_drafts(plans, draft, reading)
        events, queries = engine.read(draft / "raw-events.parquet"), engine.read(draft / "raw-queries.parquet")
        kept = (
            _publish(engine, _completed(events, queries), folder / EVENTS.file, EVENT_SCHEMA),
            _publish(engine, queries, folder / QUERIES.file, QUERY_SCHEMA),
        )
    return EventReport(tuple(plans), *kept, rows - sum(kept), reading)


def _write_drafts(plans: Sequence[EventPlan], draft: Path, reading: ReadReport) -> int:
    """Write all rows as they come; returns how many events and queries there are."""
    rows = 0
    with (
        pq.ParquetWriter(draft / "raw-events.parquet", EVENT_SCHEMA) as events,
        pq.ParquetWriter(draft / "raw-queries.parquet", QUERY_SCHEMA) as queries,
    ):
        for plan in plans:
            for log in READERS[plan.format](plan, reading):
                events.write_table(log.events)
                queries.write_table(log.queries)
                rows += len(log.events) + len(log.queries)
    return rows


def _completed(events: Table, queries: Table) -> Table:
    """Events with the text and the shopper of the query that they name, where they lack these."""
    known = queries.filter(_.query_id != "").group_by(_.query_id.name("of_query"))
    known = known.agg(text=_.query.min(), client=_.client_id.min(), session=_.session_id.min())
    joined = events.left_join(known, events.query_id == known.of_query)
    return joined.mutate(
        query=coalesce(_.query.nullif(""), _.text, ""),
        session_id=coalesce(_.session_id.nullif(""), _.session, ""),
        client_id=coalesce(_.client_id.nullif(""), _.client.nullif(""), _.session_id.nullif(""), _.query_id),
    )


def _publish(engine: Engine, table: Table, path: Path, schema: pa.Schema) -> int:
    """Write each row once, sorted, so that readers see the old file or the new one."""
    columns = ["client_id", "timestamp", *(name for name in schema.names if name not in ("client_id", "timestamp"))]
    draft = engine.spill / "sorted" / path.name
    draft.parent.mkdir(exist_ok=True)
    rows = engine.write(table.select(schema.names).distinct().order_by(columns), draft, schema)
    draft.replace(path)
    return rows
