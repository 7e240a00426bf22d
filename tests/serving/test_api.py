"""The API: true bodies, honest errors, events kept."""

import json
import os
import re
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args
from urllib.parse import urlencode

import orjson
import pytest
from fastapi.routing import APIRoute
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from fakes import FakeDiscovery
from snapshot import assert_snapshot
from whybuy.discovery import Discovery
from whybuy.journal import Journal
from whybuy.operations import SearchRequest, parse_filters
from whybuy.records import Answer, Completions, Filter, Query, QueryIntents, Sort
from whybuy.retrieval.rankers import RANKER_NAMES
from whybuy.serving import api, events, health
from whybuy.serving.app import create_app
from whybuy.serving.requests import Ranker

CLICK = {
    "action_name": "click",
    "timestamp": "2026-11-13T20:20:39Z",
    "query_id": "query-1",
    "client_id": "browser-7",
    "event_attributes": {"object": {"object_id": "s1"}, "position": {"ordinal": 1}, "of_our_own": [1, None]},
}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite", patience=0.05) as journal:
        yield journal


@pytest.fixture
def client(journal: Journal) -> TestClient:
    return TestClient(create_app(FakeDiscovery(), journal), raise_server_exceptions=False)


def readable(body: bytes) -> str:
    return json.dumps(json.loads(body), indent=1, ensure_ascii=False) + "\n"


