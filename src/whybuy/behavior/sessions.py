"""Sessions: the actions of one shopper without a long pause."""

import ibis
from ibis.expr.types import IntegerColumn, StringColumn, Table

from whybuy.keys import SEPARATOR


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

    A shopper's actions fall into blocks at each pause longer than `gap_minutes`. The source's session id is used where
    there is one; actions without (the searches of User Behavior Insights) take the smallest of their block; a block
    without any is a session.

    actions: columns timestamp, shopper, session_id, and any others.
    """
    timed = actions.mutate(seconds=epoch_seconds(actions))
    pause = timed.seconds - timed.seconds.lag().over(group_by=timed.shopper, order_by=timed.seconds)
    cut = timed.mutate(cut=(pause > gap_minutes * 60).fill_null(False).cast("int64"))
    so_far = ibis.range_window(preceding=(None, 0), group_by=cut.shopper, order_by=cut.seconds)
    blocks = cut.mutate(block=cut.cut.sum().over(so_far), own_id=cut.session_id.nullif(""))
    nearest = blocks.own_id.min().over(group_by=[blocks.shopper, blocks.block])
    number = blocks.block.cast("string") + SEPARATOR
    session = blocks.shopper + SEPARATOR + ibis.coalesce(blocks.own_id, nearest, number)
    return blocks.mutate(session=session).drop("shopper", "session_id", "cut", "block", "own_id")
