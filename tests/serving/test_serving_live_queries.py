"""Queries in events become suggestions, without a build."""

import time
from pathlib import Path

from starlette.testclient import TestClient

from fakes import FakeDiscovery
from whybuy.discovery import Discovery
from whybuy.journal import JOURNAL_FILE, Journal
from whybuy.serving.app import create_app
from whybuy.serving.live_queries import JournalQueries

NEW = "floor lamp with a linen shade"


def event(shopper: str) -> dict[str, object]:
    return {
        "action_name": "click",
        "timestamp": "2026-11-13T20:20:39Z",
        "client_id": shopper,
        "query_id": f"q-{shopper}",
        "user_query": NEW,
    }


def shown(client: TestClient) -> list[str]:
    body = client.get("/v1/complete", params={"prefix": "floor lamp w"}).json()
    return [one["text"] for one in body["completions"]]


def test_a_query_that_meets_the_thresholds_is_suggested_within_a_second(small_store: Path, tmp_path: Path) -> None:
    with Journal(tmp_path / JOURNAL_FILE) as journal:
        client = TestClient(create_app(Discovery.open(small_store), journal))
        for shopper in ("a", "a", "b"):
            client.post("/v1/events", json=event(shopper))
        time.sleep(0.6)  # beyond the pause between two looks
        assert NEW not in shown(client)
        client.post("/v1/events", json=event("c"))
        deadline = time.monotonic() + 30
        while NEW not in shown(client):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        again = Discovery.open(small_store)  # as a new build would be
        JournalQueries(journal).apply(again)
        assert NEW in [one.text for one in again.complete("floor lamp w").completions]


def test_a_session_id_stands_for_what_the_session_asked(tmp_path: Path) -> None:
    shop = FakeDiscovery()
    with Journal(tmp_path / JOURNAL_FILE) as journal:
        client = TestClient(create_app(shop, journal))
        for place, text in enumerate(["boots", "tent", "tent", "lamp", "boots", "leash"]):
            client.post(
                "/v1/events", json=event("a") | {"session_id": "s1", "user_query": text, "query_id": str(place)}
            )
        time.sleep(0.6)  # beyond the pause between two looks
        for told, expected in (
            ({"session": "s1"}, ("leash", "boots", "lamp")),
            ({"session": "a"}, ("leash", "boots", "lamp")),
            ({"session": "s1", "previous": "socks"}, ("socks",)),
            ({"session": "nobody"}, ()),
            ({}, ()),
        ):
            assert client.get("/v1/complete", params={"prefix": "x", **told}).status_code == 200
            assert shop.after == expected
