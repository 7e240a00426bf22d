"""A running server takes up what is built beside it, and keeps what it has when that cannot be opened."""

import gc
import shutil
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from small_shop import FEED
from whybuy.artifacts import ARTIFACTS_FOLDER, CURRENT
from whybuy.build import build
from whybuy.config import STORE_FILE
from whybuy.discovery import Discovery
from whybuy.journal import Journal
from whybuy.serving.app import create_app
from whybuy.serving.live import LiveShop, settle


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_store, tmp_path / "shop")


def comes_true(condition: Callable[[], bool], *, seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_a_running_app_answers_with_a_new_product_after_a_rebuild(store: Path, tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        client = TestClient(create_app(Discovery.open(store), journal, store=store))
        assert client.get("/v1/search?q=zeppelin").json()["total"] == 0
        feed = store / FEED
        text = feed.read_text(encoding="utf-8")
        copied = text.splitlines()[-1].replace("floo-9", "zepp-1").replace("Fennel", "Zeppelin")
        feed.write_text(f"{text}{copied}\n", encoding="utf-8")
        build(store)
        assert comes_true(lambda: client.get("/v1/search?q=zeppelin").json()["total"] == 1)
        assert client.get("/version").json()["facts"]["products"] == 61


def test_words_are_blocked_while_the_shop_runs(store: Path, tmp_path: Path) -> None:
    def shown() -> list[str]:
        body = client.get("/v1/complete", params={"prefix": "floor", "limit": 50}).json()
        return [one["text"] for one in body["completions"] if "lamp" in one["text"]]

    with Journal(tmp_path / "journal.sqlite") as journal:
        client = TestClient(create_app(Discovery.open(store), journal, store=store))
        assert shown()
        with (store / STORE_FILE).open("a", encoding="utf-8") as settings:
            settings.write('\n[completion]\nblocked = ["lamp"]\n')
        assert comes_true(lambda: not shown())


def test_a_build_that_cannot_be_opened_changes_nothing_until_one_can(
    store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pointer = store / ARTIFACTS_FOLDER / CURRENT
    whole = pointer.read_text(encoding="utf-8")
    first = Discovery.open(store)
    live = LiveShop(first, store, pause=0.0, rest=0.0)
    assert live.now() is first
    pointer.write_text('{"catalog": "nothing"}', encoding="utf-8")
    assert comes_true(lambda: live.now() is first and "the one before is served on" in caplog.text)
    assert live.now() is first
    pointer.write_text(whole.replace("}", ' ,"more": "1"}'), encoding="utf-8")
    assert comes_true(lambda: live.now() is not first)


def test_without_a_newer_build_nothing_is_opened(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Discovery.open(store)
    monkeypatch.setattr(Discovery, "open", lambda store: pytest.fail("opened again"))
    live = LiveShop(first, store, pause=0.0)
    assert {id(live.now()) for _ in range(5)} == {id(first)}


class Ring:
    """Holds itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_spared_the_collector_is_freed_once_it_is_not_in_use() -> None:
    ring = Ring()
    kept = weakref.ref(ring)
    settle()
    del ring
    gc.collect()
    assert kept() is not None
    settle()
    assert kept() is None
