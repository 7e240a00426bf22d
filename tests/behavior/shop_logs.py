"""Small logs for the tests of pairs: written to a folder, and counted again in plain Python."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.expr.types import Table

from whybuy.behavior.mining import PairConfig
from whybuy.records import EVENT_SCHEMA, PRODUCT_SCHEMA, QUERY_SCHEMA, Action, Event, Product

START = datetime(2026, 1, 1)
EPOCH = datetime(1970, 1, 1)
COUNTED = {Action.PURCHASE: "purchases", Action.ADD_TO_CART: "carts", Action.CLICK: "clicks"}
"""Actions that are evidence, the strongest first, with the column that counts them."""
SEARCH_COLUMNS = ("sessions", *COUNTED.values(), "impressions", "evidence", "recent", "earlier", "late")


def memtable(columns: dict[str, list[Any]] | pa.Table) -> Table:
    """A table expression of some columns."""
    return ibis.memtable(columns if isinstance(columns, pa.Table) else pa.table(columns))


def at(minutes: float) -> datetime:
    """A moment, in minutes after the start."""
    return START + timedelta(minutes=minutes)


@dataclass(frozen=True)
class Search:
    """One row of the query log."""

    timestamp: datetime
    query: str
    query_id: str = ""
    client_id: str = ""
    session_id: str = ""
    hits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Log:
    """What a shop has."""

    events: Sequence[Event] = ()
    searches: Sequence[Search] = ()
    products: Sequence[Product] = ()

    def write(self, folder: Path) -> Path:
        """Write the three files; returns the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        events = [asdict(event) for event in self.events]
        searches = [asdict(search) for search in self.searches]
        products = [
            asdict(product) | {"attributes": [{"name": name, "value": value} for name, value in product.attributes]}
            for product in self.products
        ]
        pq.write_table(pa.Table.from_pylist(events, EVENT_SCHEMA), folder / "events.parquet")
        pq.write_table(pa.Table.from_pylist(searches, QUERY_SCHEMA), folder / "queries.parquet")
        pq.write_table(pa.Table.from_pylist(products, PRODUCT_SCHEMA), folder / "products.parquet")
        return folder

    def only(self, *actions: Action) -> "Log":
        """The same with events of these actions alone."""
        return replace(self, events=[event for event in self.events if event.action in actions])

    def without_times(self) -> "Log":
        """The same as the readers of baskets and judgments write it: counted up from 1970."""
        moved = [replace(event, timestamp=event.timestamp - START + EPOCH) for event in self.events]
        asked = [replace(search, timestamp=search.timestamp - START + EPOCH) for search in self.searches]
        return replace(self, events=moved, searches=asked)


def bought(product_id: str, minutes: float, client_id: str = "c", *, session_id: str = "", query_id: str = "") -> Event:
    """A purchase."""
    return Event(at(minutes), Action.PURCHASE, product_id, client_id, session_id, query_id)


def clicked(
    product_id: str, minutes: float, client_id: str = "c", *, session_id: str = "", query_id: str = ""
) -> Event:
    """A click."""
    return Event(at(minutes), Action.CLICK, product_id, client_id, session_id, query_id)


def carted(product_id: str, minutes: float, client_id: str = "c", *, query_id: str = "", query: str = "") -> Event:
    """An addition to the cart."""
    return Event(at(minutes), Action.ADD_TO_CART, product_id, client_id, query_id=query_id, query=query)


def random_log(seed: int) -> Log:
    """Some shoppers of every habit: with and without session ids, query ids and query texts, with long pauses."""
    random = np.random.default_rng(seed)
    texts = [f"need {number}" for number in range(6)]
    products = [
        Product(f"p{number}", f"Thing {number}", product_type=f"type {number % 4}", category=("shop", f"r{number % 3}"))
        for number in range(12)
    ]
    ids = [product.product_id for product in products]
    events: list[Event] = []
    searches: list[Search] = []
    for client in range(30):
        moment = float(random.integers(0, 100))
        session = str(random.choice(["", "", "s1"]))
        told = session if random.random() < 0.5 else ""  # what the searches know of it
        asked: list[Search] = []
        for step in range(int(random.integers(3, 25))):
            moment += float(random.choice([0.5, 1.0, 4.0, 17.0, 45.0], p=[0.3, 0.3, 0.2, 0.1, 0.1])) + step / 1e3
            if random.random() < 0.35:
                hits = tuple(random.choice(ids, 4, replace=False).tolist())
                name = f"q{client}-{step}" if random.random() < 0.8 else ""
                asked.append(Search(at(moment), str(random.choice(texts)), name, f"c{client}", told, hits))
                continue
            source = asked[int(random.integers(0, len(asked)))] if asked and random.random() < 0.5 else None
            action = Action(random.choice(["click", "click", "click", "purchase", "add_to_cart", "impression"]))
            query_id = source.query_id if source and random.random() < 0.7 else ""
            query = source.query if source and random.random() < 0.5 else ""
            product = str(random.choice(ids))
            events.append(Event(at(moment), action, product, f"c{client}", session, query_id, query))
        searches += asked
    random.shuffle(events)
    return Log(events, searches, products)


@dataclass(frozen=True)
class Counts:
    """Pairs with their counts, the slow and obvious way."""

    search_buy: dict[tuple[str, str], dict[str, float]]  # columns of PAIR_SCHEMA, see SEARCH_COLUMNS
    co_buy: dict[tuple[str, str], int]  # sessions


