"""Its place lets every test import `fakes`, `snapshot` and whatever else stands beside it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, expect, sync_playwright

from built_shops import BuiltShops
from small_shop import write_judged_store, write_store
from tree_shop import PRODUCTS, TreeShop, judged, make_shop
from whybuy.discovery import Discovery
from whybuy.retrieval.finder import Finder, FinderConfig
from whybuy.retrieval.indexes import Indexes
from whybuy.retrieval.ranking.training import RerankerConfig, train_reranker

_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
# Set before torch and scikit-learn are loaded, here and in the processes that tests start: two processes of two threads
# each on two cores spend most of their time waiting for one another (a tiny transformer: 65 s of training, or 11).
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("WHYBUY_PROCESSES", "0")  # commands build small shops sooner in the process that they have
settings.register_profile("whybuy", deadline=None)  # the first call of a kernel compiles it
settings.register_profile("fast", deadline=None, max_examples=25)  # of `make test-fast`; the default is 100
settings.load_profile("whybuy")


@pytest.fixture(scope="session")
def built_shops(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> BuiltShops:
    """Kept in pytest's cache, where there is one; `pytest --cache-clear` deletes them."""
    cache = pytestconfig.cache if pytestconfig.pluginmanager.hasplugin("cacheprovider") else None
    return BuiltShops(cache.mkdir("shops") if cache else tmp_path_factory.mktemp("shops"))


@pytest.fixture(scope="session")
def small_store(built_shops: BuiltShops, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop, built; to be read only."""
    return built_shops.copy(write_store, tmp_path_factory.mktemp("small") / "shop")


@pytest.fixture(scope="session")
def small_discovery(small_store: Path) -> Discovery:
    """The small shop, opened."""
    return Discovery.open(small_store)


@pytest.fixture(scope="session")
def judged_store(built_shops: BuiltShops, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop with an order learned from judgments; to be read only."""
    return built_shops.copy(write_judged_store, tmp_path_factory.mktemp("judged") / "shop")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium: install the package `chromium`, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        expect.set_options(timeout=30_000)  # as actions have; a busy machine can stand still for seconds
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> TreeShop:
    """The shop of `tree_shop`; to be read only."""
    return make_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def indexes(shop: TreeShop) -> Indexes:
    """Those of the shop, with its tree."""
    return shop.trained


@pytest.fixture(scope="session")
def finder(indexes: Indexes) -> Finder:
    """Searches the shop, without a reranker."""
    return Finder(indexes, len(PRODUCTS), FinderConfig())


@pytest.fixture(scope="session")
def reranker_folder(shop: TreeShop, finder: Finder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained reranker; to be read only."""
    folder = tmp_path_factory.mktemp("reranker")
    config = RerankerConfig(least_queries=50, folds=2, threads=1)
    assert train_reranker(shop.trainer, judged(), finder, shop.read, folder, config=config)
    return folder
