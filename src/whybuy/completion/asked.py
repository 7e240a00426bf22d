"""How often shoppers asked what, out of the logs: whole queries only, and by how many of them."""

import ibis
import pyarrow as pa
from ibis.expr.types import BooleanColumn, Table

from whybuy.behavior.sessions import shopper, with_sessions

ASKED_SCHEMA = pa.schema(
    [
        pa.field("query", pa.string(), nullable=False),  # normalized
        pa.field("asked", pa.int64(), nullable=False),
        pa.field("shoppers", pa.int64(), nullable=False),  # different ones
        pa.field("weight", pa.float64(), nullable=False),  # times asked, each halved by every half-life of its age
    ]
)
_DAY = 86_400


def count_asked(queries: Table, *, gap_minutes: int, typing_seconds: int, half_life_days: float) -> Table:
    """Columns of ASKED_SCHEMA for each query of the logs. Ages are counted back from the last query of all.

    What a shopper asks again at once counts once. What they were still typing does not count: a text that the next
    query of the session goes on with, in the middle of a word or within `typing_seconds` (fact sheet §4.2 for
    repetitions and sessions; half-typed queries are our design).

    queries: columns of QUERY_SCHEMA.
    """
    named = queries.filter(queries.query != "").mutate(shopper=shopper(queries), asker=shopper(queries))
    timed = with_sessions(named, gap_minutes)
    window = ibis.window(group_by=timed.session, order_by=[timed.seconds, timed.query_id])
    steps = timed.mutate(
        earlier=timed.query.lag().over(window),
        later=timed.query.lead().over(window),
        pause=timed.seconds.lead().over(window) - timed.seconds,
        age=(timed.seconds.max().over(ibis.window()) - timed.seconds) / _DAY,
    )
    again = (steps.query == steps.earlier).fill_null(False)
    whole = steps.filter(~again, ~_half_typed(steps, typing_seconds).fill_null(False))
    return whole.group_by("query").aggregate(
        asked=whole.count(),
        shoppers=whole.asker.nunique(),
        weight=(ibis.literal(2.0) ** (-whole.age / half_life_days)).sum(),
    )


def _half_typed(steps: Table, typing_seconds: int) -> BooleanColumn:
    goes_on = steps.later.startswith(steps.query) & (steps.later != steps.query)
    within_word = steps.later.substr(steps.query.length(), 1) != " "
    return goes_on & (within_word | (steps.pause <= typing_seconds))
