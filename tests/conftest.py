"""Its place lets every test import `fakes`, `snapshot` and whatever else stands beside it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, expect, sync_playwright

from small_shop import write_judged_store, write_store
from tree_shop import TreeShop, judged, make_shop
from whybuy.build import build
from whybuy.discovery import Discovery
from whybuy.retrieval.finder import Indexes
from whybuy.retrieval.ranking.training import RerankerConfig, train_reranker

_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
settings.register_profile("whybuy", deadline=None)  # the first call of a kernel compiles it
settings.load_profile("whybuy")


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop, built; to be read only."""
    store = write_store(tmp_path_factory.mktemp("small"))
    build(store)
    return store


@pytest.fixture(scope="session")
def small_discovery(small_store: Path) -> Discovery:
    """The small shop, opened."""
    return Discovery.open(small_store)


@pytest.fixture(scope="session")
def judged_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop with an order learned from judgments; to be read only."""
    store = write_judged_store(tmp_path_factory.mktemp("judged"))
    build(store)
    return store


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
    return shop.taught


@pytest.fixture(scope="session")
def reranker_folder(shop: TreeShop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An order that was taught; to be read only."""
    folder = tmp_path_factory.mktemp("reranker")
    config = RerankerConfig(least_queries=50, folds=2, threads=1)
    assert train_reranker(shop.trainer, judged(), shop.taught, shop.read, folder, config=config)
    return folder
