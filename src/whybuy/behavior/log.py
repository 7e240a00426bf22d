"""What every reader of logs shares: tables of events and queries, times, actions, and rows set aside."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whybuy.behavior.recognize import EventPlan, EventRole
from whybuy.catalog.aliases import column_key
from whybuy.errors import ConfigError
from whybuy.records import EVENT_SCHEMA, QUERY_SCHEMA, Action
from whybuy.tables import ReadReport, Rows, read_rows
from whybuy.text import clean, normalize

SEARCH = "search"
IGNORE = "ignore"
OTHER_ACTIONS = "other unknown actions"
_MAX_NAMED_ACTIONS = 20  # unknown actions that are counted by name
_LONGEST_WORD = 60  # characters of an unknown action that a report repeats
TIME = pa.timestamp("us")

_WORDS: dict[str, str] = {
    SEARCH: "search on_search query searched view_search_results site_search",
    Action.IMPRESSION: "impression view_item_list impressions shown viewed_results",
    Action.CLICK: (
        "click click_through clickthrough item_click product_click select_item view view_item item_view product_view "
        "watch detail_page_view detail pdp_view page_view viewed clicked view_product"
    ),
    Action.ADD_TO_CART: "add_to_cart addtocart cart add_to_basket addtobasket atc cart_add added_to_cart carts add",
    Action.PURCHASE: (
        "purchase buy bought order ordered transaction conversion purchase_complete purchased checkout_complete sale "
        "orders placed_order"
    ),
}
ACTIONS = {word: action for action, words in _WORDS.items() for word in words.split()}
"""The words that logs use for an action."""


@dataclass(frozen=True, slots=True)
class Log:
    """A piece of a log: events in `EVENT_SCHEMA` and queries in `QUERY_SCHEMA`."""

    events: pa.Table
    queries: pa.Table


NO_EVENTS, NO_QUERIES = EVENT_SCHEMA.empty_table(), QUERY_SCHEMA.empty_table()


def events_table(rows: int, **columns: Sequence[Any] | pa.Array) -> pa.Table:
    """Events of the given columns; blank where a column is not given."""
    return _table(EVENT_SCHEMA, rows, columns)


def queries_table(rows: int, **columns: Sequence[Any] | pa.Array) -> pa.Table:
    """Queries of the given columns; blank where a column is not given."""
    return _table(QUERY_SCHEMA, rows, columns)


def _table(schema: pa.Schema, rows: int, columns: dict[str, Sequence[Any] | pa.Array]) -> pa.Table:
    blank: dict[pa.DataType, Any] = {pa.string(): "", pa.int32(): None, pa.list_(pa.string()): []}
    arrays = [
        pa.array(columns[entry.name], entry.type)
        if entry.name in columns and not isinstance(columns[entry.name], pa.Array)
        else columns.get(entry.name, pa.array([blank.get(entry.type)] * rows, entry.type))
        for entry in schema
    ]
    return pa.table(arrays, schema=schema)


def usable_rows(plan: EventPlan, report: ReadReport, *needed: EventRole) -> Iterator[Rows]:
    """The rows that have a value for every needed role; the others are set aside."""
    for rows in read_rows(plan.path, report):
        kept = rows
        for role in needed:
            present = pc.not_equal(first_text(kept, plan.of(role)), "")
            kept = keep(kept, present, plan, report, f"no {role.value}")
        if len(kept.batch):
            yield kept


def keep(rows: Rows, mask: pa.BooleanArray, plan: EventPlan, report: ReadReport, reason: str) -> Rows:
    """The rows where the mask holds; the others are set aside for the reason."""
    if pc.all(mask).as_py():
        return rows
    set_aside(rows.keep(pc.invert(mask)), repeat(reason), plan, report)
    return rows.keep(mask)


def set_aside(rows: Rows, reasons: Iterable[str], plan: EventPlan, report: ReadReport) -> None:
    """Set rows aside, each for its own reason, which is computed after the rows before it are counted."""
    for place, (line, reason) in enumerate(zip(rows.lines.to_pylist(), reasons, strict=False)):
        excerpt = rows.batch.slice(place, 1).to_pylist()[0].values() if report.wants(reason) else ()
        report.reject(reason, plan.path, line, ", ".join(map(str, excerpt)))


def first_text(rows: Rows, columns: Iterable[str]) -> pa.StringArray:
    """Per row the first text that is not blank, trimmed."""
    first = pa.array([""] * len(rows.batch), pa.string())
    for column in reversed(list(columns)):
        text = pc.utf8_trim_whitespace(rows.text(column))
        first = pc.if_else(pc.not_equal(text, ""), text, first)
    return first


def clean_queries(texts: pa.StringArray) -> pa.StringArray:
    """Query texts as they are compared, each distinct one cleaned once."""
    encoded = texts.dictionary_encode()
    plain = pa.array([normalize(clean(text)) for text in encoded.dictionary.to_pylist()], pa.string())
    return plain.take(encoded.indices)


def actions_of(rows: Rows, plan: EventPlan) -> pa.StringArray:
    """Our action of each row: the source's default when it has no such column, null when the word is unknown."""
    if not plan.of(EventRole.ACTION):
        return pa.array([plan.source.action.value] * len(rows.batch), pa.string())
    encoded = first_text(rows, plan.of(EventRole.ACTION)).dictionary_encode()
    known = pa.array([action_of(word, plan) for word in encoded.dictionary.to_pylist()], pa.string())
    return known.take(encoded.indices)


