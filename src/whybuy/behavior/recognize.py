"""Recognizes the format and columns of an event log: a plan that readers follow and a person can correct."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from whybuy.catalog.aliases import column_key
from whybuy.catalog.recognize import ColumnUse, column_example, without_configured
from whybuy.config import ConfigTable
from whybuy.errors import ConfigError, InputError, closest
from whybuy.records import Action
from whybuy.tables import Rows, peek


class EventFormat(StrEnum):
    """What kind of log a file is."""

    AUTO = "auto"
    UBI_QUERIES = "ubi_queries"  # OpenSearch User Behavior Insights, 1.0 to 1.3
    UBI_EVENTS = "ubi_events"
    GA4 = "ga4"  # Google Analytics 4, BigQuery export
    QUERIES = "queries"  # one search per row, as in the AOL query log
    EVENTS = "events"  # one action per row
    BASKETS = "baskets"  # one product of an order per row
    SESSIONS = "sessions"  # one list of products per row
    JUDGMENTS = "judgments"  # one graded query and product per row


class EventRole(StrEnum):
    """What a column of a log holds; the value is the key under `columns` in store.toml."""

    TIMESTAMP = "timestamp"
    ACTION = "action"
    PRODUCT_ID = "product_id"
    CLIENT_ID = "client_id"
    SESSION_ID = "session_id"
    QUERY_ID = "query_id"
    QUERY = "query"
    POSITION = "position"
    HITS = "hits"  # product ids shown, best first
    ORDER_ID = "order_id"
    QUANTITY = "quantity"  # rows with none or less are returns
    ITEMS = "items"  # a list of product ids, in order
    TARGET = "target"  # the product that followed the list
    RELEVANCE = "relevance"  # a number, or a label of ESCI or WANDS


@dataclass(frozen=True)
class EventSource:
    """One `[[events]]` table of store.toml."""

    path: str  # relative to the shop's folder; may hold * and ?
    format: EventFormat = EventFormat.AUTO
    columns: Mapping[str, str | list[str]] = field(default_factory=dict)  # by role; "" leaves the role without a column
    actions: Mapping[str, str] = field(default_factory=dict)  # the log's word → an action of ours, "search" or "ignore"
    action: Action = Action.PURCHASE  # of rows that name none
    relevant_from: float | None = None  # grade that counts as a purchase; None is two thirds of the file's scale
    time_format: str = ""  # as in strptime, when times are neither ISO 8601 nor numbers since 1970


LOG_CONFIG = ConfigTable("events", EventSource, repeated=True)


@dataclass(frozen=True, slots=True)
class EventPlan:
    """How one log is read."""

    path: Path
    format: EventFormat
    columns: tuple[ColumnUse, ...]
    confidence: float  # in [0, 1]; 0 when it is no log
    source: EventSource

    def of(self, role: EventRole) -> tuple[str, ...]:
        """The columns that may hold a role; per row the first that is not blank counts."""
        return tuple(entry.column for entry in self.columns if entry.use == role)

    @property
    def likely_action(self) -> Action | None:
        """The action of all rows, as the name of the time column tells (`click_time`), where no column names one."""
        if self.of(EventRole.ACTION):
            return None
        return Action.CLICK if any("click" in column_key(name) for name in self.of(EventRole.TIMESTAMP)) else None


ALIASES: dict[EventRole, list[str]] = {
    EventRole.TIMESTAMP: (
        "timestamp event_timestamp time datetime event_time querytime date order_date invoicedate click_time "
        "clicked_at purchase_time purchased_at"
    ).split(),
    EventRole.ACTION: "action_name action event_type event_name eventtype event type".split(),
    EventRole.QUERY_ID: "query_id search_id".split(),
    EventRole.QUERY: "user_query query search_term search_query keywords".split(),
    EventRole.PRODUCT_ID: (
        "event_attributes_object_object_id event_attributes_object_internal_id event_attributes_object_id "
        "event_attributes_data_data_id object_id product_id productid item_id itemid asin parent_asin sku stock_code "
        "stockcode upc ean article_id product item internal_id"
    ).split(),
    EventRole.POSITION: (
        "event_attributes_position_ordinal event_attributes_position_ordinal_index event_attributes_position_index "
        "position rank itemrank add_to_cart_order ordinal"
    ).split(),
    EventRole.HITS: "query_response_hit_ids query_response_objects_ids query_response_object_ids hits results".split(),
    EventRole.ORDER_ID: "order_id orderid basket_id transaction_id invoice invoice_no invoiceno order basket".split(),
    EventRole.SESSION_ID: "session_id sessionid visit_id user_session".split(),
    EventRole.CLIENT_ID: (
        "client_id user_pseudo_id visitor_id visitorid user_id userid anonid customer_id customerid reviewerid user"
    ).split(),
    EventRole.QUANTITY: "quantity qty".split(),
    EventRole.ITEMS: "items session history item_ids sequence products prefix prev_items".split(),
    EventRole.TARGET: "target next_item".split(),
    EventRole.RELEVANCE: "relevance rating grade esci_label label gain median_relevance".split(),
}

_SEVERAL = (EventRole.PRODUCT_ID, EventRole.POSITION, EventRole.HITS, EventRole.CLIENT_ID)

_NEEDS: list[tuple[EventFormat, tuple[EventRole, ...], float]] = [
    (EventFormat.UBI_EVENTS, (EventRole.ACTION, EventRole.TIMESTAMP), 1.0),
    (EventFormat.UBI_QUERIES, (EventRole.QUERY,), 1.0),
    (EventFormat.JUDGMENTS, (EventRole.QUERY, EventRole.PRODUCT_ID, EventRole.RELEVANCE), 0.9),
    (EventFormat.EVENTS, (EventRole.ACTION, EventRole.PRODUCT_ID, EventRole.TIMESTAMP), 0.9),
    (EventFormat.BASKETS, (EventRole.ORDER_ID, EventRole.PRODUCT_ID), 0.9),
    (EventFormat.SESSIONS, (EventRole.ITEMS,), 0.8),
    (EventFormat.EVENTS, (EventRole.PRODUCT_ID, EventRole.TIMESTAMP), 0.6),
    (EventFormat.QUERIES, (EventRole.QUERY, EventRole.TIMESTAMP), 0.6),
]
"""What a log of each kind must have, the most telling first."""


def recognize_events(path: Path, source: EventSource | None = None) -> EventPlan:
    """Plan how to read a log, from its first rows and store.toml; confidence 0 when the file is no log.

    Raises:
        InputError: the file cannot be read.
        ConfigError: store.toml names a role or a column that does not exist.
    """
    source = source or EventSource(str(path))
    rows = peek(path)
    configured = _configured_roles(path, source.columns, rows.batch.schema.names)
    uses = without_configured(_guess_roles(rows), configured) | configured
    event_format, confidence = _format(rows, uses)
    if source.format is not EventFormat.AUTO:
        event_format, confidence = source.format, 1.0
    pairs: list[tuple[str, str]] = [(column, role) for role, columns in uses.items() for column in columns]
    used = {column for column, _ in pairs}
    pairs += [(name, "") for name in rows.batch.schema.names if name not in used]
    columns = tuple(
        ColumnUse(column, role, 1.0 if role in source.columns else 0.9, column_example(rows, column))
        for column, role in pairs
    )
    return EventPlan(path, event_format, columns, confidence, source)


def check_plan(plan: EventPlan) -> None:
    """Raise InputError when the file is no log, or lacks a column that its kind of log needs."""
    names = ", ".join(entry.column for entry in plan.columns)
    if not plan.confidence:
        raise InputError(
            f"{plan.path} is no event log that whybuy knows. Its columns: {names}. "
            f"Say in store.toml what it is: format = one of {', '.join(EventFormat)}, and which columns it has."
        )
    needed = next((roles for kind, roles, _ in _NEEDS if kind is plan.format), ())
    for role in needed:
        if not plan.of(role) and plan.format is not EventFormat.GA4 and role is not EventRole.ACTION:
            raise InputError(
                f"{plan.path} is read as {plan.format.value}, but has no column that looks like the {role.value}. "
                f'Its columns: {names}. Say which one it is in store.toml: columns = {{ {role.value} = "..." }}.'
            )


def _guess_roles(rows: Rows) -> dict[EventRole, list[str]]:
    by_key = {column_key(name.removeprefix("_source.")): name for name in reversed(rows.batch.schema.names)}
    uses: dict[EventRole, list[str]] = {}
    taken: set[str] = set()
    for role, aliases in ALIASES.items():
        columns = [by_key[alias] for alias in aliases if alias in by_key and by_key[alias] not in taken]
        uses[role] = columns if role in _SEVERAL else columns[:1]
        taken.update(uses[role])
    return uses


def _configured_roles(
    path: Path, columns: Mapping[str, str | list[str]], names: list[str]
) -> dict[EventRole, list[str]]:
    configured: dict[EventRole, list[str]] = {}
    for role, value in columns.items():
        if role not in set(EventRole):
            hint = closest(role, [known.value for known in EventRole])
            raise ConfigError(f"store.toml: columns of {path.name} name the role {role!r}.{hint}")
        configured[EventRole(role)] = [name for name in ([value] if isinstance(value, str) else value) if name]
        for name in configured[EventRole(role)]:
            if name not in names:
                raise ConfigError(f"store.toml: {path.name} has no column {name!r} for {role}.{closest(name, names)}")
    return configured


def _format(rows: Rows, uses: Mapping[EventRole, list[str]]) -> tuple[EventFormat, float]:
    keys = {column_key(name.removeprefix("_source.")) for name in rows.batch.schema.names}
    if "event_name" in keys and keys & {"event_params", "event_timestamp", "user_pseudo_id"}:
        return EventFormat.GA4, 1.0
    ubi = {EventFormat.UBI_EVENTS: "action_name" in keys, EventFormat.UBI_QUERIES: "user_query" in keys}
    for kind, roles, confidence in _NEEDS:
        if ubi.get(kind, True) and all(uses.get(role) for role in roles) and _holds(kind, rows, uses):
            return kind, confidence
    return EventFormat.AUTO, 0.0


def _holds(kind: EventFormat, rows: Rows, uses: Mapping[EventRole, list[str]]) -> bool:
    """Whether the columns look right: a session list is a list, or several ids in one text."""
    if kind is not EventFormat.SESSIONS:
        return True
    column = uses[EventRole.ITEMS][0]
    if pa.types.is_list(rows.batch.schema.field(column).type):
        return True
    several = sum(len(re.split(r"[\s,;|]+", text.strip())) > 1 for text in rows.text(column).to_pylist())
    return several * 2 > len(rows.batch)
