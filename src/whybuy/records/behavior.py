"""What shoppers did: events, queries and the pairs mined from them, with their Arrow schemas."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from whybuy.records.bulk import BulkTable


class Action(StrEnum):
    """What a shopper did, in the words of OpenSearch User Behavior Insights."""

    IMPRESSION = "impression"
    CLICK = "click"
    ADD_TO_CART = "add_to_cart"
    PURCHASE = "purchase"


@dataclass(frozen=True, slots=True)
class Event:
    """One action of one shopper on one product."""

    timestamp: datetime  # UTC
    action: Action
    product_id: str
    client_id: str = ""  # the shopper's browser or account; sessions are cut within it
    session_id: str = ""  # as the source has it; empty when it has none
    query_id: str = ""  # the query that led to it, when the source has it
    query: str = ""  # its text
    position: int | None = None  # rank on the result page, from 1


EVENT_SCHEMA = pa.schema(
    [
        pa.field("timestamp", pa.timestamp("us"), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("client_id", pa.string(), nullable=False),
        pa.field("session_id", pa.string(), nullable=False),
        pa.field("query_id", pa.string(), nullable=False),
        pa.field("query", pa.string(), nullable=False),
        pa.field("position", pa.int32()),
    ]
)
"""Sources without time (baskets, session lists, judged pairs) give each its own client and count up from 1970."""
EVENTS = BulkTable("events", "events.parquet", EVENT_SCHEMA)


QUERY_SCHEMA = pa.schema(
    [
        pa.field("timestamp", pa.timestamp("us"), nullable=False),
        pa.field("query_id", pa.string(), nullable=False),
        pa.field("query", pa.string(), nullable=False),
        pa.field("client_id", pa.string(), nullable=False),
        pa.field("session_id", pa.string(), nullable=False),
        pa.field("hits", pa.list_(pa.string()), nullable=False),  # product ids shown, best first: the impressions
    ]
)
QUERIES = BulkTable("events", "queries.parquet", QUERY_SCHEMA)


class Behavior(StrEnum):
    """The two kinds of behavior pair (COSMO, SIGMOD 2024)."""

    SEARCH_BUY = "search_buy"
    CO_BUY = "co_buy"


PAIR_SCHEMA = pa.schema(
    [
        pa.field("pair_id", pa.string(), nullable=False),  # stable hash of kind, left and right
        pa.field("kind", pa.string(), nullable=False),  # a `Behavior` value
        pa.field("left", pa.string(), nullable=False),  # normalized query text, or the smaller product id
        pa.field("right", pa.string(), nullable=False),  # product id
        pa.field("sessions", pa.int64(), nullable=False),  # search-buy: distinct shoppers; co-buy: distinct sessions
        pa.field("purchases", pa.int64(), nullable=False),
        pa.field("carts", pa.int64(), nullable=False),
        pa.field("clicks", pa.int64(), nullable=False),
        pa.field("impressions", pa.int64(), nullable=False),
        pa.field("evidence", pa.float64(), nullable=False),  # all of these, in units of the strongest that is logged
        pa.field("recent", pa.float64(), nullable=False),  # the same, each halved by every half-life of its age
        pa.field("earlier", pa.float64(), nullable=False),  # the same as of when the last part of the log began
        pa.field("late", pa.float64(), nullable=False),  # evidence from that last part, 0 in logs without times
        pa.field("weight", pa.float64(), nullable=False),  # for sampling, > 0
    ]
)
"""Behavior pairs: a search that led to a purchase, cart or click, or two products bought together."""
PAIRS = BulkTable("pairs", "pairs.parquet", PAIR_SCHEMA)