# ---------------------------------------------------------------- asking
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("search", "/v1/search?q=shoes+for+pregnant+women&limit=2"),
        ("complete", "/v1/complete?prefix=odd"),
        ("explain", "/v1/explain?q=shoes+for+pregnant+women&product_id=s1"),
        ("intents", "/v1/intents?q=hiking+while+pregnant"),
        ("version", "/version"),
    ],
)
def test_bodies_are_as_reviewed(client: TestClient, name: str, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert_snapshot(f"serving/{name}.json", readable(response.content))


def test_the_openapi_document_promises_what_was_reviewed(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    routes = {
        f"{method.upper()} {path}": {
            "asks": [parameter["name"] for parameter in operation.get("parameters", [])],
            "answers": sorted(operation["responses"]),
        }
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    records = {name: list(schema.get("properties", [])) for name, schema in document["components"]["schemas"].items()}
    assert_snapshot("serving/openapi.json", readable(orjson.dumps({"routes": routes, "records": records})))


def test_a_search_answers_with_the_record_itself(client: TestClient) -> None:
    answer = FakeDiscovery().search(Query("shoe", limit=3, offset=1, sort=Sort.TITLE))
    body = client.get("/v1/search?q=shoe&limit=3&offset=1&sort=title").content
    assert body == orjson.dumps(answer)
    assert TypeAdapter(Answer).validate_json(body) == answer


def test_explain_and_intents_answer_with_the_records_themselves(client: TestClient) -> None:
    discovery = FakeDiscovery()
    assert client.get("/v1/explain?q=shoe&product_id=s2").content == orjson.dumps(discovery.explain("shoe", "s2"))
    assert client.get("/v1/intents?q=hiking").content == orjson.dumps(
        QueryIntents("hiking", discovery.intents("hiking"))
    )


def test_completions_answer_with_the_record_itself(client: TestClient) -> None:
    found = FakeDiscovery().complete("odd", limit=1)
    assert client.get("/v1/complete?prefix=odd&limit=1").content == orjson.dumps(found)
    assert TypeAdapter(Completions).validate_json(orjson.dumps(found)) == found


@pytest.mark.parametrize("wrong", ["", "prefix=a&limit=101", "prefix=a&limit=-1", f"prefix={'a' * 10_001}"])
def test_a_wrong_request_for_completions_is_told_so(client: TestClient, wrong: str) -> None:
    response = client.get(f"/v1/complete?{wrong}")
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")


def test_a_post_answers_as_a_get_does(client: TestClient) -> None:
    asked = {"q": "shoe", "limit": 2, "sort": "-price", "filter": ["brand:Marlowe", "brand:Stepwell"]}
    by_address = client.get(f"/v1/search?{urlencode(asked, doseq=True)}")
    by_body = client.post("/v1/search", json=asked)
    assert by_body.status_code == 200
    assert by_body.content == by_address.content
    assert [hit["product_id"] for hit in by_body.json()["hits"]] == ["s2", "s1"]


def test_hits_tell_their_way_when_asked(client: TestClient) -> None:
    paths = [hit["path"] for hit in client.get("/v1/search?q=shoe&explain=true").json()["hits"]]
    assert all(path[-1]["name"] == "this product" and path[-1]["contributions"] for path in paths)
    by_body = client.post("/v1/search", json={"q": "shoe", "explain": True}).json()
    assert [hit["path"] for hit in by_body["hits"]] == paths
    assert {str(hit["path"]) for hit in client.get("/v1/search?q=shoe").json()["hits"]} == {"[]"}


def test_facets_can_be_left_out(client: TestClient) -> None:
    assert client.get("/v1/search?q=shoe").json()["facets"]["brand"]
    assert client.get("/v1/search?q=shoe&facets=false").json()["facets"] == {}


def test_a_filter_named_twice_keeps_either_value_and_its_colons() -> None:
    parsed = parse_filters(["brand:A", "size:1:72", "brand:B", "brand:A"])
    assert parsed == (Filter("brand", ("A", "B")), Filter("size", ("1:72",)))


def test_every_ranker_of_the_shop_can_be_asked_for() -> None:
    assert set(get_args(Ranker)) == set(RANKER_NAMES)


def test_a_request_has_the_defaults_of_a_query() -> None:
    assert SearchRequest.model_validate({"q": "x"}).query() == Query("x")


ODD_QUERIES = ["", " ", "a" * 10_000, "\U0001f9e6" * 1000, "\x00", "' OR 1=1 --", "<b>", "ß ﬀ\u202e"]


@pytest.mark.parametrize("text", ODD_QUERIES)
def test_any_query_up_to_the_limit_answers(client: TestClient, text: str) -> None:
    assert client.get("/v1/search", params={"q": text}).status_code == 200
    assert client.post("/v1/search", json={"q": text}).status_code == 200


def test_a_query_at_the_limit_of_characters_answers_whatever_its_bytes(client: TestClient) -> None:
    assert client.post("/v1/search", json={"q": "\U0001f9e6" * 10_000}).status_code == 200


# ---------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/v1/search", 422, r"query/q: Field required"),
        ("/v1/search?q=" + "a" * 10_001, 422, r"query/q: .*at most 10000 characters"),
        ("/v1/search?q=x&limit=1001", 422, r"query/limit: .*less than or equal to 1000"),
        ("/v1/search?q=x&offset=10001", 422, r"query/offset: .*less than or equal to 10000"),
        ("/v1/search?q=x&sort=color", 422, r"query/sort: .*'relevance', 'price', '-price' or 'title'"),
        ("/v1/search?q=x&ranker=best", 422, r"query/ranker: .*'fused', 'lexical', 'intents', 'tree' or 'signals'"),
        ("/v1/search?q=x&filter=brand", 422, r"query/filter/0: .*pattern"),
        ("/v1/search?q=shoe&filter=price:cheap", 422, r"price:cheap is no range"),
        ("/v1/search?q=x&limt=3", 422, r"query/limt: Extra inputs are not permitted"),
        ("/v1/explain?q=x&product_id=nope", 404, r"has no product 'nope'"),
        ("/v1/nowhere", 404, r"nothing at /v1/nowhere. /openapi.json lists the routes"),
    ],
)
def test_a_bad_request_says_what_to_do(client: TestClient, path: str, status: int, detail: str) -> None:
    response = client.get(path)
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem["status"]) == (status, status)
    assert re.search(detail, problem["detail"])
    assert problem["instance"] == response.headers["x-request-id"]


