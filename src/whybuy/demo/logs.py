"""The simulated visits as OpenSearch UBI 1.3 queries and events, with times, shoppers and a few faulty rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from whybuy.demo.products import Assortment, Floats, Ints
from whybuy.demo.shoppers import NO_REASON, Visits
from whybuy.demo.world import Season
from whybuy.records import Action

QUERIES_SCHEMA = pa.schema(
    [
        ("application", pa.string()),
        ("query_id", pa.string()),
        ("client_id", pa.string()),
        ("user_query", pa.string()),
        ("object_id_field", pa.string()),
        ("timestamp", pa.timestamp("ms")),
        ("query_response_hit_ids", pa.list_(pa.string())),
    ]
)
_OBJECT = pa.struct([("object_id", pa.string()), ("object_id_field", pa.string())])
_POSITION = pa.struct([("ordinal", pa.int32())])
EVENTS_SCHEMA = pa.schema(
    [
        ("application", pa.string()),
        ("action_name", pa.string()),
        ("query_id", pa.string()),
        ("session_id", pa.string()),
        ("client_id", pa.string()),
        ("timestamp", pa.timestamp("ms")),
        ("user_query", pa.string()),
        ("event_attributes", pa.struct([("object", _OBJECT), ("position", _POSITION)])),
    ]
)

_APPLICATION = "shop"
_ACTIONS = (Action.CLICK.value, Action.ADD_TO_CART.value, Action.PURCHASE.value)
_CLICK, _CART, _PURCHASE = range(3)
_YEAR = np.datetime64("2025-01-01", "ms")
_DAYS = 365
_DAY_MS, _HOUR_MS, _SECOND_MS = 86_400_000, 3_600_000, 1000
_HOURS = np.array([2, 1, 1, 1, 1, 2, 3, 5, 6, 7, 8, 8, 9, 8, 8, 8, 8, 9, 10, 12, 13, 11, 8, 4], dtype=np.float64)
_SEASONS = {  # first and last day of the year, counted from 0; a span may run over New Year
    Season.WINTER: (335, 58),
    Season.SPRING: (59, 150),
    Season.SUMMER: (151, 242),
    Season.AUTUMN: (243, 333),
    Season.CHRISTMAS: (320, 357),
}
_IN_SEASON = 8.0  # how much likelier a day within the season is than one outside


@dataclass(frozen=True, slots=True)
class Dirt:
    """Shares of the events, in [0, 1]."""

    duplicated: float = 0.002  # stand twice
    late: float = 0.002  # stand at the end of the file instead of in their place


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs of the simulated shop."""

    queries: pa.Table  # QUERIES_SCHEMA, rising time
    events: pa.Table  # EVENTS_SCHEMA
    purchases: int  # without duplicates


@dataclass(frozen=True, slots=True)
class _Events:
    """Events in columns of one length."""

    time: Ints  # milliseconds since `_YEAR`
    action: Ints
    product: Ints
    search: Ints  # the search whose session it belongs to
    position: Ints  # from 1; 0: not from a result page

    def at(self, rows: Ints) -> "_Events":
        return _Events(self.time[rows], self.action[rows], self.product[rows], self.search[rows], self.position[rows])


def write_down(visits: Visits, assortment: Assortment, rng: np.random.Generator, dirt: Dirt = Dirt()) -> Logs:
    """Assign times and shoppers to visits, and write them as the two UBI tables."""
    session = np.array(visits.searches.session, dtype=np.int64)
    time = _search_times(visits, assortment, session, rng)
    order = np.argsort(time, kind="stable")
    session_ids = _numbered("s", _ranks(np.argsort(time[: visits.first], kind="stable")))
    names = _Names(
        query=_numbered("q", _ranks(order)),
        session=session_ids.take(pa.array(session)),
        client=_clients(visits.first, rng).take(pa.array(session)),
        text=pa.array(visits.searches.text),
        product=pa.array([product.product_id for product in assortment.products]),
    )
    events = _events(visits, time, rng)
    return Logs(
        _query_table(visits, names, time, order),
        _event_table(events.at(_soiled(events, rng, dirt)), names),
        int((events.action == _PURCHASE).sum()),
    )


@dataclass(frozen=True, slots=True)
class _Names:
    """The ids and texts of searches and products in the logs."""

    query: pa.Array
    session: pa.Array
    client: pa.Array
    text: pa.Array
    product: pa.Array


# ---------------------------------------------------------------- when and who
def _search_times(visits: Visits, assortment: Assortment, session: Ints, rng: np.random.Generator) -> Ints:
    """Milliseconds since `_YEAR` of each search; a second one of a session comes one to four minutes later."""
    starts = _session_starts(np.array(visits.searches.reason[: visits.first]), assortment, rng)
    pause = rng.integers(60, 240, size=len(session) - visits.first) * _SECOND_MS
    times: Ints = starts[session] + np.concatenate([np.zeros(visits.first, dtype=np.int64), pause])
    return times


def _session_starts(reason: Ints, assortment: Assortment, rng: np.random.Generator) -> Ints:
    seasons = np.array([_season_number(each.intent.season) for each in assortment.world.reasons] + [0])
    season_of = seasons[np.where(reason == NO_REASON, len(seasons) - 1, reason)]
    days = np.empty(len(reason), dtype=np.int64)
    for number, season in enumerate((None, *Season)):
        rows = np.flatnonzero(season_of == number)
        days[rows] = rng.choice(_DAYS, size=len(rows), p=_day_shares(season))
    hours = rng.choice(len(_HOURS), size=len(reason), p=_HOURS / _HOURS.sum())
    return days * _DAY_MS + hours * _HOUR_MS + rng.integers(_HOUR_MS, size=len(reason))


