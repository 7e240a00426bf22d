import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from shop_logs import SEARCH_COLUMNS, Log, Search, at, bought, carted, clicked, count_pairs, random_log

from whybuy.artifacts import digest
from whybuy.behavior.engine import open_engine
from whybuy.behavior.mining import PairConfig, mine_pairs
from whybuy.behavior.specificity import QUERY_STATS_SCHEMA
from whybuy.errors import ConfigError, InputError
from whybuy.records import PAIR_SCHEMA, Action, Event, Product

EVERYTHING = PairConfig(min_type_share=0, min_click_rate=0, min_purchase_rate=0, min_type_lift=0)


def mine(log: Log, folder: Path, config: PairConfig = EVERYTHING) -> list[dict[str, object]]:
    log.write(folder)
    mine_pairs(folder, folder / "products.parquet", folder / "out", config)
    rows: list[dict[str, object]] = pq.read_table(folder / "out" / "pairs.parquet").to_pylist()
    return rows


def keys(rows: list[dict[str, object]]) -> set[tuple[object, object]]:
    return {(row["left"], row["right"]) for row in rows}


@pytest.mark.parametrize(
    "variant",
    [
        lambda log: log,
        Log.without_times,
        lambda log: log.only(Action.CLICK, Action.ADD_TO_CART, Action.IMPRESSION),
        lambda log: log.only(Action.CLICK),
    ],
    ids=["everything", "no times", "no purchases", "clicks alone"],
)
@pytest.mark.parametrize("seed", range(2))
def test_random_logs_are_counted_as_the_slow_way_counts_them(
    tmp_path: Path, seed: int, variant: Callable[[Log], Log]
) -> None:
    log = variant(random_log(seed))
    config = dataclasses.replace(EVERYTHING, attribution_clicks=2, attribution_queries=2, half_life_days=0.5)
    rows = mine(log, tmp_path, config)
    counts = count_pairs(log, config)
    found = {
        (str(row["left"]), str(row["right"])): {name: row[name] for name in SEARCH_COLUMNS}
        for row in rows
        if row["kind"] == "search_buy"
    }
    assert found.keys() == counts.search_buy.keys()
    assert all(row == pytest.approx(counts.search_buy[pair], abs=2e-6) for pair, row in found.items())
    assert {(row["left"], row["right"]): row["sessions"] for row in rows if row["kind"] == "co_buy"} == counts.co_buy


def test_the_wording_before_a_reformulation_gets_the_purchase_too(tmp_path: Path) -> None:
    searches = [
        Search(at(0), "shoes for pregnant women", "q1", "c"),
        Search(at(2), "slip resistant shoes", "q2", "c", hits=("p1",)),
    ]
    rows = mine(Log([bought("p1", 5, query_id="q2")], searches), tmp_path)
    assert keys(rows) == {("shoes for pregnant women", "p1"), ("slip resistant shoes", "p1")}


@pytest.mark.parametrize(
    ("config", "credited"),
    [
        (PairConfig(attribution_minutes=4), {"second"}),
        (PairConfig(attribution_clicks=0), set()),
        (PairConfig(attribution_clicks=1), {"second"}),
        (PairConfig(attribution_queries=1), {"second"}),
        (PairConfig(), {"first", "second"}),
    ],
)
def test_attribution_ends_with_minutes_clicks_and_wordings(
    tmp_path: Path, config: PairConfig, credited: set[str]
) -> None:
    searches = [Search(at(0), "first", client_id="c"), Search(at(2), "second", client_id="c")]
    events = [clicked("p2", 1), clicked("p1", 3), bought("p1", 5)]
    rows = mine(Log(events, searches), tmp_path, config)
    assert keys([row for row in rows if row["purchases"]]) == {(query, "p1") for query in credited}


def test_a_purchase_from_another_tab_is_credited_to_its_own_query_alone(tmp_path: Path) -> None:
    searches = [Search(at(0), "shoes", "q1", "c"), Search(at(2), "laptop", "q2", "c")]
    assert keys(mine(Log([bought("shoe", 5, query_id="q1")], searches), tmp_path)) == {("shoes", "shoe")}


def test_a_long_pause_ends_a_session_unless_the_source_says_otherwise(tmp_path: Path) -> None:
    cut = mine(Log([bought("a", 0), bought("b", 31)]), tmp_path / "cut")
    held = mine(Log([bought("a", 0, session_id="s"), bought("b", 31, session_id="s")]), tmp_path / "held")
    apart = mine(Log([bought("a", 0, session_id="s"), bought("b", 1, session_id="t")]), tmp_path / "apart")
    assert [keys(rows) for rows in (cut, held, apart)] == [set(), {("a", "b")}, set()]


