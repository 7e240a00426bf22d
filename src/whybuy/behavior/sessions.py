"""Sessions: the actions of one shopper without a long pause."""

import ibis
from ibis.expr.types import IntegerColumn, StringColumn, Table

SEPARATOR = "\x1f"


def shopper(actions: Table) -> StringColumn:
    """Who acted: the client, else the source's session, else the query; an action without any stands alone."""
    return ibis.coalesce(
        actions.client_id.nullif(""),
        actions.session_id.nullif(""),
        actions.query_id.nullif(""),
        actions.timestamp.cast("string"),
    )


def epoch_seconds(actions: Table) -> IntegerColumn:
    """Whole seconds since 1970 of the column `timestamp`, the same on every engine."""
    return actions.timestamp.truncate("s").epoch_seconds().cast("int64")


def with_sessions(actions: Table, gap_minutes: int) -> Table:
    """Add `seconds` (since 1970) and `session`, a text that is equal for actions of one session.

    A session id of the source rules where there is one; an action without any joins the one before it, or at the
    start the one after it, unless the shopper paused longer than `gap_minutes` (UBI queries carry no session id, UBI
    events do). Elsewhere a session ends at such a pause.

    actions: columns timestamp, shopper, session_id, and any others.
    """
    timed = actions.mutate(seconds=epoch_seconds(actions), named=(actions.session_id != "").cast("int64"))
    pause = timed.seconds - timed.seconds.lag().over(group_by=timed.shopper, order_by=timed.timestamp)
    cut = timed.mutate(cut=(pause > gap_minutes * 60).fill_null(False).cast("int64"))
    visit = cut.cut.sum().over(ibis.range_window(preceding=(None, 0), group_by=cut.shopper, order_by=cut.timestamp))
    visits = cut.mutate(visit=visit)
    within = [visits.shopper, visits.visit]
    names = visits.named.sum().over(ibis.range_window(preceding=(None, 0), group_by=within, order_by=visits.timestamp))
    counted = visits.mutate(names=names)
    first = ibis.ifelse(counted.names == 1, counted.session_id, "")
    named = counted.mutate(
        before=counted.session_id.max().over(group_by=[counted.shopper, counted.visit, counted.names]),
        first=first.max().over(group_by=[counted.shopper, counted.visit]),
    )
    adopted = ibis.ifelse(
        named.session_id != "", named.session_id, ibis.ifelse(named.before != "", named.before, named.first)
    )
    number = ibis.ifelse(adopted == "", named.visit.cast("string"), "")
    session = named.shopper + SEPARATOR + adopted + SEPARATOR + number
    return named.mutate(session=session).drop(
        "shopper", "session_id", "cut", "named", "visit", "names", "before", "first"
    )
