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

    A session id of the source rules where there is one. Elsewhere a session ends at a pause of the shopper that is
    longer than `gap_minutes`.

    actions: columns timestamp, shopper, session_id, and any others.
    """
    timed = actions.mutate(seconds=epoch_seconds(actions))
    pause = timed.seconds - timed.seconds.lag().over(group_by=[timed.shopper, timed.session_id], order_by=timed.seconds)
    is_cut = (timed.session_id == "") & (pause > gap_minutes * 60)
    cut = timed.mutate(cut=is_cut.fill_null(False).cast("int64"))
    owner = [cut.shopper, cut.session_id]
    number = cut.cut.sum().over(ibis.range_window(preceding=(None, 0), group_by=owner, order_by=cut.seconds))
    session = cut.shopper + SEPARATOR + cut.session_id + SEPARATOR + number.cast("string")
    return cut.mutate(session=session).drop("shopper", "session_id", "cut")