def test_searches_without_a_session_id_join_the_session_of_their_block(tmp_path: Path) -> None:
    searches = [Search(at(0), "shoes for pregnant women", client_id="c"), Search(at(2), "shoes", "q2", "c")]
    log = Log([bought("p1", 5, session_id="s", query_id="q2")], searches)
    assert keys(mine(log, tmp_path)) == {("shoes for pregnant women", "p1"), ("shoes", "p1")}


def test_judged_pairs_without_a_query_log_become_search_buy_pairs(tmp_path: Path) -> None:
    events = [
        Event(at(0), Action.PURCHASE, "p1", "judge-1", "judge-1", query="angle bracket"),
        Event(at(0), Action.PURCHASE, "p2", "judge-2", "judge-2", query="angle bracket"),
    ]
    rows = mine(Log(events), tmp_path, PairConfig())
    assert keys(rows) == {("angle bracket", "p1"), ("angle bracket", "p2")}


def test_huge_baskets_are_drawn_from_by_seed(tmp_path: Path) -> None:
    log = Log([bought(f"p{number}", number / 100) for number in range(40)])
    drawn = [
        keys(mine(log, tmp_path / name, dataclasses.replace(EVERYTHING, max_basket=10, seed=seed)))
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert len(drawn[0]) == 10 * 9 / 2
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_files_have_their_schemas_ids_and_order(tmp_path: Path) -> None:
    rows = mine(random_log(3), tmp_path)
    assert pq.read_schema(tmp_path / "out" / "pairs.parquet").equals(PAIR_SCHEMA)
    assert pq.read_schema(tmp_path / "out" / "query_stats.parquet").equals(QUERY_STATS_SCHEMA)
    assert [row["pair_id"] for row in rows] == [
        digest(str(row["kind"]), str(row["left"]), str(row["right"])) for row in rows
    ]
    order = [(str(row["kind"]), str(row["left"]), str(row["right"])) for row in rows]
    assert order == sorted(order)
    assert all(float(str(row["weight"])) > 0 for row in rows)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["pairs.parquet", "query_stats.parquet"]


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path) -> None:
    log = random_log(5)
    turned = Log(list(reversed(log.events)), list(reversed(log.searches)), log.products)
    assert mine(log, tmp_path / "a") == mine(turned, tmp_path / "b")


def test_the_report_adds_up_and_reads_well(tmp_path: Path) -> None:
    random_log(2).write(tmp_path)
    report = mine_pairs(tmp_path, tmp_path / "products.parquet", tmp_path / "out", PairConfig(few_co_buys=0))
    rows = pq.read_table(tmp_path / "out" / "pairs.parquet")
    assert report.pairs == rows.num_rows == report.search_buy + report.co_buy
    for before, step in zip(report.steps, report.steps[1:], strict=False):
        assert before.behavior is not step.behavior or step.left == before.left - step.taken
    assert any(line.startswith("co_buy support: took ") for line in report.lines())


@pytest.mark.parametrize(
    ("actions", "line"),
    [
        (tuple(Action), "purchase counts 1, add_to_cart counts 1, click counts 0.5"),
        (
            (Action.CLICK, Action.ADD_TO_CART),
            "add_to_cart counts 1, click counts 0.5; the logs have no purchases, no impressions",
        ),
        ((Action.CLICK,), "click counts 1; the logs have no purchases, no carts, no impressions"),
        ((), "no action after a search; the logs have no purchases, no carts, no clicks, no impressions"),
    ],
)
def test_the_report_says_what_the_logs_teach_and_what_they_lack(
    tmp_path: Path, actions: tuple[Action, ...], line: str
) -> None:
    kinds = (Action.PURCHASE, Action.ADD_TO_CART, Action.CLICK, Action.CLICK, Action.IMPRESSION)
    events = [Event(at(minutes), kind, "p1", "c", query_id="q", query="lamp") for minutes, kind in enumerate(kinds, 1)]
    Log(events, [Search(at(0), "lamp", "q", "c")]).only(*actions).write(tmp_path)
    report = mine_pairs(tmp_path, tmp_path / "products.parquet", tmp_path / "out")
    assert report.evidence == line
    assert line in report.lines()


def test_where_nothing_is_logged_searches_are_missing_too(tmp_path: Path) -> None:
    Log().write(tmp_path)
    report = mine_pairs(tmp_path, tmp_path / "products.parquet", tmp_path / "out")
    assert report.evidence.endswith("no impressions, no searches")


def test_clicks_alone_make_pairs_that_count_shoppers(tmp_path: Path) -> None:
    searches = [Search(at(0), "lamp", f"q{client}", f"c{client}") for client in range(3)]
    events = [clicked("p1", minutes, f"c{client}", query_id=f"q{client}") for client in range(3) for minutes in (1, 2)]
    (row,) = mine(Log(events, searches), tmp_path)
    assert [row[name] for name in ("left", "right", "sessions", "clicks", "purchases")] == ["lamp", "p1", 3, 6, 0]
    assert row["evidence"] == 6


