"""Which queries of a log may be suggested."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tiny_shop import product_table
from whybuy.completion.catalog_phrases import catalog_phrases
from whybuy.completion.limits import LONGEST
from whybuy.completion.query_log import QUERY_COUNT_SCHEMA, read_query_log
from whybuy.completion.vocabulary import (
    ShopLookups,
    VocabularyConfig,
    choose_vocabulary,
)
from whybuy.records import PRODUCT_SCHEMA, QUERIES, QUERY_SCHEMA, VOCABULARY_SCHEMA, CompletionSource, Product

START = datetime(2026, 1, 1, 12, tzinfo=UTC).replace(tzinfo=None)
Search = tuple[str, float, str]  # shopper, seconds since START, query


def counts_of(
    folder: Path, searches: Sequence[Search], config: VocabularyConfig | None = None
) -> dict[str, dict[str, float]]:
    rows = [
        {"timestamp": START + timedelta(seconds=seconds), "query_id": f"q{place:04d}", "query": query,
         "client_id": client, "session_id": "", "hits": []}
        for place, (client, seconds, query) in enumerate(searches)
    ]  # fmt: skip
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, QUERY_SCHEMA), folder / QUERIES.file)
    counts = read_query_log(folder, folder, config or VocabularyConfig(), language="en").counts
    return {row.pop("query"): row for row in counts.to_pylist()}


def test_queries_are_counted_with_their_shoppers(tmp_path: Path) -> None:
    found = counts_of(
        tmp_path, [("a", 0, "tent"), ("a", 4000, "tent"), ("b", 9, "tent"), ("b", 70, "stove"), ("c", 5, "")]
    )
    counts = {query: (row["key_count"], row["key_shoppers"]) for query, row in found.items()}
    assert counts == {
        "stove": (1, 1),
        "tent": (3, 2),
    }


def test_what_is_asked_again_at_once_counts_once(tmp_path: Path) -> None:
    found = counts_of(tmp_path, [("a", 0, "tent"), ("a", 60, "tent"), ("a", 99, "stove"), ("a", 120, "tent")])
    assert found["tent"]["key_count"] == 2


@pytest.mark.parametrize(
    ("first", "second", "pause", "kept"),
    [
        ("ten", "tent", 60, False),  # within a word
        ("tent", "tent for two", 3, False),  # typed on
        ("tent", "tent for two", 60, True),  # asked for less
        ("tent", "stove", 1, True),
        ("tent", "tents", 4000, True),  # another session
        ("tent", "ten", 1, True),
    ],
)
def test_what_was_still_being_typed_does_not_count(
    tmp_path: Path, first: str, second: str, pause: int, kept: bool
) -> None:
    found = counts_of(tmp_path, [("a", 0, first), ("a", pause, second), ("b", 1, "lamp")])
    assert (first in found) is kept
    assert second in found


def test_old_queries_weigh_less(tmp_path: Path) -> None:
    day = 86_400
    searches = [("a", 0, "old"), ("b", 10 * day, "middle"), ("c", 20 * day, "new")]
    found = counts_of(tmp_path, searches, VocabularyConfig(half_life_days=10.0))
    assert {query: row["weight"] for query, row in found.items()} == pytest.approx(
        {"old": 0.25, "middle": 0.5, "new": 1.0}
    )


@pytest.mark.parametrize(("trend_days", "first"), [(3.0, "new"), (0.0, "old")])
def test_what_is_asked_of_late_weighs_more(tmp_path: Path, trend_days: float, first: str) -> None:
    day = 86_400
    old: list[Search] = [(f"o{number}", number * day / 2, "old") for number in range(60)]
    new: list[Search] = [(f"n{number}", (40 + number / 3) * day, "new") for number in range(30)]
    found = counts_of(tmp_path, old + new, VocabularyConfig(trend_days=trend_days))
    assert max(found, key=lambda query: found[query]["weight"]) == first
    assert {query: row["count"] for query, row in found.items()} == {"old": 60, "new": 30}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # PySpark 4 calls what pandas 3 has deprecated
def test_spark_counts_what_duckdb_counts(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="the spark extra is not installed")
    words = ("tent", "red", "for", "camping", "stove")
    searches = [
        (f"c{place % 7}", 40.0 * place, " ".join(words[(place * step) % 5] for step in range(1, 2 + place % 3)))
        for place in range(300)
    ]
    counts_of(tmp_path, searches)
    duckdb, spark = (
        read_query_log(tmp_path, tmp_path, VocabularyConfig(engine=engine, threads=2), language="en")
        for engine in ("duckdb", "spark")
    )
    for name in ("follow_ups", "heads", "suffixes", "links"):
        ours, theirs = (sorted(map(str, getattr(one, name).to_pylist())) for one in (duckdb, spark))
        assert len(ours) > 3
        assert ours == theirs
    assert duckdb.counts.drop_columns("weight").equals(spark.counts.drop_columns("weight"))


# ---------------------------------------------------------------- choosing
def chosen(
    asked: Sequence[tuple[str, int, int]], products: Sequence[tuple[str, str]] = (), *, unfound: str = "nothing"
) -> dict[str, dict[str, Any]]:
    """asked: query, times, shoppers. products: brand, type. Returns: rows by text."""
    searches = [{"query": query, "count": times, "key_count": times, "key_shoppers": shoppers, "weight": float(times)}
            for query, times, shoppers in asked]  # fmt: skip
    blank = {"title": "", "description": "", "type_confidence": 1.0, "category": [], "attributes": [], "currency": "",
             "url": "", "image": "", "locale": ""}  # fmt: skip
    feed = [blank | {"product_id": str(place), "brand": brand, "product_type": kind}
            for place, (brand, kind) in enumerate(products)]  # fmt: skip
    table, report = choose_vocabulary(
        pa.Table.from_pylist(searches, QUERY_COUNT_SCHEMA),
        catalog_phrases(pa.Table.from_pylist(feed, PRODUCT_SCHEMA), None, least_products=2),
        ShopLookups(lambda text: unfound not in text),
        VocabularyConfig(),
        "en",
    )
    assert table.schema == VOCABULARY_SCHEMA
    keys = table["key"].to_pylist()
    assert keys == sorted(set(keys))
    assert table.num_rows == report.suggested + report.from_catalog
    return {row["text"]: row for row in table.to_pylist()}


@pytest.mark.parametrize(
    ("query", "asked", "shoppers", "kept"),
    [
        ("tent", 3, 3, True),
        ("tent", 99, 2, False),  # privacy
        ("nothing like it", 9, 9, False),
        ("x" * LONGEST, 9, 9, True),
        ("x" * (LONGEST + 1), 9, 9, False),
        ("...", 9, 9, False),
    ],
)
def test_only_what_several_asked_and_the_shop_answers_is_suggested(
    query: str, asked: int, shoppers: int, kept: bool
) -> None:
    assert list(chosen([(query, asked, shoppers)])) == ([query] if kept else [])


@pytest.mark.parametrize(
    ("query", "least", "kept"),
    [
        ("siege of marrow", 1, True),
        ("siege of marrow", 2, False),
        ("siege of marrow jane doe", 1, False),
        ("marlowe tent", 1, True),  # a phrase of the catalog
        ("redlantern", 1, True),  # as enough ask it, spaced otherwise
        ("red lantern for dad", 1, False),
    ],
)
def test_what_stands_in_the_catalog_needs_fewer_shoppers(query: str, least: int, kept: bool) -> None:
    rows = [
        {"query": text, "count": times, "key_count": times, "key_shoppers": times, "weight": float(times)}
        for text, times in [("red lantern", 3), (query, 1)]
    ]
    shop = ShopLookups(lambda text: True, titles=["Iron Harvest: Siege of Marrow"])
    config = VocabularyConfig(least_shoppers_in_catalog=least)
    table, report = choose_vocabulary(
        pa.Table.from_pylist(rows, QUERY_COUNT_SCHEMA), {"marlowe tent": 2.0}, shop, config, "en"
    )
    asked = {row["text"] for row in table.to_pylist() if row["source"] == CompletionSource.QUERY_LOG}
    assert asked == {"red lantern", query} if kept else {"red lantern"}
    assert (report.rare, report.suggested) == (0, 2) if kept else (1, 1)


def test_spellings_of_one_query_are_joined_as_most_write_it() -> None:
    found = chosen([("t-shirt", 5, 5), ("t shirt", 3, 3), ("café table", 3, 3), ("cafe table", 4, 4)])
    assert {text: row["weight"] for text, row in found.items()} == {"t-shirt": 8.0, "cafe table": 7.0}


def test_the_catalog_names_what_nobody_asked_below_all_that_was_asked() -> None:
    shelf = [("Marlowe", "tent"), ("Marlowe", "tent"), ("Other", "tent"), ("", "stove"), ("Other", "")]
    found = chosen([("tent", 3, 3)], shelf)
    assert {text: row["source"] for text, row in found.items()} == {
        "tent": CompletionSource.QUERY_LOG, "marlowe tent": CompletionSource.CATALOG, "stove": CompletionSource.CATALOG
    }  # fmt: skip
    weights = [found[text]["weight"] for text in ("tent", "marlowe tent", "stove")]
    assert weights[0] == 3.0
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 3
    assert weights[-1] > 0


def test_short_titles_are_names_and_so_is_what_stands_before_their_first_break() -> None:
    titles = [
        "Iron Harvest: Siege of Marrow",
        "Iron Harvest 2",
        "Iron Harvest - Collector's Edition with a Map of All Seven Isles",
        "Self-Filling Pen, Blue",
        "One More Name That Is Far Too Long",
        "(none)",
    ]
    table = product_table(Product(str(row), title) for row, title in enumerate(titles))
    assert catalog_phrases(table, None, least_products=2) == {
        "iron harvest: siege of marrow": 1,
        "iron harvest": 2,
        "iron harvest 2": 1,
        "self-filling pen, blue": 1,
        "self-filling pen": 1,
        "(none)": 1,
    }


def test_a_shop_without_logs_suggests_what_its_catalog_names() -> None:
    assert list(chosen([], [("", "stove"), ("", "tent")])) == ["stove", "tent"]
    assert chosen([]) == {}


# ---------------------------------------------------------------- spelling
def test_what_is_misspelled_counts_for_the_right_spelling() -> None:
    right = {
        "swjn caps": "swjm caps",
        "swjm caps": "swim caps",
        "trellises": "trellis",
        "swim bag": "swim bags",
        "rare wordd": "rare word",
    }
    asked = {
        "swim caps": 30,
        "swjm caps": 4,
        "swjn caps": 1,
        "trellis": 90,
        "trellises": 9,
        "rare word": 5,
        "rare wordd": 4,
    }
    rows = [
        {"query": query, "count": times, "key_count": times, "key_shoppers": times, "weight": float(times)}
        for query, times in asked.items()
    ]
    shop = ShopLookups(lambda text: True, lambda text: right.get(text, text))
    table, report = choose_vocabulary(
        pa.Table.from_pylist(rows, QUERY_COUNT_SCHEMA), {}, shop, VocabularyConfig(), "en"
    )
    found = dict(zip(table["text"].to_pylist(), table["weight"].to_pylist(), strict=True))
    assert found == {"swim caps": 34.0, "trellis": 90.0, "trellises": 9.0, "rare word": 5.0, "rare wordd": 4.0}
    assert (report.misspelled, report.suggested) == (1, 5)  # an inflection, and what may be right itself, stay
