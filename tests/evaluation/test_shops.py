"""What a real shop is measured on lies in its folder, and nothing of it is in what the shop is built from."""

import runpy
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whybuy.evaluation.clicked import read_clicked
from whybuy.qrels import Scale, read_qrels

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "shops.py"
TITLES = ["Tarn 3 phone", "Tarn 4 phone", "Fennel case", "Fennel strap"]
PATHS = ["Phones > Smartphones", "Phones > Smartphones", "Phones > Cases", None]

Make = Callable[[str], Path]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a shop of tiny data up to where it would be built; returns its folder."""
    data, shops = tmp_path / "data", tmp_path / "shops"
    monkeypatch.setenv("WHYBUY_DATA", str(data))
    monkeypatch.setenv("WHYBUY_SHOPS", str(shops))
    script: dict[str, Any] = runpy.run_path(str(SCRIPT))
    ids = ["p1", "p2", "p3", "p4"]
    products = pa.table({"product_id": ids, "title": TITLES, "category": PATHS})
    times = [datetime(2024, 5, day, tzinfo=UTC) for day in range(1, 11)]
    queries = [f"query {number}" for number in range(10)]
    clicks = pa.table({"user": range(10), "product_id": ids * 2 + ids[:2], "query": queries, "click_time": times})
    judgments = pa.table({"query": ["phone"] * 4, "product_id": ids, "esci_label": [*"ESIC"]})
    for name in ("bestbuy_search", "bestbuy_phones", "esci_us", "crowdflower"):
        (data / name).mkdir(parents=True)
        pq.write_table(products, data / name / "products.parquet")
    pq.write_table(clicks, data / "bestbuy_search" / "clicks.parquet")
    pq.write_table(judgments, data / "esci_us" / "judgments.parquet")
    told = {"query": ["phone", "case", "case"], "product_id": ["p1", "p1", "p3"], "relevance": [4, 1, 4]}
    told |= {"product_title": ["Tarn 3 phone", "Tarn 3 phone", "Fennel case"], "product_description": ["", "", None]}
    pq.write_table(pa.table(told), data / "crowdflower" / "judgments.parquet")

    def made(name: str) -> Path:
        asked: list[tuple[str, ...]] = []

        def pretend(*words: str) -> dict[str, float]:
            asked.append(words)
            return {"seconds": 0.0}

        script["make"].__globals__["whybuy"] = pretend
        assert script["make"](name, script["RECIPES"][name]) == {"seconds": 0.0}
        assert [words[0] for words in asked] == ["init", "build"]
        files = [Path(word) for word in asked[0] if word.endswith(".parquet")]
        (shops / name / "given").mkdir()
        for file in files:
            shutil.copy(file, shops / name / "given")
        return shops / name

    return made


def test_leaf_categories_are_queries_and_the_shop_has_none(make: Make) -> None:
    store = make("bestbuy_phones")
    qrels = read_qrels(store / "judgments.parquet", scale=Scale(0, 1))
    assert {text: set(qrels.relevant(text)) for text in qrels.grades} == {"Smartphones": {"p1", "p2"}, "Cases": {"p3"}}
    (given,) = (store / "given").iterdir()
    assert pq.read_table(given).column_names == ["product_id", "title"]


def test_the_last_fifth_of_clicks_is_held_out(make: Make) -> None:
    store = make("bestbuy_search")
    late = read_clicked([store / "clicks.parquet"])
    assert sorted(map(late.text, late.grades)) == ["query 8", "query 9"]
    given = store / "given"
    assert sorted(file.name for file in given.iterdir()) == ["clicks_train.parquet", "products.parquet"]
    assert pq.read_table(given / "clicks_train.parquet")["query"].to_pylist() == [f"query {n}" for n in range(8)]


def test_judgments_that_are_few_are_all_measured_on(make: Make) -> None:
    store = make("esci_us")
    assert set(read_qrels(store / "judgments.parquet").grades) == {"phone"}
    assert [file.name for file in (store / "given").iterdir()] == ["products.parquet"]


def test_products_that_only_judgments_tell_of_are_a_feed_without_grades(make: Make) -> None:
    store = make("crowdflower")
    assert read_qrels(store / "judgments.parquet").grades == {"phone": {"p1": 4}, "case": {"p1": 1, "p3": 4}}
    (given,) = (store / "given").iterdir()
    expected = [{"product_id": "p1", "title": "Tarn 3 phone", "description": ""}]
    expected += [{"product_id": "p3", "title": "Fennel case", "description": ""}]
    assert pq.read_table(given).to_pylist() == expected


def test_a_shop_without_its_data_is_skipped_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHYBUY_DATA", str(tmp_path))
    monkeypatch.setenv("WHYBUY_SHOPS", str(tmp_path / "shops"))
    script = runpy.run_path(str(SCRIPT))
    why = script["make"]("esci_us", script["RECIPES"]["esci_us"])["skipped"]
    assert "has no esci_us/products.parquet, esci_us/judgments.parquet; set WHYBUY_DATA" in why