@dataclass(frozen=True)
class Act:
    """An action with a query that it is credited to."""

    query: str
    event: Event

    @property
    def seconds(self) -> int:
        """Since 1970."""
        return int((self.event.timestamp - EPOCH).total_seconds())

    @property
    def dated(self) -> bool:
        """Whether the log had a time for it; readers of logs without times count up from 1970."""
        return self.event.timestamp.year > EPOCH.year


def count_pairs(log: Log, config: PairConfig) -> Counts:
    """What `mine_pairs` should count before pruning, one shopper and one action at a time."""
    basket_kind = (
        Action.PURCHASE if any(event.action is Action.PURCHASE for event in log.events) else Action.ADD_TO_CART
    )
    acts: list[Act] = []
    together: Counter[tuple[str, str]] = Counter()
    for session in _sessions(log, config):
        acts += _acts(session, log, config)
        basket = {event.product_id for event in session if isinstance(event, Event) and event.action is basket_kind}
        together.update(combinations(sorted(basket), 2))
    shown = Counter((search.query, hit) for search in log.searches for hit in search.hits)
    return Counts(
        {pair: counts | {"impressions": shown[pair]} for pair, counts in _by_pair(acts, config)}, dict(together)
    )


def _acts(session: list[Search | Event], log: Log, config: PairConfig) -> Iterator[Act]:
    """The purchases, carts and clicks of a session, each once for every query that it is credited to."""
    texts = {search.query_id: search.query for search in log.searches if search.query_id}
    for place, action in enumerate(session):
        if isinstance(action, Search):
            continue
        own = action.query or texts.get(action.query_id, "")
        if action.action is Action.CLICK and (own or action.query_id):
            credited = {own} - {""}
        else:
            reach = config.attribution_queries if action.action is Action.PURCHASE else 1
            credited = _credited(session[: place + 1], own, reach, config)
        yield from (Act(query, action) for query in credited)


def _by_pair(acts: list[Act], config: PairConfig) -> Iterator[tuple[tuple[str, str], dict[str, float]]]:
    """Each pair with what its actions add up to."""
    units = slow_units(Counter(act.event.action for act in acts))
    times = sorted(act.seconds for act in acts if act.dated)
    last = times[-1] if times else 0
    cut = int(np.quantile(times, 1 - config.late_share)) + 1 if times else 0
    of_pair: defaultdict[tuple[str, str], list[Act]] = defaultdict(list)
    for act in acts:
        of_pair[act.query, act.event.product_id].append(act)
    for pair, own in of_pair.items():
        row: dict[str, float] = dict.fromkeys(SEARCH_COLUMNS, 0)
        row["sessions"] = len({act.event.client_id for act in own})
        for act in own:
            unit = units[act.event.action]
            row[COUNTED[act.event.action]] += 1
            row["evidence"] += unit
            row["recent"] += unit * 0.5 ** ((last - act.seconds) / 86_400 / config.half_life_days if act.dated else 0)
            if act.dated and act.seconds >= cut:
                row["late"] += unit
            else:
                age = (cut - act.seconds) / 86_400 / config.half_life_days if act.dated else 0
                row["earlier"] += unit * 0.5**age
        yield pair, row


def slow_units(counts: Mapping[Action, int]) -> dict[Action, float]:
    """What an action of each kind counts: purchases are the unit where they are a fiftieth of all, else carts."""
    logged = {kind: counts[kind] for kind in COUNTED if counts.get(kind)}
    if not logged:
        return {}
    unit = next(count for count in logged.values() if 50 * count >= sum(logged.values()))
    alone = {kind: min(25, max(1 / 25, unit / count)) for kind, count in logged.items()}
    kinds = list(COUNTED)
    return {kind: min(alone[other] for other in alone if kinds.index(other) <= kinds.index(kind)) for kind in alone}


def _sessions(log: Log, config: PairConfig) -> list[list[Search | Event]]:
    by_client: defaultdict[str, list[Search | Event]] = defaultdict(list)
    acted = [event for event in log.events if event.action is not Action.IMPRESSION]
    everything: list[Search | Event] = [*log.searches, *acted]
    for action in sorted(everything, key=lambda action: (action.timestamp, isinstance(action, Event))):
        by_client[action.client_id].append(action)
    sessions: defaultdict[tuple[str, str], list[Search | Event]] = defaultdict(list)
    for client, actions in by_client.items():
        for number, block in enumerate(_blocks(actions, config)):
            known = min((action.session_id for action in block if action.session_id), default=f"block {number}")
            for action in block:
                sessions[client, action.session_id or known].append(action)
    return list(sessions.values())


def _blocks(actions: list[Search | Event], config: PairConfig) -> list[list[Search | Event]]:
    blocks = [[actions[0]]]
    for before, action in pairwise(actions):
        if _seconds(action) - _seconds(before) > config.session_gap_minutes * 60:
            blocks.append([])
        blocks[-1].append(action)
    return blocks


def _seconds(action: Search | Event) -> int:
    return int((action.timestamp - START).total_seconds())


def _credited(history: list[Search | Event], own: str, reach: int, config: PairConfig) -> set[str]:
    """The queries that the last action of a history may be credited to."""
    action = history[-1]
    wordings: list[tuple[str, int, int]] = []  # query, when last asked, clicks until then
    clicks = 0
    for step in history:
        if isinstance(step, Search):
            if wordings and wordings[-1][0] == step.query:
                wordings.pop()
            wordings.append((step.query, _seconds(step), clicks))
        else:
            clicks += step.action is Action.CLICK
    credited = {own} if own else set()
    if wordings and own in ("", wordings[-1][0]):
        credited |= {
            query
            for query, asked, before in wordings[-reach:]
            if _seconds(action) - asked <= config.attribution_minutes * 60
            and clicks - before <= config.attribution_clicks
        }
    return credited
