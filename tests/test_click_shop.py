"""A shop whose log is clicks alone learns all that a shop with purchases learns."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from built_shops import BuiltShops
from small_shop import FEED, JUDGED, click_rows, judged_rows, product_rows, write_click_store, write_rows, write_store
from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore
from whybuy.behavior.init import init_store
from whybuy.build import build
from whybuy.build.behavior import PAIRS as PAIRS_STAGE
from whybuy.build.completion import COMPLETIONS
from whybuy.build.retrieval import RERANKER, SIGNALS
from whybuy.build.stage import StageShop
from whybuy.completion.live_queries import LoggedQuery
from whybuy.config import STORE_FILE, read_settings
from whybuy.discovery import Discovery
from whybuy.journal.judgments import to_table
from whybuy.records import EVENTS, PAIRS, QUERIES, Action, Query
from whybuy.retrieval.ranking.training import Replay
from whybuy.retrieval.training_set import TrainingSet
from whybuy.shop import Shop

WANTED = {row["query"]: row["sku"] for row in click_rows() if row["query"] not in ("kicks", "glowy")}


@pytest.fixture(scope="module")
def store(built_shops: BuiltShops, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop, built; to be read only."""
    return built_shops.copy(write_click_store, tmp_path_factory.mktemp("clicks") / "shop")


@pytest.fixture(scope="module")
def shop(store: Path) -> Shop:
    return Shop.open(store)


@pytest.fixture(scope="module")
def discovery(store: Path) -> Discovery:
    return Discovery.open(store)


# ---------------------------------------------------------------- what is learned
def test_clicks_are_read_as_clicks_and_tell_of_their_searches(shop: Shop) -> None:
    assert pc.unique(shop.table(EVENTS)["action"]).to_pylist() == [Action.CLICK]
    assert shop.table(QUERIES).num_rows == shop.table(EVENTS).num_rows == len(list(click_rows()))


def test_every_query_has_pairs_with_its_shoppers(shop: Shop) -> None:
    pairs = {(row["left"], row["right"]): row for row in shop.table(PAIRS).to_pylist()}
    assert {query for query, _ in pairs} == {query.lower() for query in WANTED} | {"kicks", "glowy"}
    (kicks,) = (row for (query, _), row in pairs.items() if query == "kicks")
    assert [kicks[name] for name in ("sessions", "clicks", "purchases", "evidence")] == [10, 10, 0, 10]
    assert 0 < kicks["late"] < kicks["recent"] < kicks["evidence"]


def opened(store: Path) -> StageShop:
    """A built shop as its stages see it."""
    return StageShop(store, read_settings(store), ArtifactStore(store / ARTIFACTS_FOLDER).current(), to_table([]))


def test_stages_say_what_the_log_teaches_and_lacks(store: Path, tmp_path: Path) -> None:
    shop = opened(store)
    pairs, signals, completions = (stage.make(shop, tmp_path) for stage in (PAIRS_STAGE, SIGNALS, COMPLETIONS))
    assert pairs["evidence"] == "click counts 1; the logs have no purchases, no carts, no impressions"
    assert signals["searches"] == completions["queries"] == len(WANTED) + 2


# ---------------------------------------------------------------- what shoppers see
def test_the_clicked_product_comes_first_though_no_word_says_so(discovery: Discovery, shop: Shop) -> None:
    assert shop.reranker is not None
    learned = np.mean([discovery.rank(query, limit=1) == [wanted] for query, wanted in WANTED.items()])
    words = np.mean([discovery.rank(query, limit=1, ranker="lexical") == [wanted] for query, wanted in WANTED.items()])
    assert learned > 0.9
    assert words < 0.6


@pytest.mark.parametrize("ranker", ["signals", "tree", "fused"])
def test_a_word_of_no_product_leads_to_what_was_clicked_after_it(discovery: Discovery, ranker: str) -> None:
    assert discovery.rank("kicks", limit=1, ranker=ranker) == ["slip-3"]


