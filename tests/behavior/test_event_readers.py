"""Logs of every kind become the same events and queries, whatever the order and number of their rows."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv

from whybuy.behavior.events import EventReport, read_events
from whybuy.behavior.lists import join_histories, relevance_threshold
from whybuy.behavior.log import parse_time
from whybuy.behavior.recognize import EventFormat, EventSource, recognize_events
from whybuy.errors import ConfigError, InputError
from whybuy.records import EVENT_SCHEMA, EVENTS, QUERIES, QUERY_SCHEMA, Action

Row = dict[str, Any]
NOON = datetime(2024, 5, 1, 12)


class Imported:
    """What an import wrote."""

    def __init__(self, folder: Path, report: EventReport) -> None:
        self.report = report
        events, queries = pq.read_table(folder / EVENTS.file), pq.read_table(folder / QUERIES.file)
        assert events.schema.equals(EVENT_SCHEMA)
        assert queries.schema.equals(QUERY_SCHEMA)
        self.events: list[Row] = events.to_pylist()
        self.queries: list[Row] = queries.to_pylist()

    def set_aside(self) -> dict[str, int]:
        return dict(self.report.reading.set_aside)


def load(folder: Path, *sources: EventSource) -> Imported:
    out = folder / "out"
    out.mkdir(exist_ok=True)
    return Imported(out, read_events(sources, folder, out))


def jsonl(path: Path, rows: Sequence[Row]) -> EventSource:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return EventSource(path.name)


def text(path: Path, content: str, source: EventSource | None = None) -> EventSource:
    path.write_text(content)
    return source or EventSource(path.name)


# ---------------------------------------------------------------- UBI
def ubi_event(action: str, product: str, *, at: str = "2024-05-01T12:00:00Z") -> Row:
    attributes = {"object": {"object_id": product, "object_id_field": "sku"}, "position": {"ordinal": 3}}
    return {
        "application": "shop", "action_name": action, "query_id": "q1", "session_id": "s1", "client_id": "c1",
        "timestamp": at, "event_attributes": attributes,
    }  # fmt: skip


UBI_QUERY = {
    "query_id": "q1", "client_id": "c1", "user_query": "Shoes  for <b>PREGNANT</b> women",
    "timestamp": "2024-05-01T11:59:00Z", "query_response_hit_ids": ["A1", "A2"], "query_attributes": {},
}  # fmt: skip


def test_ubi_1_3_queries_and_events(tmp_path: Path) -> None:
    queries = jsonl(tmp_path / "queries.jsonl", [UBI_QUERY, UBI_QUERY])
    events = jsonl(
        tmp_path / "events.jsonl",
        [ubi_event("click", "A1"), ubi_event("purchase", "A1", at="2024-05-01T12:05:00+02:00")],
    )
    found = load(tmp_path, queries, events)
    assert [plan.format for plan in found.report.plans] == [EventFormat.UBI_QUERIES, EventFormat.UBI_EVENTS]
    assert found.queries == [
        {
            "timestamp": datetime(2024, 5, 1, 11, 59), "query_id": "q1", "query": "shoes for pregnant women",
            "client_id": "c1", "session_id": "", "hits": ["A1", "A2"],
        }
    ]  # fmt: skip
    assert [(event["timestamp"], event["action"], event["position"]) for event in found.events] == [
        (datetime(2024, 5, 1, 10, 5), "purchase", 3),
        (NOON, "click", 3),
    ]
    assert {event["query"] for event in found.events} == {"shoes for pregnant women"}
    assert found.report.repeated == 1


def test_older_ubi_versions(tmp_path: Path) -> None:
    old_event = {
        "action_name": "click_through", "query_id": "q1", "client_id": "c1", "timestamp": 1714564800000,
        "event_attributes": {"object": {"internal_id": 17}, "position": {"ordinal": {"index": 2}}},
    }  # fmt: skip
    old_query = {
        "query_id": "q1",
        "client_id": "c1",
        "user_query": "lamp",
        "timestamp": "1714564700",
        "query_response_objects_ids": ["17"],
    }
    found = load(tmp_path, jsonl(tmp_path / "q.jsonl", [old_query] * 2), jsonl(tmp_path / "e.jsonl", [old_event] * 2))
    (event,) = found.events
    assert (event["action"], event["product_id"], event["position"], event["timestamp"]) == ("click", "17", 2, NOON)
    assert found.queries[0]["hits"] == ["17"]
    assert found.queries[0]["timestamp"] == datetime(2024, 5, 1, 11, 58, 20)


def test_ubi_as_nested_parquet_is_read_like_json(tmp_path: Path) -> None:
    rows = [ubi_event("click", f"A{number}", at=f"2024-05-01T12:00:0{number}Z") for number in range(5)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "events.parquet")
    by_json = load(tmp_path, jsonl(tmp_path / "events.jsonl", rows)).events
    assert load(tmp_path, EventSource("events.parquet")).events == by_json


def test_an_opensearch_dump_is_read(tmp_path: Path) -> None:
    rows = [{"_index": "ubi_events", "_id": "x", "_source": ubi_event("click", "A1")}] * 2
    assert load(tmp_path, jsonl(tmp_path / "dump.jsonl", rows)).events[0]["product_id"] == "A1"


def test_searches_among_the_events_become_queries_and_other_actions_are_set_aside(tmp_path: Path) -> None:
    rows = [
        {"action_name": "on_search", "client_id": "c1", "timestamp": "2024-05-01T12:00:00Z", "message": "Red  LAMP"},
        ubi_event("hover", "A1"),
        ubi_event("watch", "A1"),
        ubi_event("click", ""),
    ]
    found = load(tmp_path, jsonl(tmp_path / "events.jsonl", rows))
    assert [query["query"] for query in found.queries] == ["red lamp"]
    assert found.queries[0]["query_id"]
    assert [event["action"] for event in found.events] == ["click"]
    assert found.set_aside() == {"action 'hover'": 1, "no product_id": 1}


def test_actions_can_be_mapped_in_the_settings(tmp_path: Path) -> None:
    rows = [ubi_event("zoom", "A1"), ubi_event("click", "A2"), ubi_event("click", "A3")]
    source = jsonl(tmp_path / "events.jsonl", rows)
    found = load(tmp_path, EventSource(source.path, actions={"zoom": "click", "click": "ignore"}))
    assert [event["product_id"] for event in found.events] == ["A1"]
    with pytest.raises(ConfigError, match=r"map 'zoom' to 'buy'\. Allowed: impression, click, add_to_cart, purchase"):
        load(tmp_path, EventSource(source.path, actions={"zoom": "buy"}))


def test_many_unknown_actions_are_read_in_one_pass_and_told_in_few_reasons(tmp_path: Path) -> None:
    known = "2024-05-01,click,A1,c1\n" * 30_001
    unknown = "".join(f"2024-05-01,word {number},A1,c1\n" for number in range(30_000))
    found = load(tmp_path, text(tmp_path / "log.csv", "timestamp,action,product_id,client_id\n" + known + unknown))
    set_aside = found.set_aside()
    assert len(set_aside) == 21
    assert (set_aside["action 'word 0'"], set_aside["other unknown actions"]) == (1, 29_980)
    assert len(found.events) == 1


def test_few_unknown_actions_may_be_most_of_a_log(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "e.jsonl", [ubi_event("click", "A1"), *[ubi_event("hover", "A1")] * 50])
    assert load(tmp_path, source).set_aside() == {"action 'hover'": 50}


@pytest.mark.parametrize(("words", "known"), [(["web", "app"], 0), ([f"page {number}" for number in range(30)], 9)])
def test_a_column_that_holds_no_actions_is_named(tmp_path: Path, words: list[str], known: int) -> None:
    rows = "".join(f"2024-05-01,{word},A1\n" for word in [*words, *["click"] * known])
    source = text(tmp_path / "log.csv", "timestamp,was,product_id\n" + rows)
    wrong = EventSource(source.path, format=EventFormat.EVENTS, columns={"action": "was"})
    count = f"{len(words)} of {len(words) + known} rows have no known action in the column 'was', e.g. '{words[0]}'"
    with pytest.raises(InputError, match=rf"log\.csv: {count}.*columns\.action = .*or \"ignore\""):
        load(tmp_path, wrong)
    mapped = EventSource(wrong.path, wrong.format, wrong.columns, actions=dict.fromkeys(words, "ignore"))
    assert not load(tmp_path, mapped).set_aside()


# ---------------------------------------------------------------- GA4
def ga4_event(name: str, *items: Row, term: str = "", second: int = 0) -> Row:
    params = [{"key": "ga_session_id", "value": {"string_value": None, "int_value": "99"}}]
    if term:
        params.append({"key": "search_term", "value": {"string_value": term, "int_value": None}})
    stamp = str(1714564800000000 + second * 1_000_000)
    return {
        "event_name": name,
        "event_timestamp": stamp,
        "user_pseudo_id": "u.1",
        "event_params": params,
        "items": list(items),
    }


GA4 = [
    ga4_event("session_start"),
    ga4_event("view_search_results", {"item_id": "A1"}, {"item_id": "A2"}, term="Camp Mug"),
    ga4_event("view_item", {"item_id": "A2", "item_list_index": 2}, second=5),
    ga4_event("purchase", {"item_id": "A2"}, {"item_id": "(not set)"}, {"item_id": "B9"}, second=60),
]


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_ga4_export(tmp_path: Path, container: str) -> None:
    if container == "parquet":
        pq.write_table(pa.Table.from_pylist(GA4), tmp_path / "ga4.parquet")
        found = load(tmp_path, EventSource("ga4.parquet"))
    else:
        found = load(tmp_path, jsonl(tmp_path / "ga4.jsonl", GA4))
    assert [(query["query"], query["hits"], query["session_id"]) for query in found.queries] == [
        ("camp mug", ["A1", "A2"], "u.1:99")
    ]
    assert [(event["action"], event["product_id"], event["position"]) for event in found.events] == [
        ("click", "A2", 2),
        ("purchase", "A2", None),
        ("purchase", "B9", None),
    ]
    assert found.set_aside() == {"action 'session_start'": 1}


def test_ga4_whose_records_are_json_in_a_table_is_read_alike(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(
        [row | {name: json.dumps(row[name]) for name in ("event_params", "items")} for row in GA4]
    )
    csv.write_csv(table, tmp_path / "ga4.csv")
    from_lines = load(tmp_path, jsonl(tmp_path / "ga4.jsonl", GA4))
    from_table = load(tmp_path, EventSource("ga4.csv"))
    assert (from_table.events, from_table.queries) == (from_lines.events, from_lines.queries)
    assert from_table.set_aside() == from_lines.set_aside()


def test_ga4_rows_without_records_are_set_aside(tmp_path: Path) -> None:
    sound = ga4_event("purchase", {"item_id": "A1", "item_list_index": "9" * 30}, {"item_id": "A2", "index": "\u00b2"})
    odd: list[Any] = [["A1", 7], "A1", '[{"item_id": "A1"', [None], {"item_id": "A1"}]
    rows = [sound, *(ga4_event("view_item") | {"items": items, "event_params": ["x", 5]} for items in odd)]
    found = load(tmp_path, jsonl(tmp_path / "ga4.jsonl", rows))
    assert [(event["product_id"], event["position"]) for event in found.events] == [("A1", None), ("A2", None)]
    assert found.set_aside() == {"no item_id": len(odd)}


def test_many_unknown_ga4_events_are_told_in_few_reasons(tmp_path: Path) -> None:
    rows = [ga4_event("view_item", {"item_id": "A1"}), *(ga4_event(f"own_{number}") for number in range(40))]
    set_aside = load(tmp_path, jsonl(tmp_path / "ga4.jsonl", rows)).set_aside()
    assert (len(set_aside), set_aside["other unknown actions"]) == (21, 20)


# ---------------------------------------------------------------- tables and lists
def test_a_plain_table_with_a_column_map(tmp_path: Path) -> None:
    content = "wann,was,artikel,kunde\n01.05.2024 12:00,kauf,A1,k1\ngestern,kauf,A1,k1\n"
    columns = {"timestamp": "wann", "action": "was", "product_id": "artikel", "client_id": "kunde"}
    source = text(
        tmp_path / "log.csv",
        content,
        EventSource(
            "log.csv",
            format=EventFormat.EVENTS,
            columns=columns,
            actions={"kauf": "purchase"},
            time_format="%d.%m.%Y %H:%M",
        ),
    )
    found = load(tmp_path, source)
    assert [(event["timestamp"], event["product_id"], event["client_id"]) for event in found.events] == [
        (NOON, "A1", "k1")
    ]
    assert [(one.line, one.reason) for one in found.report.reading.examples] == [(3, "time not understood")]


def test_rows_without_an_action_get_the_one_of_the_source(tmp_path: Path) -> None:
    content = "user_id,item_id,timestamp\nu1,7,2024-05-01 12:00:00 UTC\n"
    assert load(tmp_path, text(tmp_path / "a.csv", content)).events[0]["action"] == "purchase"
    clicks = EventSource("a.csv", action=Action.CLICK)
    assert load(tmp_path, clicks).events[0]["action"] == "click"


def test_baskets_without_time_count_up_from_1970(tmp_path: Path) -> None:
    found = load(tmp_path, text(tmp_path / "orders.csv", "order_id,product_id,position\n1,a,2\n1,b,1\n2,a,1\n"))
    assert [(event["session_id"], event["product_id"], event["timestamp"].second) for event in found.events] == [
        ("orders/1", "b", 1),
        ("orders/1", "a", 2),
        ("orders/2", "a", 1),
    ]
    assert {event["timestamp"].year for event in found.events} == {1970}


def test_baskets_with_time_customer_and_returns(tmp_path: Path) -> None:
    content = (
        "invoice,stock_code,quantity,time,customer_id\n"
        "5,a,6,2024-05-01 12:00:00,\nC6,a,-6,2024-05-01 13:00:00,9\n"
        "7,b,1,2024-05-01 12:00:00,9\n8,b,1,later,9\n9,,1,2024-05-01,9\n"
    )
    found = load(tmp_path, text(tmp_path / "till.csv", content))
    assert [(event["client_id"], event["product_id"]) for event in found.events] == [("9", "b"), ("till/5", "a")]
    assert found.set_aside() == {"returned or canceled": 1, "no product_id": 1, "time not understood": 1}


@pytest.mark.parametrize("items", ['"1 2 1"', '"1,2,1"', '"[1, 2, 1]"', "1;2;1"])
def test_session_lists_keep_their_order(tmp_path: Path, items: str) -> None:
    found = load(tmp_path, text(tmp_path / "s.csv", f"session,day\n{items},x\n{items},x\n"))
    sessions = {event["client_id"] for event in found.events}
    assert len(sessions) == 2
    first = [event["product_id"] for event in found.events if event["client_id"] == min(sessions)]
    assert first == ["1", "2", "1"]


def test_a_history_that_grows_row_by_row_counts_each_action_once(tmp_path: Path) -> None:
    rows = [
        {"user_id": "u", "history": [1], "target": 2},
        {"user_id": "u", "history": [1, 2], "target": 2},
        {"user_id": "u", "history": [1, 2, 2], "target": 3},
        {"user_id": "v", "history": [5], "target": 6},
    ]
    found = load(tmp_path, jsonl(tmp_path / "sequences.jsonl", rows))
    assert [event["product_id"] for event in found.events if event["client_id"] == "u"] == ["1", "2", "2", "3"]
    assert len(found.events) == 6


@given(st.lists(st.integers(0, 30).map(str), min_size=2, max_size=20, unique=True), st.randoms())
def test_sliding_windows_of_a_history_are_put_together_again(items: list[str], random: Random) -> None:
    rows = [tuple(items[max(0, end - 6) : end]) for end in range(2, len(items) + 1)]
    random.shuffle(rows)
    assert join_histories(rows) == tuple(items)


def test_judged_pairs_at_two_thirds_of_the_scale_are_purchases(tmp_path: Path) -> None:
    content = (
        "query,product_id,relevance\nAngle Bracket,1,3\nangle bracket,2,2.33\nangle bracket,3,2.32\nl,4,1\nl,5,?\n"
    )
    found = load(tmp_path, text(tmp_path / "judgments.csv", content))
    assert sorted((event["query"], event["product_id"], event["action"]) for event in found.events) == [
        ("angle bracket", "1", "purchase"),
        ("angle bracket", "2", "purchase"),
    ]
    assert len({event["client_id"] for event in found.events}) == 2
    assert sorted(query["query_id"] for query in found.queries) == sorted(event["query_id"] for event in found.events)
    assert found.set_aside() == {"grade not understood": 1}
    stricter = EventSource("judgments.csv", relevant_from=3.0)
    assert [event["product_id"] for event in load(tmp_path, stricter).events] == ["1"]


def test_esci_labels_count_exact_matches_only(tmp_path: Path) -> None:
    content = "query,product_id,esci_label\n" + "".join(f"q,{label},{label}\n" for label in "ESCI")
    assert [event["product_id"] for event in load(tmp_path, text(tmp_path / "esci.csv", content)).events] == ["E"]


def test_the_threshold_is_cut_to_the_decimals_that_grades_have() -> None:
    assert relevance_threshold(pa.chunked_array([[1.0, 3.0]])) == 2.33
    assert relevance_threshold(pa.chunked_array([[0.0, 3.0]])) == 2.0
    assert relevance_threshold(pa.chunked_array([[2.0, 2.0]])) == 2.0
    assert relevance_threshold(pa.chunked_array([[0.0, 3.0]]), 1.5) == 1.5


# ---------------------------------------------------------------- searches that only actions tell of
CLICKS = "timestamp,action,query,product_id,client_id,query_id\n"


def searches(found: Imported) -> list[tuple[str, str, int]]:
    """Shopper, query and minute of each search."""
    return [(row["client_id"], row["query"], row["timestamp"].minute) for row in found.queries]


def test_clicks_that_name_their_query_tell_of_one_search_until_a_pause(tmp_path: Path) -> None:
    rows = [(0, "lamp", "c1"), (20, "lamp", "c1"), (50, "lamp", "c1"), (52, "rug", "c1"), (50, "lamp", "c2")]
    later = [("13:20", "lamp", "c1"), ("13:51", "lamp", "c1")]
    times = [(f"12:{minute:02}", query, client) for minute, query, client in rows] + later
    lines = [
        f"2024-05-01T{time},click,{query},A{place},{client},\n" for place, (time, query, client) in enumerate(times)
    ]
    found = load(tmp_path, text(tmp_path / "log.csv", CLICKS + "".join(reversed(lines))))
    assert searches(found) == [
        ("c1", "lamp", 0), ("c1", "rug", 52), ("c1", "lamp", 51), ("c2", "lamp", 50),
    ]  # fmt: skip
    assert found.report.queries == found.report.implied == len(found.queries)
    assert found.report.events == len(lines)
    assert len({row["query_id"] for row in found.queries}) == len(found.queries)
    assert all(row["query_id"] and row["hits"] == [] for row in found.queries)


def test_no_search_is_implied_where_it_was_logged(tmp_path: Path) -> None:
    rows = [
        "2024-05-01T12:00,search,lamp,,c1,\n",
        "2024-05-01T12:01,click,lamp,A1,c1,\n",  # after the search
        "2024-05-01T12:20,click,lamp,A2,c1,\n",  # after the click
        "2024-05-01T12:20,click,lamp,A2,c2,\n",  # of another shopper
        "2024-05-01T12:21,click,,A2,c2,\n",  # of no known query
    ]
    found = load(tmp_path, text(tmp_path / "log.csv", CLICKS + "".join(rows)))
    assert searches(found) == [("c1", "lamp", 0), ("c2", "lamp", 20)]
    assert found.report.implied == 1


def test_a_search_is_found_again_by_its_id_whenever_the_action_came(tmp_path: Path) -> None:
    rows = [
        "2024-05-01T12:00,search,lamp,,c1,q1\n",
        "2024-05-01T18:00,purchase,,A1,c1,q1\n",  # hours later
        "2024-05-01T12:30,click,rug,A2,c1,q2\n",  # its search was not logged
        "2024-05-01T12:31,click,rug,A3,c1,q2\n",
        "2024-05-01T18:00,purchase,rug,A3,c1,q2\n",
    ]
    found = load(tmp_path, text(tmp_path / "log.csv", CLICKS + "".join(rows)))
    assert [(row["query_id"], row["query"]) for row in found.queries] == [("q1", "lamp"), ("q2", "rug")]
    assert {row["query"] for row in found.events if row["product_id"] == "A1"} == {"lamp"}


def test_an_import_with_implied_searches_is_the_same_twice(tmp_path: Path) -> None:
    source = text(tmp_path / "log.csv", CLICKS + "2024-05-01T12:00,click,lamp,A1,c1,\n" * 2)
    found = load(tmp_path, source)
    first = (tmp_path / "out" / QUERIES.file).read_bytes()
    assert (found.report.implied, found.report.repeated) == (1, 1)
    load(tmp_path, source)
    assert (tmp_path / "out" / QUERIES.file).read_bytes() == first


def test_ga4_items_that_name_their_search_term_tell_of_the_search(tmp_path: Path) -> None:
    rows = [
        ga4_event("view_item", {"item_id": "A1"}, term="Camp Mug", second=5),
        ga4_event("purchase", {"item_id": "A1"}, term="Camp Mug", second=60),
    ]
    found = load(tmp_path, jsonl(tmp_path / "ga4.jsonl", rows))
    assert [(row["query"], row["client_id"], row["session_id"]) for row in found.queries] == [
        ("camp mug", "u.1", "u.1:99")
    ]
    assert {row["query"] for row in found.events} == {"camp mug"}
    whole = load(tmp_path, jsonl(tmp_path / "ga4.jsonl", [*GA4, *rows]))
    assert (len(whole.queries), whole.report.implied) == (1, 0)


# ---------------------------------------------------------------- order, copies, bad input
LOG = "timestamp,action,product_id,client_id,query_id\n"
LOG_ROWS = [f"2024-05-01T12:00:{number % 7:02},click,P{number % 5},c{number % 3},q{number}\n" for number in range(30)]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(LOG_ROWS), st.integers(0, 30))
def test_order_copies_and_late_files_change_nothing(tmp_path: Path, rows: list[str], cut: int) -> None:
    whole = load(tmp_path, text(tmp_path / "log.csv", LOG + "".join(LOG_ROWS))).events
    (tmp_path / "first.csv").write_text(LOG + "".join(rows[: max(1, cut)]))
    (tmp_path / "late.csv").write_text(LOG + "".join(rows[cut // 2 :]))
    again = load(tmp_path, EventSource("late.csv"), EventSource("first.csv"))
    assert again.events == whole
    assert whole == sorted(whole, key=lambda event: (event["client_id"], event["timestamp"]))


def test_a_second_import_writes_the_same_bytes(tmp_path: Path) -> None:
    source = text(tmp_path / "log.csv", LOG + "".join(LOG_ROWS))
    load(tmp_path, source)
    first = (tmp_path / "out" / EVENTS.file).read_bytes()
    load(tmp_path, source)
    assert (tmp_path / "out" / EVENTS.file).read_bytes() == first
    assert {path.name for path in (tmp_path / "out").iterdir()} == {EVENTS.file, QUERIES.file}


def test_a_log_that_fails_leaves_the_old_import_alone(tmp_path: Path) -> None:
    source = text(tmp_path / "log.csv", LOG + "".join(LOG_ROWS))
    load(tmp_path, source)
    before = (tmp_path / "out" / EVENTS.file).read_bytes()
    (tmp_path / "broken.jsonl.gz").write_bytes(b"\x1f\x8b broken")
    with pytest.raises(InputError, match=r"broken\.jsonl\.gz is truncated or damaged"):
        load(tmp_path, source, EventSource("broken.jsonl.gz"))
    assert (tmp_path / "out" / EVENTS.file).read_bytes() == before


def test_a_file_that_is_no_log_says_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no event log that whybuy knows\. Its columns: a, b\. Say in store\.toml"):
        load(tmp_path, text(tmp_path / "x.csv", "a,b\nc,d\n"))
    with pytest.raises(InputError, match=r"read as baskets, but has no column that looks like the order_id"):
        load(tmp_path, text(tmp_path / "x.csv", "product_id,b\nc,d\n", EventSource("x.csv", EventFormat.BASKETS)))
    text(tmp_path / "x.csv", "product_id,time\nc,d\n")
    with pytest.raises(ConfigError, match=r"no column 'tme' for timestamp\. Did you mean 'time'"):
        load(tmp_path, EventSource("x.csv", columns={"timestamp": "tme"}))
    with pytest.raises(ConfigError, match=r"name the role 'client'\. Did you mean 'client_id'"):
        load(tmp_path, EventSource("x.csv", columns={"client": "time"}))


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024-05-01T12:00:00Z", NOON),
        ("2024-05-01T14:00:00+02:00", NOON),
        ("2024-05-01 12:00:00 UTC", NOON),
        ("1714564800", NOON),
        ("1714564800000", NOON),
        ("1714564800000000", NOON),
        ("20240501", datetime(2024, 5, 1)),
        ("soon", None),
        ("", None),
    ],
)
def test_times(written: str, moment: datetime | None) -> None:
    assert parse_time(written) == moment


@given(st.datetimes(datetime(2002, 1, 1), datetime(2100, 1, 1)))
def test_seconds_since_1970_are_read_back(moment: datetime) -> None:
    second = moment.replace(microsecond=0)
    assert parse_time(str(int(second.replace(tzinfo=UTC).timestamp()))) == second


def test_formats_are_told_apart(tmp_path: Path) -> None:
    samples = {
        "query,product_id,relevance\nq,1,2\n": EventFormat.JUDGMENTS,
        "order_id,product_id\n1,2\n": EventFormat.BASKETS,
        "user_id,history,target\nu,1 2,3\n": EventFormat.SESSIONS,
        "event_type,product_id,event_time,user_session\nview,1,2024-05-01,s\n": EventFormat.EVENTS,
        "id,title\n1,Lamp\n": EventFormat.AUTO,
    }
    for content, expected in samples.items():
        (tmp_path / "x.csv").write_text(content)
        assert recognize_events(tmp_path / "x.csv").format is expected