def action_of(word: str, plan: EventPlan) -> str | None:
    """The `Action`, `SEARCH` or `IGNORE` for a log's word; None when it is unknown.

    Raises:
        ConfigError: store.toml maps the word to something that is no action.
    """
    configured = plan.source.actions.get(word)
    if configured is not None and configured not in {*Action, SEARCH, IGNORE}:
        raise ConfigError(
            f"store.toml: actions of {plan.path.name} map {word!r} to {configured!r}. "
            f"Allowed: {', '.join([*Action, SEARCH, IGNORE])}."
        )
    return configured or ACTIONS.get(column_key(word))


def unknown_action(word: str, report: ReadReport) -> str:
    """Why a row with an unknown action is set aside: its word, or `OTHER_ACTIONS` once many words are counted."""
    reason = f"action {word[:_LONGEST_WORD]!r}"
    named = sum(known.startswith("action ") for known in report.set_aside)
    return reason if reason in report.set_aside or named < _MAX_NAMED_ACTIONS else OTHER_ACTIONS


def times(texts: pa.StringArray, time_format: str = "") -> pa.Array:
    """Texts as UTC times in microseconds; null where the text is no time."""
    for kind in (TIME, pa.timestamp("us", "UTC")):  # all without a zone, or all with one: the fast cases
        try:
            return pc.cast(pc.cast(texts, kind), TIME)
        except pa.ArrowInvalid:
            continue
    return pa.array([parse_time(text, time_format) for text in texts.to_pylist()], TIME)


@lru_cache(maxsize=100_000)
def parse_time(text: str, time_format: str = "") -> datetime | None:
    """UTC time of ISO 8601, of seconds to nanoseconds since 1970, or of the given format; None when it is none."""
    text = text.strip().removesuffix(" UTC")
    try:
        if time_format:
            moment = datetime.strptime(text, time_format)
        elif text.isdigit() and len(text) != 8:
            moment = datetime.fromtimestamp(int(text) / 10 ** max(0, (len(text) - 10) // 3 * 3), UTC)
        else:
            moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def numbers(texts: pa.StringArray) -> pa.Array:
    """Texts as numbers; null where the text is none."""
    shaped = pc.match_substring_regex(texts, r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$")
    return pc.cast(pc.utf8_trim_whitespace(pc.if_else(shaped, texts, None)), pa.float64())


def whole_numbers(texts: pa.StringArray) -> pa.Array:
    """Texts as 32-bit whole numbers; null where the text is none."""
    values = numbers(texts)
    inside = pc.and_(pc.greater_equal(values, -(2.0**31)), pc.less(values, 2.0**31))
    return pc.cast(pc.floor(pc.if_else(inside, values, None)), pa.int32())


def counted_times(seconds: np.ndarray[Any, np.dtype[np.int64]]) -> pa.Array:
    """Times that count up from 1970, for sources that have none."""
    return pa.array(seconds * 1_000_000, pa.int64()).cast(TIME)
