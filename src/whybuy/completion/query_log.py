"""Counts what a shop's logs say about queries: how often, by how many shoppers, after which others, and in which parts.

Only whole queries count. Repetitions and sessions are treated as by Yadav et al. (KDD 2021, arXiv 2012.07654); how
half-typed queries are recognized is our design.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import ibis
import pyarrow as pa
from ibis.expr.types import BooleanColumn, Table

from whybuy.behavior.engine import open_engine
from whybuy.behavior.sessions import epoch_seconds, shopper, with_sessions
from whybuy.completion.folding import word_key
from whybuy.completion.limits import LOOKED_BACK
from whybuy.completion.trends import with_trends
from whybuy.completion.vocabulary import VocabularyConfig
from whybuy.records import QUERIES

QUERY_COUNT_SCHEMA = pa.schema(
    [
        pa.field("query", pa.string(), nullable=False),  # normalized
        pa.field("count", pa.int64(), nullable=False),  # searches for it
        pa.field("weight", pa.float64(), nullable=False),  # the same, halved by each half-life of age; with the trend
        pa.field("key_count", pa.int64(), nullable=False),  # searches for any query of the same word key
        pa.field("key_shoppers", pa.int64(), nullable=False),  # different shoppers who made those
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
        pa.field("word", pa.string(), nullable=False),  # of a head; the last word of a head again with a space behind
        pa.field("suffix", pa.string(), nullable=False),
        pa.field("shoppers", pa.int64(), nullable=False),  # different ones who searched for a query that has both
    ]
)
_DAY = 86_400
_NO_QUERY = ("", "-")  # "-": as the AOL log writes it


@dataclass(frozen=True, slots=True, eq=False)
class QueryLog:
    """What the logs say about queries.

    A query of several words is cut at each of its gaps: the words before a gap are a head, those behind it a suffix.
    """

    counts: pa.Table  # QUERY_COUNT_SCHEMA, by rising query
    follow_ups: pa.Table  # FOLLOW_SCHEMA: each query with those before it in its session, by rising time
    heads: pa.Table  # PART_SCHEMA
    suffixes: pa.Table  # PART_SCHEMA
    links: pa.Table  # LINK_SCHEMA

    @classmethod
    def empty(cls) -> Self:
        """The log of a shop without queries."""
        schemas = QUERY_COUNT_SCHEMA, FOLLOW_SCHEMA, PART_SCHEMA, PART_SCHEMA, LINK_SCHEMA
        return cls(*(schema.empty_table() for schema in schemas))


def read_query_log(
    events: Path, spill: Path, config: VocabularyConfig, *, language: str, before: int | None = None
) -> QueryLog:
    """Count the queries of imported events.

    events: the folder of the events artifact. spill: where the engine may write what exceeds memory.
    before: seconds since 1970; later queries are neither counted nor followed.
    """
    with open_engine(
        config.engine, memory_limit=config.memory_limit, threads=config.threads, spill_folder=spill
    ) as engine:
        queries = engine.read(events / QUERIES.file)
        early = queries if before is None else queries.filter(epoch_seconds(queries) < before)
        whole = whole_queries(early, gap_minutes=config.gap_minutes, typing_seconds=config.typing_seconds)
        whole = engine.keep(whole.select("query", "query_id", "session", "seconds", "asker", "age"), "whole")
        texts = whole.select("query").distinct().to_pyarrow()["query"].to_pylist()
        keys = pa.array([word_key(text, language) for text in texts], pa.string())
        word_keys = pa.table({"query": pa.array(texts, pa.string()), "word_key": keys})
        counts = count_queries(whole, ibis.memtable(word_keys), half_life_days=config.half_life_days)
        follow = follow_ups(whole).order_by(["seconds", "session", "query"])
        parts = count_parts(whole, config.least_shoppers)
        schemas = QUERY_COUNT_SCHEMA, FOLLOW_SCHEMA, PART_SCHEMA, PART_SCHEMA, LINK_SCHEMA
        tables = zip((counts.order_by("query"), follow, *parts), schemas, strict=True)
        log = QueryLog(*(table.to_pyarrow().cast(schema) for table, schema in tables))
    days = {"half_life_days": config.half_life_days, "trend_days": config.trend_days}
    return replace(log, counts=with_trends(log.counts, log.follow_ups, **days))


def count_queries(whole: Table, word_keys: Table, *, half_life_days: float) -> Table:
    """Columns of QUERY_COUNT_SCHEMA for each query, without trends. Ages are counted back from the last query of all.

    whole: see `whole_queries`. word_keys: columns query, word_key; one row for each query.
    """
    searches = whole.join(word_keys, "query")
    by_key = searches.group_by("word_key").aggregate(key_count=searches.count(), key_shoppers=searches.asker.nunique())
    by_query = searches.group_by(["query", "word_key"]).aggregate(
        count=searches.count(), weight=(ibis.literal(2.0) ** (-searches.age / half_life_days)).sum()
    )
    return by_query.join(by_key, "word_key").select(QUERY_COUNT_SCHEMA.names)


def follow_ups(whole: Table) -> Table:
    """Columns of FOLLOW_SCHEMA for each query, the first ones of sessions among them. whole: see `whole_queries`."""
    window = ibis.window(group_by=whole.session, order_by=[whole.seconds, whole.query_id])
    before = {f"previous_{back}": whole.query.lag(back).over(window) for back in range(1, LOOKED_BACK + 1)}
    return whole.mutate(**before).select(FOLLOW_SCHEMA.names)


def count_parts(whole: Table, least_shoppers: int) -> tuple[Table, Table, Table]:
    """Heads, suffixes (both PART_SCHEMA) and links (LINK_SCHEMA), each searched for by at least so many shoppers.

    whole: see `whole_queries`.
    """
    once = whole.select("query", "asker").distinct().mutate(words=lambda one: one.query.split(" "))
    cut = once.mutate(at=ibis.range(1, once.words.length()).unnest())
    before = cut.words[: cut.at]
    last, suffix = cut.words[cut.at - 1], cut.words[cut.at :].join(" ")
    parts = cut.select("asker", before=before, last=last, head=before.join(" "), suffix=suffix)
    shoppers = parts.asker.nunique()

    def by(part: str) -> Table:
        return parts.group_by(text=parts[part]).aggregate(shoppers=shoppers)

    links = parts.select("asker", "suffix", word=parts.before.unnest())
    links = links.union(parts.select("asker", "suffix", word=parts.last + " "))
    linked = links.group_by(["word", "suffix"]).aggregate(shoppers=links.asker.nunique())
    heads, suffixes, kept = (
        table.filter(table.shoppers >= least_shoppers) for table in (by("head"), by("suffix"), linked)
    )
    return heads.order_by("text"), suffixes.order_by("text"), kept.order_by(["word", "suffix"])


def whole_queries(queries: Table, *, gap_minutes: int, typing_seconds: int) -> Table:
    """The queries that a shopper finished: columns query, query_id, session, seconds, asker (the shopper), age in days.

    A query that equals the one before it in its session is left out, and so is one that the next query continues in the
    middle of a word or within `typing_seconds`: it was still being typed.

    queries: columns of QUERY_SCHEMA.
    """
    named = queries.filter(queries.query.notin(_NO_QUERY)).mutate(shopper=shopper(queries), asker=shopper(queries))
    timed = with_sessions(named, gap_minutes)  # drops the column `shopper`
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
    continued = steps.later.startswith(steps.query) & (steps.later != steps.query)
    within_word = steps.later.substr(steps.query.length(), 1) != " "
    return continued & (within_word | (steps.pause <= typing_seconds))
