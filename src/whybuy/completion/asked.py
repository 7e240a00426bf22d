"""What shoppers asked, how often and after what, out of the logs: whole queries only."""

from dataclasses import dataclass
from typing import Self

import ibis
import pyarrow as pa
from ibis.expr.types import BooleanColumn, Table

from whybuy.behavior.sessions import shopper, with_sessions
from whybuy.completion.limits import LOOKED_BACK

ASKED_SCHEMA = pa.schema(
    [
        pa.field("query", pa.string(), nullable=False),  # normalized
        pa.field("times", pa.int64(), nullable=False),  # that it was asked
        pa.field("weight", pa.float64(), nullable=False),  # the same, each halved by every half-life of its age
        pa.field("asked", pa.int64(), nullable=False),  # times that its words were, in whatever order and inflection
        pa.field("shoppers", pa.int64(), nullable=False),  # different ones who asked these words
    ]
)
FOLLOW_SCHEMA = pa.schema(
    [
        pa.field("session", pa.string(), nullable=False),
        pa.field("seconds", pa.int64(), nullable=False),  # since 1970
        pa.field("query", pa.string(), nullable=False),  # normalized
        *(pa.field(f"previous_{back}", pa.string()) for back in range(1, LOOKED_BACK + 1)),  # 1: the one just before
    ]
)
PART_SCHEMA = pa.schema(
    [
        pa.field("text", pa.string(), nullable=False),  # normalized
        pa.field("shoppers", pa.int64(), nullable=False),  # different ones
    ]
)
LINK_SCHEMA = pa.schema(
    [
        pa.field("word", pa.string(), nullable=False),  # of a beginning; its last one again, a space behind it
        pa.field("ending", pa.string(), nullable=False),
        pa.field("shoppers", pa.int64(), nullable=False),  # different ones who asked a query that has both
    ]
)
_DAY = 86_400
_UNTOLD = ("", "-")  # as the AOL log writes it


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """What shoppers asked, counted."""

    asked: pa.Table  # ASKED_SCHEMA, by rising query
    follow_ups: pa.Table  # FOLLOW_SCHEMA, by rising time
    beginnings: pa.Table  # PART_SCHEMA: of queries of several words, up to any of their gaps
    endings: pa.Table  # PART_SCHEMA: the same behind the gap
    links: pa.Table  # LINK_SCHEMA

    @classmethod
    def none(cls) -> Self:
        """Nothing was asked."""
        schemas = ASKED_SCHEMA, FOLLOW_SCHEMA, PART_SCHEMA, PART_SCHEMA, LINK_SCHEMA
        return cls(*(schema.empty_table() for schema in schemas))


def count_asked(whole: Table, word_keys: Table, *, half_life_days: float) -> Table:
    """Columns of ASKED_SCHEMA for each query. Ages are counted back from the last query of all.

    whole: see `whole_queries`. word_keys: columns query, word_key; one row for each query.
    """
    said = whole.join(word_keys, "query")
    by_word_key = said.group_by("word_key").aggregate(asked=said.count(), shoppers=said.asker.nunique())
    by_query = said.group_by(["query", "word_key"]).aggregate(
        times=said.count(), weight=(ibis.literal(2.0) ** (-said.age / half_life_days)).sum()
    )
    return by_query.join(by_word_key, "word_key").select(ASKED_SCHEMA.names)


def follow_ups(whole: Table) -> Table:
    """Columns of FOLLOW_SCHEMA for each query, the first ones of sessions among them. whole: see `whole_queries`."""
    window = ibis.window(group_by=whole.session, order_by=[whole.seconds, whole.query_id])
    before = {f"previous_{back}": whole.query.lag(back).over(window) for back in range(1, LOOKED_BACK + 1)}
    return whole.mutate(**before).select(FOLLOW_SCHEMA.names)


def count_parts(whole: Table, least_shoppers: int) -> tuple[Table, Table, Table]:
    """Beginnings, endings (both PART_SCHEMA) and links (LINK_SCHEMA) that at least so many shoppers asked each."""
    once = whole.select("query", "asker").distinct().mutate(said=lambda one: one.query.split(" "))
    cut = once.mutate(at=ibis.range(1, once.said.length()).unnest())
    before = cut.said[: cut.at]
    last, ending = cut.said[cut.at - 1], cut.said[cut.at :].join(" ")
    parts = cut.select("asker", before=before, last=last, beginning=before.join(" "), ending=ending)
    asked_by = parts.asker.nunique()

    def by(part: str) -> Table:
        return parts.group_by(text=parts[part]).aggregate(shoppers=asked_by)

    links = parts.select("asker", "ending", word=parts.before.unnest())
    links = links.union(parts.select("asker", "ending", word=parts.last + " "))
    linked = links.group_by(["word", "ending"]).aggregate(shoppers=links.asker.nunique())
    often = (table.filter(table.shoppers >= least_shoppers) for table in (by("beginning"), by("ending"), linked))
    beginnings, endings, kept = often
    return beginnings.order_by("text"), endings.order_by("text"), kept.order_by(["word", "ending"])


def whole_queries(queries: Table, *, gap_minutes: int, typing_seconds: int) -> Table:
    """What was meant as a query: columns query, query_id, session, seconds, asker, and age in days.

    What a shopper asks again at once counts once. What they were still typing does not count: a text that the next
    query of the session goes on with, in the middle of a word or within `typing_seconds` (fact sheet §4.2 for
    repetitions and sessions; half-typed queries are our design).

    queries: columns of QUERY_SCHEMA.
    """
    named = queries.filter(queries.query.notin(_UNTOLD)).mutate(shopper=shopper(queries), asker=shopper(queries))
    timed = with_sessions(named, gap_minutes)
    window = ibis.window(group_by=timed.session, order_by=[timed.seconds, timed.query_id])
    steps = timed.mutate(
        earlier=timed.query.lag().over(window),
        later=timed.query.lead().over(window),
        pause=timed.seconds.lead().over(window) - timed.seconds,
        age=(timed.seconds.max().over(ibis.window()) - timed.seconds) / _DAY,
    )
    again = (steps.query == steps.earlier).fill_null(False)
    return steps.filter(~again, ~_half_typed(steps, typing_seconds).fill_null(False))


def _half_typed(steps: Table, typing_seconds: int) -> BooleanColumn:
    goes_on = steps.later.startswith(steps.query) & (steps.later != steps.query)
    within_word = steps.later.substr(steps.query.length(), 1) != " "
    return goes_on & (within_word | (steps.pause <= typing_seconds))
