"""Search-buy and co-buy pairs out of sessions, as Ibis expressions."""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
from ibis.expr.builders import WindowBuilder
from ibis.expr.types import BooleanValue, StringColumn, StringValue, Table

from whybuy.behavior.sessions import epoch_seconds, shopper, with_sessions
from whybuy.behavior.signals import ACTION_COUNTS
from whybuy.keys import SEPARATOR
from whybuy.records import Action

SEARCH = "search"
ACT_COLUMNS = ("client", "seconds", "action", "query", "product_id")
"""Of an action that is credited to a query."""
_TAKEN = (Action.PURCHASE, Action.ADD_TO_CART)


@dataclass(frozen=True)
class AttributionConfig:
    """How far a purchase reaches back to the queries before it. The defaults are our design, none is published."""

    session_gap_minutes: int = 30  # the default of web analytics
    attribution_minutes: int = 30  # from the last search with a query to the purchase
    attribution_clicks: int = 20  # clicks in between
    attribution_queries: int = 3  # wordings of one intent: the last one and the ones before


def activity(events: Table, queries: Table, config: AttributionConfig) -> Table:
    """What shoppers did who bought something or put it in a cart, or clicked without a known query, in one stream.

    Columns client, session, timestamp, seconds, query_id, query, action (an `Action` or "search"), product_id,
    `wording` (how many queries the session had so far, an immediate repetition not counted), `clicked` (clicks so far),
    and the `seconds` and `clicked` of the last search so far: `searched_seconds` and `searched_clicked`.
    """
    acted = events.filter(events.action != Action.IMPRESSION.value)
    searches = queries.filter(queries.query != "").mutate(action=ibis.literal(SEARCH), product_id=ibis.literal(""))
    columns = ["timestamp", "session_id", "query_id", "query", "action", "product_id"]
    everyone = ibis.union(
        *(rows.select(*columns, shopper=shopper(rows), client=shopper(rows)) for rows in (searches, acted)),
    )
    wanted = everyone.filter(everyone.action.isin(_TAKEN) | _is_lost_click(everyone))
    stream = with_sessions(everyone.semi_join(wanted, "shopper"), config.session_gap_minutes)
    return _count_so_far(stream)


def _is_lost_click(acts: Table) -> BooleanValue:
    """Whether an action is a click whose query the source does not know."""
    return (acts.action == Action.CLICK.value) & (acts.query == "") & (acts.query_id == "")


def _count_so_far(stream: Table) -> Table:
    stream = stream.mutate(
        acts=(stream.action != SEARCH).cast("int64"), click=(stream.action == Action.CLICK.value).cast("int64")
    )
    searches = stream.filter(stream.action == SEARCH)
    before = searches.query.lag().over(group_by=searches.session, order_by=[searches.timestamp, searches.query])
    changed = (before.isnull() | (before != searches.query)).cast("int64")
    actions = stream.filter(stream.action != SEARCH).mutate(new=ibis.literal(0, "int64"))
    both = ibis.union(searches.mutate(new=changed), actions)
    so_far = _so_far(both)
    counted = both.mutate(wording=both.new.sum().over(so_far), clicked=both.click.sum().over(so_far))
    searched, so_far = counted.action == SEARCH, _so_far(counted)
    return counted.mutate(
        searched_seconds=ibis.ifelse(searched, counted.seconds, None).max().over(so_far),
        searched_clicked=ibis.ifelse(searched, counted.clicked, None).max().over(so_far),
    ).drop("acts", "click", "new")


def _so_far(stream: Table) -> WindowBuilder:
    """From the start of the session to now; of what happens at one moment, searches come first."""
    order = [stream.timestamp, stream.acts]
    return ibis.range_window(preceding=(None, 0), group_by=stream.session, order_by=order)


def wordings(stream: Table) -> Table:
    """The different queries of each session in order; one repeated in a row counts from the last time.

    Of several queries in the same microsecond the first by name stands for all.
    """
    searches = stream.filter(stream.action == SEARCH)
    return searches.group_by(["session", "wording"]).agg(
        query=searches.query.min(),
        searched_seconds=searches.searched_seconds.max(),
        searched_clicked=searches.searched_clicked.max(),
    )


def with_query_text(actions: Table, queries: Table) -> Table:
    """Actions with the text of the query that the source names for them, looked up by query id where it is missing."""
    texts = queries.filter(queries.query_id != "").group_by("query_id").agg(own=queries.query.min())
    without_text = actions.filter((actions.query == "") & (actions.query_id != ""))
    rest = actions.filter((actions.query != "") | (actions.query_id == ""))
    completed = without_text.left_join(texts, "query_id")
    completed = completed.drop("query").rename(query="own").fill_null({"query": ""})
    return ibis.union(rest, completed.select(actions.columns))


def attributed(actions: Table, searches: Table, config: AttributionConfig, *, queries: int) -> Table:
    """Actions with each query that they may be credited to: columns of `ACT_COLUMNS`, and `direct`.

    The query that the source names comes first (`direct` 1). Then the last `queries` wordings of the session count,
    each within the minutes and clicks of the config; where the source names a query, only if it is the last one.
    """
    direct = actions.filter(actions.query != "").mutate(direct=ibis.literal(1, "int64"))
    anchor = searches.select("session", "wording", last=searches.query)
    anchored = actions.inner_join(anchor, ["session", "wording"])
    anchored = anchored.filter((anchored.query == "") | (anchored.query == anchored.last))
    current = anchored.mutate(query=anchored.last)
    earlier = [_wording_before(anchored, searches, back) for back in range(1, queries)]
    credited = _stack([step.select(actions.columns) for step in (current, *earlier)]).filter(
        ibis._.seconds - ibis._.searched_seconds <= config.attribution_minutes * 60,
        ibis._.clicked - ibis._.searched_clicked <= config.attribution_clicks,
    )
    credited = credited.mutate(direct=ibis.literal(0, "int64"))
    columns = ["session", "timestamp", *ACT_COLUMNS]
    both = ibis.union(direct.select(*columns, "direct"), credited.select(*columns, "direct"))
    return both.group_by(columns).agg(direct=both.direct.max()).select(*ACT_COLUMNS, "direct")


