"""Event logs of all kinds → `events.parquet` and `queries.parquet` in one folder, sorted, each row once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import Table, _, coalesce

from whybuy.behavior.engine import Engine, open_engine
from whybuy.behavior.ga4 import read_ga4
from whybuy.behavior.lists import read_baskets, read_judgments, read_sessions
from whybuy.behavior.log import Log
from whybuy.behavior.pairs import stable_hash
from whybuy.behavior.recognize import EventFormat, EventPlan, EventSource, check_plan, recognize_events
from whybuy.behavior.sessions import epoch_seconds, shopper
from whybuy.behavior.ubi import read_actions, read_ubi_queries
from whybuy.catalog.sources import source_files
from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.records import EVENT_SCHEMA, EVENTS, QUERIES, QUERY_SCHEMA
from whybuy.tables import ReadReport

SEARCH_PAUSE = 1_800  # seconds, the default of web analytics


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
    implied: int  # of these, searches that no row of their own tells of, but the actions after them
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
        completed = engine.keep(_completed(events, queries), "completed")
        written = _publish(engine, completed, folder / EVENTS.file, EVENT_SCHEMA)
        logged = _publish(engine, queries, folder / QUERIES.file, QUERY_SCHEMA)
        implied = _implied_searches(engine.read(folder / EVENTS.file), engine.read(folder / QUERIES.file))
        searches = engine.keep(ibis.union(engine.read(folder / QUERIES.file), implied), "searches")
        searched = _publish(engine, searches, folder / QUERIES.file, QUERY_SCHEMA)
    return EventReport(tuple(plans), written, searched, searched - logged, rows - written - logged, reading)


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


def _implied_searches(events: Table, queries: Table) -> Table:
    """Searches that only the actions after them tell of, in QUERY_SCHEMA: an action names a query that was not logged.

    Actions of one shopper on one query belong to one search, if they name its id, or no pause between them exceeds
    `SEARCH_PAUSE`; so do actions and a logged search before them.
    """
    acted = events.filter(events.query != "").anti_join(queries.filter(queries.query_id != ""), "query_id")
    columns = ["timestamp", "query_id", "query", "client_id", "session_id"]
    rows = ibis.union(
        *(
            table.select(*columns, shopper=shopper(table), logged=ibis.literal(flag))
            for table, flag in ((acted, 0), (queries, 1))
        )
    )
    rows = rows.mutate(seconds=epoch_seconds(rows))
    of_query = ibis.window(group_by=[rows.shopper, rows.query], order_by=[rows.timestamp, rows.logged.desc()])
    rows = rows.mutate(pause=rows.seconds - rows.seconds.lag().over(of_query))
    first = rows.filter(rows.pause.isnull() | (rows.pause > SEARCH_PAUSE))
    of_id = ibis.window(group_by=[first.shopper, first.query, first.query_id], order_by=first.timestamp)
    first = first.mutate(again=(first.query_id != "") & (ibis.row_number().over(of_id) > 0))
    first = first.filter((first.logged == 0) & ~first.again)
    named = stable_hash(first.shopper, first.timestamp.cast("string"), first.query)
    return first.mutate(
        query_id=first.query_id.nullif("").fill_null(named), hits=ibis.literal([], "array<string>")
    ).select(QUERY_SCHEMA.names)


def _publish(engine: Engine, table: Table, path: Path, schema: pa.Schema) -> int:
    """Write each row once, sorted, so that readers see the old file or the new one."""
    columns = ["client_id", "timestamp", *(name for name in schema.names if name not in ("client_id", "timestamp"))]
    draft = engine.spill / "sorted" / path.name
    draft.parent.mkdir(exist_ok=True)
    rows = engine.write(table.select(schema.names).distinct().order_by(columns), draft, schema)
    draft.replace(path)
    return rows
