"""Measures search by later clicks: each click of a held-out log is a query with one right product."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whybuy.behavior.events import read_events
from whybuy.behavior.recognize import EventSource
from whybuy.errors import InputError
from whybuy.evaluation.search import Rank
from whybuy.qrels import Qrels, Scale
from whybuy.records import EVENTS, PAIRS, Action, Behavior
from whybuy.shop import Shop
from whybuy.text import clean, normalize

_SCALE = Scale(0, 1)


def read_clicked(logs: Sequence[Path]) -> Qrels:
    """The clicks of logs that name their query, a topic each: the clicked product is the relevant one.

    A query counts as often as it led to a click, so that means are over searches, not over different queries.

    Raises:
        InputError: a log cannot be read, or has no click with a query.
    """
    sources = [EventSource(str(path.resolve()), action=Action.CLICK) for path in logs]
    with TemporaryDirectory(prefix="whybuy-clicks-") as folder:
        read_events(sources, Path.cwd(), Path(folder))
        events = pq.read_table(Path(folder) / EVENTS.file, columns=["action", "query", "product_id"])
    clicks = events.filter((pc.field("action") == Action.CLICK.value) & (pc.field("query") != ""))
    if not clicks.num_rows:
        raise InputError(
            f"{', '.join(map(str, logs))}: no click names its query. Give a log whose rows have a query and a product."
        )
    queries, products = clicks["query"].to_pylist(), clicks["product_id"].to_pylist()
    topics = [f"click {number}" for number in range(len(queries))]
    grades = {topic: {product: 1.0} for topic, product in zip(topics, products, strict=True)}
    return Qrels(grades, _SCALE, dict(zip(topics, queries, strict=True)))


def most_clicked(pairs: pa.Table) -> Rank:
    """Ranks what was clicked most often for the same query, and nothing for a query without clicks.

    pairs: PAIR_SCHEMA.
    """
    searched = pairs.filter((pc.field("kind") == Behavior.SEARCH_BUY.value) & (pc.field("clicks") > 0))
    order = pc.sort_indices(searched, sort_keys=[("clicks", "descending"), ("right", "ascending")])
    by_query: dict[str, list[str]] = {}
    columns = searched.select(["left", "right"]).take(order).to_pydict()
    for query, product in zip(columns["left"], columns["right"], strict=True):
        by_query.setdefault(query, []).append(product)

    def rank(text: str, limit: int) -> list[str]:
        return by_query.get(normalize(clean(text)), [])[:limit]

    return rank


def most_clicked_of(store: Path) -> Rank:
    """The ranker `most_clicked` over the logs that a store was built from."""
    return most_clicked(Shop.open(store).table(PAIRS, ["kind", "left", "right", "clicks"]))
