"""Rejecting an edge: from the graph page, hidden at once here and in other processes, gone with the next build."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from fakes import FakeDiscovery
from whybuy.build import build
from whybuy.discovery import Discovery
from whybuy.journal import JOURNAL_FILE, Journal, Kind
from whybuy.journal.judgments import JudgmentLog
from whybuy.records import Head, HeadKind, Judgment, Query, Role
from whybuy.relations import Relation
from whybuy.serving.app import create_app
from whybuy.serving.rejections import Rejections

FORM = {
    "head_kind": "type",
    "head": "walking shoe",
    "relation": "used_for_audience",
    "tail": "pregnant women",
    "node": "pregnant women",
}
EDGE = (Head(HeadKind.TYPE, ("slip-on shoe",)), Relation.USED_FOR_AUDIENCE, "pregnant women")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite", patience=0.05) as journal:
        yield journal


@pytest.fixture
def client(journal: Journal) -> TestClient:
    return TestClient(create_app(FakeDiscovery(), journal), headers={"accept": "text/html"})


def rows(page: str) -> list[str]:
    return re.findall(r"<tr>\s*<td><a [^>]*>([^<]+)</a>", page)


def test_an_edge_is_rejected_and_comes_back(client: TestClient) -> None:
    assert "walking shoe" in rows(client.get("/graph?node=pregnant+women").text)
    page = client.post("/graph/reject", data=FORM).text
    assert "walking shoe" not in rows(page)
    assert "Hidden now; the next build leaves it out." in page
    assert "walking shoe" in client.get("/graph").text
    page = client.post("/graph/restore", data={"cursor": "1", "node": "pregnant women"}).text
    assert "walking shoe" in rows(page)
    assert "Hidden now" not in page
    assert client.post("/graph/restore", data={"cursor": "1"}).status_code == 409


@pytest.mark.parametrize(
    ("change", "headers", "status"),
    [
        ({"tail": "cats"}, {}, 409),
        ({"relation": "liked_by"}, {}, 422),
        ({"head_kind": "shoe"}, {}, 422),
        ({"head": ""}, {}, 422),
        ({}, {"sec-fetch-site": "cross-site"}, 403),
        ({}, {"origin": "https://elsewhere.example"}, 403),
    ],
)
def test_what_cannot_be_rejected_changes_nothing(
    client: TestClient, journal: Journal, change: dict[str, str], headers: dict[str, str], status: int
) -> None:
    assert client.post("/graph/reject", data=FORM | change, headers=headers).status_code == status
    assert journal.last(kind=Kind.JUDGMENT) == 0


def test_a_journal_that_cannot_be_written_hides_nothing(client: TestClient, journal: Journal) -> None:
    with Journal(journal.path) as other, other._writing():
        response = client.post("/graph/reject", data=FORM)
    assert response.status_code == 503
    assert "walking shoe" in rows(client.get("/graph?node=pregnant+women").text)


def test_other_processes_see_it_soon(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as first, Journal(path) as second:
        here, there = Rejections(first), Rejections(second, pause=0.0)
        mine, theirs = FakeDiscovery(), FakeDiscovery()
        here.apply(mine)
        there.apply(theirs)
        head = Head(HeadKind.TYPE, ("walking shoe",))
        entered = here.reject(mine, head, Relation.USED_FOR_AUDIENCE, "pregnant women")
        assert len(mine.neighborhood("pregnant women").edges) == 1
        there.apply(theirs)
        assert len(theirs.neighborhood("pregnant women").edges) == 1
        assert there.restore(theirs, entered.cursor) == entered
        assert len(theirs.neighborhood("pregnant women").edges) == 2
        here.apply(mine)
        assert len(mine.neighborhood("pregnant women").edges) == 1  # not before the pause is over


def test_searching_goes_on_when_the_journal_cannot_be_read(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    rejections = Rejections(journal, pause=0.0)
    journal.close()
    rejections.apply(FakeDiscovery())
    assert "New rejections are not seen for now" in caplog.text


# ---------------------------------------------------------------- with a real graph
def reasons(shop: Discovery) -> list[tuple[str, str]]:
    hits = shop.search(Query("shoes for pregnant women")).hits
    return [(reason.head, reason.tail) for hit in hits for reason in hit.reasons]


def test_what_is_hidden_at_once_is_what_the_next_build_leaves_out(small_store: Path, tmp_path: Path) -> None:
    store = shutil.copytree(small_store, tmp_path / "shop")
    before = Discovery.open(store)
    assert before.has_edge(*EDGE)
    assert ("slip-on shoe", "pregnant women") in reasons(before)
    with Journal(store / JOURNAL_FILE) as journal:
        book = JudgmentLog(journal)
        book.add([Judgment(*EDGE, "reader", Role.READER, ())])
        hidden = Discovery.open(store)
        report = build(store)
        rebuilt = Discovery.open(store)
        assert hidden.has_edge(*EDGE)
        assert not rebuilt.has_edge(*EDGE)
        assert ("slip-on shoe", "pregnant women") not in reasons(hidden)
        for shop in (hidden, rebuilt):
            around = shop.neighborhood("pregnant women")
            assert "slip-on shoe" not in {node.label for node in around.nodes}
        assert hidden.intents("gift for pregnant women") == rebuilt.intents("gift for pregnant women")
        assert hidden.why("slip-0") == rebuilt.why("slip-0")
        found, expected = (
            shop.search(Query("gift for pregnant women", ranker="intents")) for shop in (hidden, rebuilt)
        )
        assert [(hit.product_id, hit.score) for hit in found.hits] == [
            (hit.product_id, hit.score) for hit in expected.hits]  # fmt: skip
        book.retract(book.rejections()[0])
        assert build(store).keys["graph"] != report.keys["graph"]
    assert Discovery.open(store).has_edge(*EDGE)


def test_hiding_is_undone_to_the_last_bit(small_discovery: Discovery) -> None:
    query = Query("shoes for pregnant women", ranker="intents")
    before = [(hit.product_id, hit.score, hit.reasons) for hit in small_discovery.search(query).hits]
    small_discovery.hide([EDGE])
    hidden = [(hit.product_id, hit.score, hit.reasons) for hit in small_discovery.search(query).hits]
    small_discovery.hide([])
    assert hidden != before
    assert [(hit.product_id, hit.score, hit.reasons) for hit in small_discovery.search(query).hits] == before