def test_a_method_that_a_route_does_not_answer_says_which_it_does(client: TestClient) -> None:
    response = client.delete("/v1/events")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert "does not answer DELETE" in response.json()["detail"]


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b'{"q": "\\ud800"}', b"null", b"7", b"[" * 100_000])
@pytest.mark.parametrize("path", ["/v1/search", "/v1/events"])
def test_a_body_that_makes_no_sense_is_a_problem(client: TestClient, path: str, body: bytes) -> None:
    response = client.post(path, content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


def test_an_empty_delivery_is_no_problem(client: TestClient) -> None:
    assert client.post("/v1/events", json=[]).json() == {"accepted": 0, "rejected": []}


def test_a_body_without_end_is_refused(client: TestClient) -> None:
    response = client.post("/v1/events", content=(b"x" * 100_000 for _ in range(50)))
    assert response.status_code == 413
    assert "larger than 4,000,000 bytes" in response.json()["detail"]


class BrokenDiscovery(FakeDiscovery):
    """A shop whose search fails."""

    def search(self, query: Query) -> Answer:
        raise ZeroDivisionError(query.text)


def test_an_unexpected_error_is_a_problem_without_its_inside(journal: Journal) -> None:
    client = TestClient(create_app(BrokenDiscovery(), journal), raise_server_exceptions=False)
    response = client.get("/v1/search?q=secret")
    assert (response.status_code, response.headers["content-type"]) == (500, "application/problem+json")
    assert "ZeroDivisionError" in response.json()["detail"]
    assert "secret" not in response.text


@pytest.mark.parametrize("wrong", [{"limit": False}, {"limit": "3"}, {"facets": 1}, {"filter": "brand:A"}, {"limt": 3}])
def test_a_body_says_numbers_as_numbers(client: TestClient, wrong: dict[str, object]) -> None:
    response = client.post("/v1/search", json={"q": "shoe", **wrong})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == f"body/{next(iter(wrong))}"


def test_a_whole_number_may_be_written_with_a_point(client: TestClient) -> None:
    headers = {"content-type": "application/json"}
    response = client.post("/v1/search", content=b'{"q": "shoe", "limit": 2.0}', headers=headers)
    assert response.json() == client.get("/v1/search?q=shoe&limit=2").json()


# ---------------------------------------------------------------- events
def test_an_event_is_kept_as_it_came(client: TestClient, journal: Journal) -> None:
    response = client.post("/v1/events", json=CLICK)
    assert (response.status_code, response.json()) == (202, {"accepted": 1, "rejected": []})
    (entry,) = journal.read()
    assert json.loads(entry.body) == CLICK


def test_a_bad_event_does_not_spoil_its_neighbors(client: TestClient, journal: Journal) -> None:
    bad = [{"action_name": "click"}, 7, {**CLICK, "timestamp": "yesterday"}, {**CLICK, "client_id": "x" * 101}]
    response = client.post("/v1/events", json=[CLICK, *bad, CLICK])
    assert response.status_code == 202
    assert response.json()["accepted"] == 2
    reasons = {rejection["index"]: rejection["reason"] for rejection in response.json()["rejected"]}
    assert list(reasons) == [1, 2, 3, 4]
    assert reasons[1] == "timestamp: Field required"
    assert reasons[2].startswith("event: Input should be a valid dictionary")
    assert reasons[3].startswith("timestamp: Input should be a valid datetime")
    assert reasons[4] == "client_id: String should have at most 100 characters"
    assert journal.last() == 2


def test_a_single_bad_event_is_a_problem(client: TestClient, journal: Journal) -> None:
    response = client.post("/v1/events", json={"action_name": "click"})
    assert (response.status_code, response.json()["detail"]) == (422, "timestamp: Field required")
    assert journal.last() == 0


def test_an_event_nested_without_end_is_rejected(client: TestClient) -> None:
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    response = client.post("/v1/events", content=json.dumps({**CLICK, "deep": deep}))
    assert response.status_code == 422
    assert "Recursion limit" in response.json()["errors"][0]["detail"]


def test_more_events_than_a_delivery_holds_are_refused(client: TestClient, journal: Journal) -> None:
    response = client.post("/v1/events", json=[CLICK] * 1001)
    assert response.status_code == 422
    assert "at most 1000 events; this one has 1001" in response.json()["detail"]
    assert journal.last() == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None)
@given(st.lists(json_values, max_size=6))
def test_sorting_a_delivery_loses_no_event(delivery: list[object]) -> None:
    good = [index for index in range(len(delivery)) if index % 2]
    mixed = [CLICK if index in good else event for index, event in enumerate(delivery)]
    kept, rejected = events.sort_events(mixed)
    assert len(kept) + len(rejected) == len(mixed)
    assert [orjson.loads(body) for body in kept] == [CLICK] * len(good)


