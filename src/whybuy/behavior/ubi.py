"""OpenSearch User Behavior Insights, versions 1.0 to 1.3, and plain tables with one action per row.

Schema: https://github.com/o19s/ubi. Older versions put the object's id under `internal_id`, the position under
`ordinal.index`, and the shown products under `query_response_objects_ids`.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from whybuy.artifacts import digest
from whybuy.behavior.log import (
    IGNORE,
    NO_EVENTS,
    NO_QUERIES,
    SEARCH,
    Log,
    actions_of,
    clean_queries,
    events_table,
    first_text,
    keep,
    queries_table,
    times,
    usable_rows,
    whole_numbers,
)
from whybuy.behavior.recognize import EventPlan, EventRole
from whybuy.tables import ReadReport, Rows


def read_ubi_queries(plan: EventPlan, report: ReadReport) -> Iterator[Log]:
    """Queries with what they showed; rows without a time or a text are set aside."""
    for rows in usable_rows(plan, report, EventRole.QUERY, EventRole.TIMESTAMP):
        yield Log(NO_EVENTS, _queries(rows, plan, report))


def read_actions(plan: EventPlan, report: ReadReport) -> Iterator[Log]:
    """Actions on products; an action "search" becomes a query, actions of other kinds are set aside by name."""
    for rows in usable_rows(plan, report, EventRole.TIMESTAMP):
        named = _known_actions(rows, plan, report)
        actions = actions_of(named, plan)
        searches = named.keep(pc.equal(actions, SEARCH))
        acts = named.keep(pc.invert(pc.is_in(actions, pa.array([SEARCH, IGNORE]))))
        yield Log(_events(acts, plan, report), _queries(searches, plan, report))


def _known_actions(rows: Rows, plan: EventPlan, report: ReadReport) -> Rows:
    actions = actions_of(rows, plan)
    unknown = rows.keep(pc.is_null(actions))
    for word in first_text(unknown, plan.of(EventRole.ACTION)).unique().to_pylist():
        words = first_text(rows, plan.of(EventRole.ACTION))
        rows = keep(rows, pc.not_equal(words, word), plan, report, f"action {word!r}")
    return rows


def _events(rows: Rows, plan: EventPlan, report: ReadReport) -> pa.Table:
    rows = keep(rows, pc.not_equal(first_text(rows, plan.of(EventRole.PRODUCT_ID)), ""), plan, report, "no product_id")
    rows, moments = _timed(rows, plan, report)
    return events_table(
        len(rows.batch),
        timestamp=moments,
        action=actions_of(rows, plan),
        product_id=first_text(rows, plan.of(EventRole.PRODUCT_ID)),
        client_id=first_text(rows, plan.of(EventRole.CLIENT_ID)),
        session_id=first_text(rows, plan.of(EventRole.SESSION_ID)),
        query_id=first_text(rows, plan.of(EventRole.QUERY_ID)),
        query=clean_queries(first_text(rows, plan.of(EventRole.QUERY))),
        position=whole_numbers(first_text(rows, plan.of(EventRole.POSITION))),
    )


def _queries(rows: Rows, plan: EventPlan, report: ReadReport) -> pa.Table:
    texts = clean_queries(first_text(rows, [*plan.of(EventRole.QUERY), "message"]))
    rows = keep(rows, pc.not_equal(texts, ""), plan, report, "no query")
    rows, moments = _timed(rows, plan, report)
    if not len(rows.batch):
        return NO_QUERIES
    texts = clean_queries(first_text(rows, [*plan.of(EventRole.QUERY), "message"]))
    clients = first_text(rows, plan.of(EventRole.CLIENT_ID))
    hits = next((rows.texts(name) for name in plan.of(EventRole.HITS) if name in rows.batch.schema.names), None)
    return queries_table(
        len(rows.batch),
        timestamp=moments,
        query_id=_query_ids(first_text(rows, plan.of(EventRole.QUERY_ID)), clients, moments, texts),
        query=texts,
        client_id=clients,
        session_id=first_text(rows, plan.of(EventRole.SESSION_ID)),
        hits=[[]] * len(rows.batch) if hits is None else hits,
    )


def _query_ids(
    ids: pa.StringArray, clients: pa.StringArray, moments: pa.Array, texts: pa.StringArray
) -> pa.StringArray:
    """The ids of the log; where it has none, one made of shopper, time and text."""
    if pc.all(pc.not_equal(ids, "")).as_py():
        return ids
    columns = (column.to_pylist() for column in (clients, pc.cast(moments, pa.string()), texts))
    made = pa.array([digest(*parts) for parts in zip(*columns, strict=True)], pa.string())
    return pc.if_else(pc.equal(ids, ""), made, ids)


def _timed(rows: Rows, plan: EventPlan, report: ReadReport) -> tuple[Rows, pa.Array]:
    moments = times(first_text(rows, plan.of(EventRole.TIMESTAMP)), plan.source.time_format)
    present = pc.is_valid(moments)
    return keep(rows, present, plan, report, "time not understood"), moments.filter(present)