def _season_number(season: Season | None) -> int:
    return 0 if season is None else 1 + list(Season).index(season)


def _day_shares(season: Season | None) -> Floats:
    """How the sessions spread over the year."""
    weights: Floats = np.ones(_DAYS)
    if season is not None:
        first, last = _SEASONS[season]
        span = np.arange(first, last + 1 + (_DAYS if last < first else 0)) % _DAYS
        weights[span] = _IN_SEASON
    weights /= weights.sum()
    return weights


def _clients(sessions: int, rng: np.random.Generator) -> pa.Array:
    """The shopper of each session; some come back often, most once or twice."""
    shoppers = max(1, int(sessions * 0.6))
    return _numbered("c", rng.permutation(shoppers)[(rng.random(sessions) ** 1.5 * shoppers).astype(np.int64)])


def _ranks(order: Ints) -> Ints:
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def _numbered(letter: str, numbers: Ints) -> pa.Array:
    return pa.array([f"{letter}{number:07d}" for number in numbers.tolist()])


# ---------------------------------------------------------------- what
def _events(visits: Visits, time: Ints, rng: np.random.Generator) -> _Events:
    """Clicks, carts and purchases in the order of their time."""
    outcome = visits.outcome
    search, at = np.nonzero(outcome.clicked)
    clicks = _Events(
        time[search] + (6 + 4 * at) * _SECOND_MS + rng.integers(3 * _SECOND_MS, size=len(at)),
        np.full(len(at), _CLICK),
        outcome.pages[search, at],
        search,
        at + 1,
    )
    carted = np.flatnonzero(outcome.carted[search, at])
    carts = _later(clicks.at(carted), _CART, 1500)
    paid = np.flatnonzero(outcome.bought[carts.search] == carts.position - 1)
    purchases = _later(carts.at(paid), _PURCHASE, 40 * _SECOND_MS)
    others = _seconds(purchases, visits)
    parts = (clicks, carts, purchases, others, _later(others, _PURCHASE, 20 * _SECOND_MS))
    events = _Events(*(np.concatenate([getattr(part, name) for part in parts]) for name in _Events.__slots__))
    return events.at(np.argsort(events.time, kind="stable"))


def _later(events: _Events, action: int, delay: int) -> _Events:
    """The same products of the same searches, with another action some milliseconds later."""
    return _Events(
        events.time + delay, np.full(len(events.time), action), events.product, events.search, events.position
    )


def _seconds(purchases: _Events, visits: Visits) -> _Events:
    """What is put in the cart beside the bought product, from its own page and not from a result page."""
    bought_at = np.zeros(len(visits.searches.text), dtype=np.int64)
    bought_at[purchases.search] = purchases.time
    search, _, other = visits.also.T
    count = len(search)
    return _Events(
        bought_at[search] - 10 * _SECOND_MS, np.full(count, _CART), other, search, np.zeros(count, dtype=np.int64)
    )


def _soiled(events: _Events, rng: np.random.Generator, dirt: Dirt) -> Ints:
    """Indices of rows as they are written: a few twice, a few late, at the end."""
    rows = np.arange(len(events.time))
    twice = rng.random(len(rows)) < dirt.duplicated
    late = rng.random(len(rows)) < dirt.late
    return np.concatenate([np.repeat(rows, 1 + twice)[~np.repeat(late, 1 + twice)], rows[late]])


# ---------------------------------------------------------------- tables
def _query_table(visits: Visits, names: _Names, time: Ints, order: Ints) -> pa.Table:
    pages = visits.outcome.pages[order]
    ends = np.concatenate([[0], np.cumsum((pages >= 0).sum(axis=1))])
    hits = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), names.product.take(pa.array(pages[pages >= 0])))
    rows = pa.array(order)
    columns = [
        pa.repeat(_APPLICATION, len(order)),
        names.query.take(rows),
        names.client.take(rows),
        names.text.take(rows),
        pa.repeat("product_id", len(order)),
        _stamps(time[order]),
        hits,
    ]
    return pa.Table.from_arrays(columns, schema=QUERIES_SCHEMA)


def _event_table(events: _Events, names: _Names) -> pa.Table:
    """Events that no result page led to carry neither query nor position."""
    count, without_search = len(events.time), events.position == 0
    search = pa.array(events.search)
    query = pa.array(events.search, mask=without_search)
    ordinal = pa.array(events.position.astype(np.int32), mask=without_search)
    products = pa.StructArray.from_arrays(
        [names.product.take(pa.array(events.product)), pa.repeat("product_id", count)], fields=list(_OBJECT)
    )
    positions = pa.StructArray.from_arrays([ordinal], fields=list(_POSITION), mask=pa.array(without_search))
    columns = [
        pa.repeat(_APPLICATION, count),
        pa.array(_ACTIONS).take(pa.array(events.action)),
        names.query.take(query),
        names.session.take(search),
        names.client.take(search),
        _stamps(events.time),
        names.text.take(query),
        pa.StructArray.from_arrays([products, positions], names=["object", "position"]),
    ]
    return pa.Table.from_arrays(columns, schema=EVENTS_SCHEMA)


def _stamps(time: Ints) -> pa.Array:
    stamps: npt.NDArray[np.datetime64] = _YEAR + time.astype("timedelta64[ms]")
    return pa.array(stamps)
