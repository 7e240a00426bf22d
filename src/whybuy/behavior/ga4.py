"""Google Analytics 4, as its BigQuery export has it: one event per row, parameters and items as repeated records."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from whybuy.artifacts import digest
from whybuy.behavior.log import (
    IGNORE,
    SEARCH,
    Log,
    action_of,
    events_table,
    parse_time,
    queries_table,
    unknown_action,
)
from whybuy.behavior.recognize import EventPlan
from whybuy.records import EVENT_SCHEMA, QUERY_SCHEMA, Event
from whybuy.tables import ReadReport, Rows, json_objects, read_rows
from whybuy.text import clean, normalize

GA4_COLUMNS = frozenset({"event_name", "event_timestamp", "user_pseudo_id", "event_params", "items"})
"""The columns that are read, whatever their roles."""

Query = tuple[datetime, str, str, str, str, list[str]]  # the columns of QUERY_SCHEMA


def read_ga4(plan: EventPlan, report: ReadReport) -> Iterator[Log]:
    """Item events as actions, searches with a `search_term` as queries; a session is user and `ga_session_id`."""
    for rows in read_rows(plan.path, report):
        events: list[Event] = []
        queries: list[Query] = []
        for line, fields in zip(rows.lines.to_pylist(), _fields(rows), strict=True):
            fault = _read_event(fields, plan, report, events, queries)
            if fault:
                report.reject(fault, plan.path, line, " ".join(map(str, fields[:3])))
        columns = {name: [getattr(event, name) for event in events] for name in EVENT_SCHEMA.names}
        searched = dict(zip(QUERY_SCHEMA.names, map(list, zip(*queries, strict=True)), strict=False))
        yield Log(events_table(len(events), **columns), queries_table(len(queries), **searched))


Fields = tuple[str, str, str, list[str], list[str]]


def _fields(rows: Rows) -> Iterator[Fields]:
    names = ("event_name", "event_timestamp", "user_pseudo_id")
    texts = [rows.text(name).to_pylist() for name in names]
    lists = [rows.texts(name).to_pylist() for name in ("event_params", "items")]
    yield from zip(*texts, *lists, strict=True)


def _read_event(fields: Fields, plan: EventPlan, report: ReadReport, events: list[Event], queries: list[Query]) -> str:
    """Append the actions or the query of one row; returns why it has none, or ""."""
    name, stamp, user, raw_params, raw_items = fields
    action = action_of(name, plan)
    moment = parse_time(stamp)
    if action is None or action == IGNORE:
        return unknown_action(name, report) if action is None else ""
    if moment is None:
        return "time not understood"
    params = dict(map(_parameter, json_objects(raw_params)))
    term = normalize(clean(params.get("search_term", "")))
    session = f"{user}:{params['ga_session_id']}" if params.get("ga_session_id") else ""
    items = list(json_objects(raw_items))
    ids = [str(item["item_id"]) for item in items if item.get("item_id") not in (None, "", "(not set)")]
    if action == SEARCH:
        if not term:
            return "no search_term"
        queries.append((moment, digest(user, str(moment), term), term, user, session, ids))
        return ""
    for item in items:
        if str(item.get("item_id")) in ids:
            place = _whole(item.get("item_list_index", item.get("index")))
            events.append(Event(moment, action, str(item["item_id"]), user, session, "", term, place))  # type: ignore[arg-type]
    return "" if ids else "no item_id"


def _parameter(entry: Mapping[str, Any]) -> tuple[str, str]:
    value = entry.get("value", "")
    if isinstance(value, dict):
        value = next((one for one in value.values() if one is not None), "")
    return str(entry.get("key", "")), str(value)


def _whole(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 10 else None
