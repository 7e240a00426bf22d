"""A shop of 60 products and a week of searches, written as the files that a real shop has."""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product as combinations
from pathlib import Path

from whybuy.behavior.init import init_store

FEED, LOG, JUDGED = "products.csv", "events.csv", "judgments.csv"
MAKERS = ("Marlowe", "Stepwell", "Tarn", "Ostrava", "Fennel")
COLORS = ("sage", "navy")
KINDS = {
    "slip-on shoe": ("Shoes", "Pulls on without laces. The wide toe box gives way when feet swell.", 50.0),
    "hiking boot": ("Shoes", "Waterproof leather with a grippy sole, ideal for muddy trails.", 120.0),
    "dome tent": ("Outdoors", "Two doors and a rain fly. Ideal for family camping trips.", 180.0),
    "sleeping bag": ("Outdoors", "Filled with down and warm to ten below zero.", 90.0),
    "dog leash": ("Pets", "Woven nylon with a padded handle. Perfect for evening walks.", 15.0),
    "floor lamp": ("Home", "A tall stand with a linen shade that dims to a soft glow.", 70.0),
}
NEEDS = {
    "shoes for pregnant women": "slip-on shoe",
    "comfortable shoes for pregnant women": "slip-on shoe",
    "slip on shoe": "slip-on shoe",
    "waterproof hiking boot": "hiking boot",
    "boots for muddy trails": "hiking boot",
    "tent for family camping": "dome tent",
    "sleeping bag for winter camping": "sleeping bag",
    "leash for night walks": "dog leash",
    "floor lamp": "floor lamp",
}
"""What is asked for, and the type that is bought for it."""

Row = dict[str, str]


def product_rows() -> Iterator[Row]:
    """Ten products of each type: every maker in every color, the price rising by one."""
    for kind, (department, description, price) in KINDS.items():
        for number, (maker, color) in enumerate(combinations(MAKERS, COLORS)):
            yield {
                "id": f"{kind.split()[0][:4]}-{number}",
                "title": f"{maker} {kind}, {color}",
                "description": description,
                "brand": maker,
                "product_type": f"{department} > {kind}",
                "price": f"{price + number:.2f} USD",
                "color": color,
            }


def event_rows() -> Iterator[Row]:
    """For each need twenty sessions: a search, a click, a purchase; every second one buys for the next need as well."""
    ids = {kind: [row["id"] for row in product_rows() if row["product_type"].endswith(kind)] for kind in KINDS}
    asked = list(NEEDS.items())
    for place, ((query, kind), session) in enumerate(combinations(asked, range(20))):
        start = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=place)
        other = asked[(place // 20 + 1) % len(asked)][1]
        bought = [ids[kind][session % 10], *([ids[other][session % 10]] if session % 2 else [])]
        steps = [("search", ""), ("click", bought[0]), *(("purchase", product_id) for product_id in bought)]
        for seconds, (action, product_id) in enumerate(steps):
            yield {
                "timestamp": (start + timedelta(seconds=20 * seconds)).isoformat(),
                "client_id": f"c{place}",
                "action": action,
                "query": query if product_id in ("", bought[0]) else "",
                "product_id": product_id,
            }


def judged_rows() -> Iterator[Row]:
    """Grades for each maker and type in two wordings: the navy product is wanted, the sage one and a colleague less."""
    for kind, (maker, other) in combinations(KINDS, zip(MAKERS, MAKERS[1:] + MAKERS[:1], strict=True)):
        start = kind.split()[0][:4]
        for query in (f"{maker} {kind}", f"{kind.split()[-1]} {maker}".title()):
            for name, number, grade in ((maker, 1, 3), (maker, 0, 2), (other, 0, 1)):
                place = 2 * MAKERS.index(name) + number
                yield {"query": query, "product_id": f"{start}-{place}", "relevance": str(grade)}


def click_rows() -> Iterator[Row]:
    """Ten weeks of clicks and nothing else: each week the sixty judged queries once, and two words of no product.

    The product with the best grade is clicked. "kicks" leads to a shoe; "glowy" led to one lamp, and leads to another
    since the ninth week.
    """
    wanted = {row["query"]: row["product_id"] for row in judged_rows() if row["relevance"] == "3"}
    for week in range(10):
        asked = [*wanted.items(), ("kicks", "slip-3"), *[("glowy", "floo-9" if week > 7 else "floo-2")] * 2]
        for place, (query, product_id) in enumerate(asked):
            moment = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(weeks=week, hours=2 * place)
            yield {
                "user_id": f"c{week}-{place}",
                "query": query,
                "sku": product_id,
                "click_time": moment.isoformat(),
            }


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    """A CSV file of rows that share their columns."""
    found = list(rows)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    return path


def write_click_store(store: Path) -> Path:
    """The same shop with a log of clicks, as `click_rows` tells it."""
    store.mkdir(parents=True, exist_ok=True)
    files = [write_rows(store / FEED, product_rows()), write_rows(store / LOG, click_rows())]
    with init_store(store, files).store_file.open("a", encoding="utf-8") as stream:
        stream.write('\n[shop]\nname = "Click shop"\n[reranker]\nleast_queries = 50\n')
    return store


def write_judged_store(store: Path, *, logs: bool = True) -> Path:
    """The same with sixty judged queries that train its reranker."""
    write_store(store, logs=logs, settings=f'[reranker]\njudgments = "{JUDGED}"\nleast_queries = 50\n')
    write_rows(store / JUDGED, judged_rows())
    return store


def write_store(store: Path, *, logs: bool = True, settings: str = "") -> Path:
    """A store with feed, logs and the `store.toml` that init writes for them, with more settings at its end."""
    store.mkdir(parents=True, exist_ok=True)
    files = [write_rows(store / FEED, product_rows())]
    if logs:
        files.append(write_rows(store / LOG, event_rows()))
    report = init_store(store, files)
    with report.store_file.open("a", encoding="utf-8") as stream:
        stream.write(f'\n[shop]\nname = "Small shop"\n{settings}')
    return store
