"""The demo shop as files: a product feed and logs as a real shop has them, and separately the latent truth."""

import csv
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whybuy.demo.logs import write_down
from whybuy.demo.next_queries import meant_table, next_table
from whybuy.demo.phrasing import Phrasebook, load_templates
from whybuy.demo.products import Assortment, stock
from whybuy.demo.queries import Group, Judge, Panel
from whybuy.demo.shelves import Shelves
from whybuy.demo.shoppers import NO_REASON, Shoppers, Visits
from whybuy.demo.truth import judgment_table, named_table, reason_table
from whybuy.demo.world import load_world
from whybuy.records import Product

FEED = "feed/products.tsv"
QUERIES = "events/ubi_queries.parquet"
EVENTS = "events/ubi_events.parquet"
REASONS = "truth/reasons.parquet"
NAMED = "truth/named.parquet"
MEANT = "truth/meant.parquet"
NEXT = "truth/next.parquet"
JUDGMENTS = "truth/judgments.parquet"
JUDGMENTS_GAP = "truth/judgments_gap.parquet"
JUDGMENTS_GAP_UNLOGGED = "truth/judgments_gap_unlogged.parquet"
JUDGMENTS_PLAIN = "truth/judgments_plain.parquet"

FEED_COLUMNS = (
    "id",
    "title",
    "description",
    "link",
    "brand",
    "product_type",
    "price",
    "availability",
    "product_detail",
)


@dataclass(frozen=True, slots=True)
class ShopSummary:
    """Counts of the content of a written demo shop."""

    categories: int
    types: int
    intents: int
    reasons: int
    products: int
    sessions: int
    queries: int
    events: int
    purchases: int
    gap_queries: int
    gap_queries_unlogged: int
    plain_queries: int


def write_shop(folder: Path, *, seed: int = 7, sessions: int = 60_000) -> ShopSummary:
    """Write the demo shop into a folder: `feed/`, `events/` and, which a build never reads, `truth/`.

    The same seed and number of sessions give the same bytes. Each file appears whole or not at all.

    Raises:
        InputError: the world does not fit together, or there are too few sessions for its reasons.
    """
    rng = np.random.default_rng(seed)
    world = load_world()
    assortment = stock(world, seed)
    shelves, phrasebook = Shelves(assortment), Phrasebook(world, load_templates())
    judged = Judge(shelves, phrasebook).panel(Panel(), rng)
    visits = Shoppers(shelves, phrasebook, judged).simulate(sessions, rng)
    logs = write_down(visits, assortment, rng)
    _publish(folder / FEED, lambda path: _write_feed(assortment, path))
    _write_table(logs.queries, folder / QUERIES)
    _write_table(logs.events, folder / EVENTS)
    reasons = reason_table(world, visits.purchases, _baskets(logs.events, assortment))
    _write_table(reasons, folder / REASONS)
    _write_table(named_table(world, _naming(visits)), folder / NAMED)
    _write_table(meant_table(world.reasons, phrasebook, visits), folder / MEANT)
    _write_table(next_table(world.reasons, phrasebook), folder / NEXT)
    _write_judgments(judgment_table(judged, shelves), folder)
    groups = [query.group for query in judged]
    return ShopSummary(
        categories=len(world.categories),
        types=len(world.types),
        intents=sum(len(category.intents) for category in world.categories),
        reasons=reasons.num_rows,
        products=len(assortment.products),
        sessions=sessions,
        queries=logs.queries.num_rows,
        events=logs.events.num_rows,
        purchases=logs.purchases,
        gap_queries=len(groups) - groups.count(Group.PLAIN),
        gap_queries_unlogged=groups.count(Group.GAP_UNLOGGED),
        plain_queries=groups.count(Group.PLAIN),
    )


def _naming(visits: Visits) -> Iterator[tuple[str, int]]:
    """Text and reason of the first searches of sessions; those after a search without a purchase name no intent."""
    opening = zip(visits.searches.text[: visits.first], visits.searches.reason, strict=False)
    return ((text, reason) for text, reason in opening if reason != NO_REASON)


def _baskets(events: pa.Table, assortment: Assortment) -> list[set[str]]:
    """The product types bought in each session."""
    bought = events.filter(pc.equal(events["action_name"], "purchase"))
    products = pc.struct_field(bought["event_attributes"], ["object", "object_id"]).to_pylist()
    type_of = {
        product.product_id: assortment.world.types[kind].name
        for product, kind in zip(assortment.products, assortment.type_of.tolist(), strict=True)
    }
    baskets: defaultdict[str, set[str]] = defaultdict(set)
    for session, product_id in zip(bought["session_id"].to_pylist(), products, strict=True):
        baskets[session].add(type_of[product_id])
    return list(baskets.values())


def _write_judgments(judgments: pa.Table, folder: Path) -> None:
    gaps = [Group.GAP_LOGGED.value, Group.GAP_UNLOGGED.value]
    for name, groups in (
        (JUDGMENTS, [group.value for group in Group]),
        (JUDGMENTS_GAP, gaps),
        (JUDGMENTS_GAP_UNLOGGED, [Group.GAP_UNLOGGED.value]),
        (JUDGMENTS_PLAIN, [Group.PLAIN.value]),
    ):
        _write_table(judgments.filter(pc.is_in(judgments["group"], pa.array(groups))), folder / name)


def _write_table(table: pa.Table, path: Path) -> None:
    _publish(path, lambda draft: pq.write_table(table, draft, compression="zstd"))


def _write_feed(assortment: Assortment, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(FEED_COLUMNS)
        writer.writerows(_feed_row(product) for product in assortment.products)


def _feed_row(product: Product) -> tuple[str, ...]:
    """One line of a Google Merchant feed; attributes as `product_detail`: "General:sole:leather,General:color:tan"."""
    return (
        product.product_id,
        product.title,
        product.description,
        f"https://shop.example/p/{product.product_id}",
        product.brand,
        " > ".join((*product.category, product.product_type)),
        f"{product.price:.2f} {product.currency}",
        "in_stock",
        ",".join(f"General:{name}:{value}" for name, value in product.attributes),
    )


def _publish(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file under a draft name, and give it its own when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        write(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