def test_a_hit_of_signals_says_where_it_comes_from(discovery: Discovery) -> None:
    (hit,) = discovery.search(Query("kicks", limit=1)).hits
    assert hit.source == "signals"


def test_what_is_clicked_now_comes_before_what_was_clicked_more(discovery: Discovery, shop: Shop) -> None:
    clicks = {row["right"]: row["clicks"] for row in shop.table(PAIRS).to_pylist() if row["left"] == "glowy"}
    assert clicks == {"floo-2": 16, "floo-9": 4}
    assert discovery.rank("glowy", limit=2, ranker="signals") == ["floo-9", "floo-2"]


def test_what_was_asked_is_completed(discovery: Discovery) -> None:
    found = [one.text for one in discovery.complete("shoe m").completions]
    assert "shoe marlowe" in found, "which the catalog calls a Marlowe slip-on shoe"


def test_a_word_of_no_product_that_leads_to_one_is_suggested(store: Path) -> None:
    discovery = Discovery.open(store)
    hits = discovery.search(Query("kicks", ranker="lexical")).hits
    assert {match.field for hit in hits for match in hit.matched} <= {"implied"}, "no product says it"
    (before,) = discovery.complete("kic").completions
    discovery.add_queries(LoggedQuery("kicks", f"shopper {number}", f"search {number}") for number in range(3))
    (after,) = discovery.complete("kic").completions
    assert before.text == after.text == "kicks"
    assert after.score == pytest.approx(before.score + 3)


# ---------------------------------------------------------------- how the reranker is trained
def trained_on(store: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Replay | TrainingSet:
    """What a build gives to the training of the reranker."""
    given: list[Replay | TrainingSet] = []

    def train(trainer: object, queries: Replay | TrainingSet, *others: object, **settings: object) -> None:
        given.append(queries)

    monkeypatch.setattr("whybuy.build.retrieval.train_reranker", train)
    RERANKER.make(opened(store), folder)
    return given[0]


def test_a_log_with_times_is_replayed(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replay = trained_on(store, tmp_path, monkeypatch)
    assert isinstance(replay, Replay)
    assert len(replay) == len(replay.before) == len(replay.signals) == len(replay.every) == len(WANTED) + 2
    late, before = (dict(zip(part.texts, part.products, strict=True)) for part in (replay.late, replay.before))
    rows = {one: row for row, one in enumerate(Shop.open(store).catalog.ids)}
    assert late["glowy"].indices.tolist() == [rows["floo-9"]]
    assert late["glowy"].sum() == 4
    assert before["glowy"].indices.tolist() == [rows["floo-2"]]
    assert before["glowy"].sum() == 16
    signals = dict(zip(replay.signals.texts, replay.signals.products, strict=True))
    assert 0 < signals["glowy"].sum() < 16


def test_few_late_queries_are_not_enough_to_replay(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fewer = shutil.copytree(store, tmp_path / "shop")
    toml = (fewer / STORE_FILE).read_text(encoding="utf-8")
    (fewer / STORE_FILE).write_text(toml.replace("least_queries = 50", f"least_queries = {len(WANTED) + 3}"))
    folds = trained_on(fewer, tmp_path, monkeypatch)
    assert isinstance(folds, TrainingSet)
    assert len(folds) == len(WANTED) + 2


def test_a_log_without_times_is_not_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "shop"
    store.mkdir()
    init_store(store, [write_rows(store / FEED, product_rows()), write_rows(store / JUDGED, judged_rows())])
    with (store / STORE_FILE).open("a", encoding="utf-8") as stream:
        stream.write("[reranker]\nleast_queries = 50\n")
    build(store)
    folds = trained_on(store, tmp_path, monkeypatch)
    assert isinstance(folds, TrainingSet)
    assert len(folds) == len(WANTED)


def test_a_shop_without_a_log_has_no_signals(tmp_path: Path) -> None:
    store = write_store(tmp_path / "shop", logs=False)
    build(store)
    assert len(Shop.open(store).signals) == 0
    assert Discovery.open(store).rank("tent", limit=5, ranker="signals") == []
    assert Discovery.open(store).rank("tent", limit=5)