def test_what_is_put_in_a_cart_is_paired_where_no_purchase_is_logged(tmp_path: Path) -> None:
    events = [carted("a", 0), carted("b", 1), clicked("c", 2)]
    (row,) = mine(Log(events), tmp_path / "carts")
    assert [row[name] for name in ("kind", "left", "right", "carts", "purchases")] == ["co_buy", "a", "b", 1, 0]
    assert mine(Log([*events, bought("a", 3)]), tmp_path / "bought") == []


def test_a_cart_is_credited_to_one_query_alone(tmp_path: Path) -> None:
    searches = [Search(at(0), "first", client_id="c"), Search(at(2), "second", client_id="c")]
    assert keys(mine(Log([carted("p1", 3)], searches), tmp_path / "last")) == {("second", "p1")}
    assert keys(mine(Log([carted("p1", 3, query="first")], searches), tmp_path / "own")) == {("first", "p1")}


def test_steps_say_why_they_are_skipped(tmp_path: Path) -> None:
    Log([bought("a", 0), bought("b", 1)], (), [Product("a", "A"), Product("b", "B")]).write(tmp_path)
    report = mine_pairs(tmp_path, tmp_path / "products.parquet", tmp_path / "out")
    skipped = {(step.behavior.value, step.name): step.skipped for step in report.steps}
    assert skipped == {
        ("search_buy", "support"): "",
        ("search_buy", "product type"): "the catalog has no product types",
        ("search_buy", "click rate"): "the logs have no clicks",
        ("search_buy", "purchase rate"): "the logs have no clicks",
        ("co_buy", "support"): "1 pairs are few, rare ones are kept",
        ("co_buy", "too many types"): "the catalog has no product types",
        ("co_buy", "product type"): "the catalog has no product types",
        ("co_buy", "category distance"): "the catalog has no category tree",
    }


def test_a_sample_is_smaller_and_the_same_for_its_seed(tmp_path: Path) -> None:
    config = dataclasses.replace(EVERYTHING, sample=20)
    rows = mine(random_log(1), tmp_path / "a", config)
    assert len(rows) == 20
    assert rows == mine(random_log(1), tmp_path / "b", config)
    assert rows != mine(random_log(1), tmp_path / "c", dataclasses.replace(config, seed=8))


def test_an_empty_log_gives_no_pairs(tmp_path: Path) -> None:
    assert mine(Log(), tmp_path) == []


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"events\.parquet, which does not exist"):
        mine_pairs(tmp_path, tmp_path / "products.parquet", tmp_path / "out")


def test_a_memory_limit_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"memory_limit = 'plenty'.*Write a size such as"):
        mine(Log(), tmp_path, PairConfig(memory_limit="plenty"))


def test_a_sample_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sample of 0 pairs"):
        mine(random_log(1), tmp_path, PairConfig(sample=0))


def test_a_query_that_led_to_carts_alone_is_as_specific_as_its_types_say(tmp_path: Path) -> None:
    searches = [Search(at(0), "rug", "q1", "c")]
    carts = [Event(at(1 + place), Action.ADD_TO_CART, name, "c", query_id="q1") for place, name in enumerate("ab")]
    products = [Product(name, name, product_type=f"type {name}") for name in "abcd"]
    mine(Log(carts, searches, products), tmp_path, PairConfig(specificity_prior=1e-6))
    (row,) = pq.read_table(tmp_path / "out" / "query_stats.parquet").to_pylist()
    assert row["specificity"] == pytest.approx(1 - math.log(2) / math.log(4), abs=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # PySpark 4 calls what pandas 3 has deprecated
def test_spark_gives_the_rows_that_duckdb_gives(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="the spark extra is not installed")
    config = PairConfig(sample=30, few_co_buys=0, min_co_buys=1)
    rows = mine(random_log(4), tmp_path / "duckdb", config)
    on_spark = mine(random_log(4), tmp_path / "spark", dataclasses.replace(config, engine="spark", threads=2))
    assert len(rows) == 30
    for row, other in zip(rows, on_spark, strict=True):
        assert other | {"weight": 0} == row | {"weight": 0}
        assert other["weight"] == pytest.approx(row["weight"], rel=1e-9)


def test_the_engine_keeps_to_its_memory_and_spill_folder(tmp_path: Path) -> None:
    with open_engine("duckdb", memory_limit="256MiB", threads=1, spill_folder=tmp_path) as engine:
        asked = "SELECT current_setting('memory_limit'), current_setting('threads'), current_setting('temp_directory')"
        memory, threads, folder = engine.backend.raw_sql(asked).fetchone()
        assert (memory, int(threads)) == ("256.0 MiB", 1)
        assert Path(folder).is_relative_to(tmp_path)
        assert engine.spill.is_dir()
    assert list(tmp_path.iterdir()) == []
