"""Sources without searches or times of their own: baskets, session lists, judged query-product pairs.

Each basket, list or pair is a shopper of its own unless the source names one; times count up from 1970.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whybuy.artifacts import digest
from whybuy.behavior.log import (
    NO_QUERIES,
    Log,
    clean_queries,
    counted_times,
    events_table,
    first_text,
    keep,
    numbers,
    queries_table,
    times,
    usable_rows,
)
from whybuy.behavior.recognize import EventPlan, EventRole
from whybuy.records import Action
from whybuy.tables import ReadReport, Rows

LABELS = {
    "e": 1.0, "exact": 1.0, "s": 0.1, "substitute": 0.1, "c": 0.01, "complement": 0.01, "i": 0.0, "irrelevant": 0.0,
    "partial": 0.5,
}  # fmt: skip
"""Grades in words: ESCI with the gains of the KDD Cup 2022, WANDS."""


# ---------------------------------------------------------------- baskets
def read_baskets(plan: EventPlan, report: ReadReport) -> Iterator[Log]:
    """Each product of an order as a purchase; rows with no or a negative quantity are set aside as returns."""
    for rows in usable_rows(plan, report, EventRole.ORDER_ID, EventRole.PRODUCT_ID):
        bought = _without_returns(rows, plan, report)
        moments, bought = _basket_times(bought, plan, report)
        orders = pc.binary_join_element_wise(plan.path.stem, first_text(bought, plan.of(EventRole.ORDER_ID)), "/")
        clients = first_text(bought, plan.of(EventRole.CLIENT_ID))
        events = events_table(
            len(bought.batch),
            timestamp=moments,
            action=pa.array([Action.PURCHASE.value] * len(bought.batch), pa.string()),
            product_id=first_text(bought, plan.of(EventRole.PRODUCT_ID)),
            client_id=pc.if_else(pc.equal(clients, ""), orders, clients),
            session_id=orders,
        )
        yield Log(events, NO_QUERIES)


def _without_returns(rows: Rows, plan: EventPlan, report: ReadReport) -> Rows:
    if not plan.of(EventRole.QUANTITY):
        return rows
    quantity = numbers(first_text(rows, plan.of(EventRole.QUANTITY)))
    return keep(rows, pc.fill_null(pc.greater(quantity, 0.0), fill_value=True), plan, report, "returned or canceled")


def _basket_times(rows: Rows, plan: EventPlan, report: ReadReport) -> tuple[pa.Array, Rows]:
    if plan.of(EventRole.TIMESTAMP):
        moments = times(first_text(rows, plan.of(EventRole.TIMESTAMP)), plan.source.time_format)
        present = pc.is_valid(moments)
        return moments.filter(present), keep(rows, present, plan, report, "time not understood")
    places = pc.fill_null(numbers(first_text(rows, plan.of(EventRole.POSITION))), 0.0)
    return counted_times(places.to_numpy(zero_copy_only=False).astype(np.int64)), rows


# ---------------------------------------------------------------- session lists
def read_sessions(plan: EventPlan, report: ReadReport) -> Iterator[Log]:
    """Lists of products as actions in their order.

    Rows that name their shopper may repeat each other (a history that grows by one item a row): they are joined into
    one list per shopper in which each action counts once; these are held in memory.
    """
    named: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    seen: Counter[str] = Counter()
    for rows in usable_rows(plan, report, EventRole.ITEMS):
        lists = _item_lists(rows, plan)
        clients = first_text(rows, plan.of(EventRole.CLIENT_ID)).to_pylist()
        anonymous = []
        for client, items in zip(clients, lists, strict=True):
            if client:
                named[client].add(items)
            else:
                key = digest(*items)
                seen[key] += 1
                anonymous.append((f"{plan.path.stem}/{key}/{seen[key]}", items))
        yield Log(_list_events(anonymous, plan), NO_QUERIES)
    joined = [(client, join_histories(rows)) for client, rows in sorted(named.items())]
    yield Log(_list_events(joined, plan), NO_QUERIES)


def join_histories(rows: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """One list of a shopper's overlapping lists, without counting what they share twice.

    Starts with the shortest and always goes on with the row that overlaps most with the end of the list so far.
    """
    waiting = sorted((tuple(row) for row in rows), key=lambda row: (len(row), row))
    joined: tuple[str, ...] = waiting.pop(0) if waiting else ()
    while waiting:
        overlaps = [_overlap(joined, row) for row in waiting]
        best = max(range(len(waiting)), key=overlaps.__getitem__)
        joined += waiting.pop(best)[overlaps[best] :]
    return joined


def _overlap(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    """How many items at the end of `left`, or anywhere in it when all, begin `right`."""
    if any(left[start : start + len(right)] == right for start in range(len(left) - len(right) + 1)):
        return len(right)
    return next((size for size in range(min(len(left), len(right)), 0, -1) if left[-size:] == right[:size]), 0)


def _item_lists(rows: Rows, plan: EventPlan) -> list[tuple[str, ...]]:
    lists = [_split(items) for items in rows.texts(plan.of(EventRole.ITEMS)[0]).to_pylist()]
    targets = first_text(rows, plan.of(EventRole.TARGET)).to_pylist()
    return [(*items, target) if target else items for items, target in zip(lists, targets, strict=True)]


def _split(items: list[str]) -> tuple[str, ...]:
    """Item ids of a list, or of one text such as "12 7 9", "12,7,9" or "[12, 7, 9]"."""
    if len(items) == 1 and re.search(r"[\s,;|\[]", items[0]):
        items = re.findall(r"[^\s,;|\[\]'\"]+", items[0])
    return tuple(item.strip() for item in items if item.strip())


def _list_events(lists: Sequence[tuple[str, tuple[str, ...]]], plan: EventPlan) -> pa.Table:
    clients = [client for client, items in lists for _ in items]
    seconds = [place for _, items in lists for place in range(len(items))]
    return events_table(
        len(clients),
        timestamp=counted_times(np.array(seconds, dtype=np.int64)),
        action=[plan.source.action.value] * len(clients),
        product_id=[item for _, items in lists for item in items],
        client_id=clients,
        session_id=clients,
    )


# ---------------------------------------------------------------- judgments
def read_judgments(plan: EventPlan, report: ReadReport) -> Iterator[Log]:
    """Judged pairs at or above the threshold as a query and the purchase that it led to; held in memory.

    The threshold is `relevant_from`, else two thirds of the way from the file's lowest to its highest grade, cut to
    two decimals as grades are written.
    """
    pieces = []
    for rows in usable_rows(plan, report, EventRole.QUERY, EventRole.PRODUCT_ID):
        grades = _grades(first_text(rows, plan.of(EventRole.RELEVANCE)))
        judged = keep(rows, pc.is_valid(grades), plan, report, "grade not understood")
        queries = clean_queries(first_text(judged, plan.of(EventRole.QUERY)))
        products = first_text(judged, plan.of(EventRole.PRODUCT_ID))
        pieces.append(pa.table({"query": queries, "product_id": products, "grade": grades.filter(pc.is_valid(grades))}))
    if pieces:
        judgments = pa.concat_tables(pieces)
        threshold = relevance_threshold(judgments["grade"], plan.source.relevant_from)
        yield _judged_purchases(judgments.filter(pc.greater_equal(judgments["grade"], threshold)))


def relevance_threshold(grades: pa.ChunkedArray, relevant_from: float | None = None) -> float:
    """The grade from which a judged pair counts as relevant."""
    if relevant_from is not None or not len(grades):
        return relevant_from or 0.0
    low, high = float(pc.min(grades).as_py()), float(pc.max(grades).as_py())
    return math.floor((low + (high - low) * 2 / 3) * 100 + 1e-9) / 100


def _grades(texts: pa.StringArray) -> pa.Array:
    encoded = texts.dictionary_encode()
    words = [LABELS.get(word.casefold()) for word in encoded.dictionary.to_pylist()]
    return pc.coalesce(numbers(texts), pa.array(words, pa.float64()).take(encoded.indices))


def _judged_purchases(judgments: pa.Table) -> Log:
    size = len(judgments)
    queries, products = judgments["query"].combine_chunks(), judgments["product_id"].combine_chunks()
    pairs = zip(queries.to_pylist(), products.to_pylist(), strict=True)
    ids = [digest("judged", query, product) for query, product in pairs]
    start, later = (counted_times(np.full(size, second, dtype=np.int64)) for second in (0, 1))
    events = events_table(
        size,
        timestamp=later,
        action=[Action.PURCHASE.value] * size,
        product_id=products,
        client_id=ids,
        session_id=ids,
        query_id=ids,
        query=queries,
    )
    return Log(events, queries_table(size, timestamp=start, query_id=ids, query=queries, client_id=ids, session_id=ids))