def _stack(tables: Sequence[Table]) -> Table:
    return ibis.union(*tables) if len(tables) > 1 else tables[0]


def _wording_before(actions: Table, searches: Table, back: int) -> Table:
    """The actions as if the wording `back` steps before had led to them."""
    moved = actions.mutate(wording=actions.wording - back).drop("query", "searched_seconds", "searched_clicked")
    return moved.inner_join(searches, ["session", "wording"])


def credited_actions(events: Table, queries: Table, stream: Table, config: AttributionConfig) -> Table:
    """Purchases, carts and clicks with the query that led to them: columns of `ACT_COLUMNS`, `direct` and `position`.

    Position is the rank of a click, null where it is not known. A purchase is credited to the last wordings of its
    session. A cart and a click are credited to one query: their own, else the last of the session. stream: of
    `activity`.
    """
    searches = wordings(stream)
    bought, carted = (with_query_text(stream.filter(stream.action == kind.value), queries) for kind in _TAKEN)
    clicks = events.filter(events.action == Action.CLICK.value)
    clicks = clicks.select(
        "query_id", "query", "product_id", "action", "position", client=shopper(clicks), seconds=epoch_seconds(clicks)
    )
    named = with_query_text(clicks, queries).mutate(direct=ibis.literal(1, "int64"))
    credited = ibis.union(
        attributed(bought, searches, config, queries=config.attribution_queries),
        attributed(carted, searches, config, queries=1),
        attributed(stream.filter(_is_lost_click(stream)), searches, config, queries=1),
    )
    return ibis.union(
        credited.mutate(position=ibis.null("int32")),
        named.filter(named.query != "").select(*ACT_COLUMNS, "direct", "position"),
    )


def search_pairs(acts: Table) -> Table:
    """Search-buy pairs: columns left, right, sessions (distinct shoppers), direct, counts of actions, and evidence.

    acts: of `credited_actions`, with the columns of `signals.with_evidence`.
    """
    counts = {name: acts.action.count(where=acts.action == kind.value) for name, kind in ACTION_COUNTS.items()}
    counts["direct"] = acts.direct.count(where=acts.direct == 1)
    sums = {name: acts[name].sum() for name in ("evidence", "recent", "earlier", "late")}
    return acts.group_by(left=acts.query, right=acts.product_id).agg(sessions=acts.client.nunique(), **counts, **sums)


def impressions(events: Table, queries: Table, *, from_hits: bool) -> Table:
    """How often each product was shown for each query: from the hits of the query log, else from impression events."""
    if from_hits:
        shown = queries.select("query", product_id=queries.hits.unnest())
    else:
        seen = events.filter(events.action == Action.IMPRESSION.value)
        shown = with_query_text(seen.select("query_id", "query", "product_id"), queries)
    shown = shown.filter(shown.query != "")
    return shown.group_by(["query", "product_id"]).agg(impressions=shown.count())


def with_impressions(pairs: Table, shown: Table) -> Table:
    """Search-buy pairs with `impressions`, 0 where the product was never shown. shown: of `impressions`."""
    joined = pairs.left_join(shown, [pairs.left == shown.query, pairs.right == shown.product_id])
    return joined.select(*pairs.columns, impressions=joined.impressions.fill_null(0))


def baskets(stream: Table, action: Action, *, max_basket: int, seed: int) -> Table:
    """The different products of each session that were bought, or put in a cart: columns basket, product_id.

    Of a basket with more than `max_basket` products that many are drawn, the same ones for the same seed.
    """
    bought = stream.filter(stream.action == action.value)
    bought = bought.select(basket=bought.session, product_id=bought.product_id).distinct()
    sized = bought.mutate(size=bought.count().over(group_by=bought.basket))
    huge = sized.filter(sized.size > max_basket)
    ticket = stable_hash(ibis.literal(str(seed)), huge.basket, huge.product_id)
    drawn = huge.mutate(rank=ibis.row_number().over(group_by=huge.basket, order_by=[ticket, huge.product_id]))
    small = sized.filter((sized.size > 1) & (sized.size <= max_basket)).select("basket", "product_id")
    return ibis.union(small, drawn.filter(drawn["rank"] < max_basket).select("basket", "product_id"))


def co_buy(content: Table) -> Table:
    """Pairs of products in one basket: columns left < right, sessions."""
    other = content.view()
    both = content.inner_join(other, [content.basket == other.basket, content.product_id < other.product_id])
    both = both.select(left=content.product_id, right=other.product_id)
    return both.group_by(["left", "right"]).agg(sessions=both.count())


def stable_hash(*parts: StringValue) -> StringColumn:
    """Sixteen hexadecimal digits, as `whybuy.artifacts.digest` makes them, on every engine."""
    text = parts[0]
    for part in parts[1:]:
        text = text + SEPARATOR + part
    return text.hexdigest("sha256").substr(0, 16)