def test_a_locked_journal_is_a_problem_that_asks_to_come_again(client: TestClient, journal: Journal) -> None:
    other = sqlite3.connect(journal.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    response = client.post("/v1/events", json=CLICK)
    other.execute("ROLLBACK")
    other.close()
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert "locked by another program" in response.json()["detail"]


def test_deliveries_at_the_same_time_are_all_kept(client: TestClient, journal: Journal) -> None:
    def deliver(name: int) -> None:
        for number in range(10):
            assert client.post("/v1/events", json=[{**CLICK, "query_id": f"{name}.{number}"}] * 2).status_code == 202

    threads = [threading.Thread(target=deliver, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = sorted(json.loads(entry.body)["query_id"] for entry in journal.read())
    assert ids == sorted([f"{name}.{number}" for name in range(4) for number in range(10)] * 2)


# ---------------------------------------------------------------- around
def test_a_plain_request_id_comes_back_and_a_strange_one_does_not(client: TestClient) -> None:
    assert client.get("/livez", headers={"x-request-id": "trace-1.a"}).headers["x-request-id"] == "trace-1.a"
    given = client.get("/livez", headers={"x-request-id": "a b\t<c>"}).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", given)


def test_long_answers_are_compressed(client: TestClient) -> None:
    assert client.get("/openapi.json").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in client.get("/livez").headers


def test_a_shop_is_ready_until_its_journal_is_gone(client: TestClient, journal: Journal) -> None:
    assert client.get("/readyz").json() == {"status": "ok"}
    journal.close()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "The journal" in response.json()["detail"]
    assert client.get("/livez").json() == {"status": "ok"}


def test_metrics_count_what_happened_in_this_application_alone(client: TestClient, tmp_path: Path) -> None:
    client.get("/v1/search?q=shoes+for+pregnant+women")
    client.get("/v1/search?q=zzz&ranker=lexical")
    client.get("/v1/search?q=x&limit=-1")
    client.get("/v1/whatever/1")
    client.post("/v1/events", json=[CLICK, {}])
    lines = client.get("/metrics").text.splitlines()
    for line in (
        'whybuy_requests_total{method="GET",route="/v1/search",status="200"} 2.0',
        'whybuy_requests_total{method="GET",route="/v1/search",status="422"} 1.0',
        'whybuy_requests_total{method="GET",route="unmatched",status="404"} 1.0',
        'whybuy_request_seconds_count{route="/v1/search"} 3.0',
        'whybuy_searches_total{ranker="fused"} 1.0',
        'whybuy_empty_searches_total{ranker="lexical"} 1.0',
        'whybuy_hits_total{stage="intents"} 2.0',
        'whybuy_events_total{outcome="accepted"} 1.0',
        'whybuy_events_total{outcome="rejected"} 1.0',
    ):
        assert line in lines
    with Journal(tmp_path / "other.sqlite") as other:
        assert "route=" not in TestClient(create_app(FakeDiscovery(), other)).get("/metrics").text


def test_every_route_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    for part in (api, events, health):
        for route in part.router.routes:
            assert isinstance(route, APIRoute)
            assert all(f"{method} {route.path}" in page for method in route.methods or ()), route.path


def test_a_filter_by_what_the_shop_does_not_know_is_not_found(small_discovery: Discovery, journal: Journal) -> None:
    client = TestClient(create_app(small_discovery, journal))
    response = client.get("/v1/search", params={"q": "lamp", "filter": "colour:sage"})
    assert response.status_code == 404
    assert response.json()["detail"] == ("The catalog has no field 'colour' to filter by. Did you mean 'color'?")
    assert client.get("/v1/search", params={"q": "lamp", "filter": "price:cheap"}).status_code == 422


def test_requests_beyond_one_more_than_the_processors_wait(journal: Journal) -> None:
    most, together = 1 + (os.cpu_count() or 1), Counter[str]()
    turn, seen = threading.Lock(), list[int]()

    class Slow(FakeDiscovery):
        def search(self, query: Query) -> Answer:
            with turn:
                together["now"] += 1
                seen.append(together["now"])
            time.sleep(0.02)
            with turn:
                together["now"] -= 1
            return super().search(query)

    with TestClient(create_app(Slow(), journal)) as client, ThreadPoolExecutor(3 * most) as pool:
        answers = list(pool.map(client.get, ["/v1/search?q=shoe"] * 6 * most))
    assert {answer.status_code for answer in answers} == {200}
    assert max(seen) == most
