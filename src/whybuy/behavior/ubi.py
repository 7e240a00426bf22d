"""OpenSearch User Behavior Insights, versions 1.0 to 1.3, and plain tables with one action per row.

Schema: https://github.com/o19s/ubi. Older versions put the object's id under `internal_id`, the position under
`ordinal.index`, and the shown products under `query_response_objects_ids`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from whybuy.artifacts import digest
from whybuy.behavior.log import (
    IGNORE,
    NO_EVENTS,
    NO_QUERIES,
    OTHER_ACTIONS,
    SEARCH,
    Log,
    actions_of,
    clean_queries,
    events_table,
    first_text,
    keep,
    queries_table,
    set_aside,
    times,
    unknown_action,
    usable_rows,
    whole_numbers,
)
from whybuy.behavior.recognize import EventPlan, EventRole
from whybuy.errors import InputError
from whybuy.records import Action
from whybuy.tables import ReadReport, Rows


def read_ubi_queries(plan: EventPlan, report: ReadReport) -> Iterator[Log]:
    """Queries with what they showed; rows without a time or a text are set aside."""
    for rows in usable_rows(plan, report, EventRole.QUERY, EventRole.TIMESTAMP):
        yield Log(NO_EVENTS, _queries(rows, plan, report))


def read_actions(plan: EventPlan, report: ReadReport) -> Iterator[Log]:
    """Actions on products; an action "search" becomes a query, actions of other kinds are set aside by name.

    Raises:
        InputError: the column of actions holds something else.
    """
    known, unknown = 0, Counter[str]()
    for rows in usable_rows(plan, report, EventRole.TIMESTAMP):
        named = _known_actions(rows, plan, report, unknown)
        known += len(named.batch)
        actions = actions_of(named, plan)
        searches = named.keep(pc.equal(actions, SEARCH))
        acts = named.keep(pc.invert(pc.is_in(actions, pa.array([SEARCH, IGNORE]))))
        yield Log(_events(acts, plan, report), _queries(searches, plan, report))
    _check_actions(plan, known, unknown)


def _known_actions(rows: Rows, plan: EventPlan, report: ReadReport, unknown: Counter[str]) -> Rows:
    """The rows whose action is known; the others are set aside, and counted by reason."""
    known = pc.is_valid(actions_of(rows, plan))
    dropped = rows.keep(pc.invert(known))
    words = first_text(dropped, plan.of(EventRole.ACTION)).to_pylist()
    set_aside(dropped, _reasons(words, report, unknown), plan, report)
    return rows.keep(known)


def _reasons(words: Iterable[str], report: ReadReport, unknown: Counter[str]) -> Iterator[str]:
    for word in words:
        reason = unknown_action(word, report)
        unknown[reason] += 1
        yield reason


def _check_actions(plan: EventPlan, known: int, unknown: Counter[str]) -> None:
    """Raise InputError when the words are no actions: none is known, or most are unknown and of many kinds."""
    if unknown.total() <= known or (known and OTHER_ACTIONS not in unknown):
        return
    column = plan.of(EventRole.ACTION)[0]
    words = ", ".join(reason.removeprefix("action ") for reason in list(unknown)[:3])
    raise InputError(
        f"{plan.path}: {unknown.total()} of {known + unknown.total()} rows have no known action in the column "
        f"{column!r}, e.g. {words}. If that is not the column of actions, say which one is in store.toml: "
        'columns.action = "..."; if it is, map its words: actions = { word = "click" }, or "ignore". '
        f"Allowed: {', '.join([*Action, SEARCH, IGNORE])}."
    )


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
