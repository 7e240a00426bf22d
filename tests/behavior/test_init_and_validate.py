"""`init_store` writes what `validate_store` reads, and the report tells what a build would find."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from whybuy.behavior.init import InitReport, init_store
from whybuy.behavior.validate import ValidationReport, validate_store
from whybuy.config import STORE_FILE, read_settings
from whybuy.errors import ConfigError, InputError

FEED = """id,title,description,brand,color,locale
1,Camp Mug,Keeps warm,Fernhill,red,en
2,Лампа,,Fernhill,blue,ru
3,保温杯,,X,red,
"""
QUERY = {
    "query_id": "q",
    "client_id": "c",
    "user_query": "mug",
    "timestamp": "2024-05-01T12:00:00Z",
    "query_response_hit_ids": ["1"],
}
QUERIES = [QUERY, QUERY]
EVENTS = [
    {
        "action_name": "click",
        "query_id": "q",
        "client_id": "c",
        "timestamp": "2024-05-01T12:01:00Z",
        "event_attributes": {"object": {"object_id": product}},
    }
    for product in ("1", "1", "77")
]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "feed").mkdir()
    paths = [tmp_path / "feed" / name for name in ("products.csv", "queries.jsonl", "events.jsonl")]
    paths[0].write_text(FEED, encoding="utf-8")
    paths[1].write_text("".join(json.dumps(row) + "\n" for row in QUERIES))
    paths[2].write_text("".join(json.dumps(row) + "\n" for row in EVENTS))
    return paths


def start(store: Path, files: list[Path]) -> InitReport:
    return init_store(store, files)


def check(store: Path) -> ValidationReport:
    return validate_store(read_settings(store), store)


def test_files_are_recognized_and_written_down_with_relative_paths(tmp_path: Path, files: list[Path]) -> None:
    report = start(tmp_path / "store", files)
    assert [(file.kind, file.format) for file in report.files] == [
        ("catalog", "plain"), ("events", "ubi_queries"), ("events", "ubi_events"),
    ]  # fmt: skip
    written = report.store_file.read_text(encoding="utf-8")
    assert 'path = "../feed/products.csv"' in written
    assert 'attributes = ["color"]' in written
    assert "  title: title (0.95), e.g. Camp Mug" in report.lines()


def test_what_init_writes_is_what_validate_reads(tmp_path: Path, files: list[Path]) -> None:
    start(tmp_path / "store", files)
    report = check(tmp_path / "store")
    assert (report.products, report.described, report.queries, report.events, report.repeated) == (3, 1, 1, 2, 2)
    assert (report.unknown_events, report.unknown_products) == (1, ("77",))
    assert (report.first, report.last) == ("2024-05-01T12:00:00", "2024-05-01T12:01:00")
    assert report.scripts == {"Latin": 0.3333, "Cyrillic": 0.3333, "Han": 0.3333}
    assert report.locales == {"en": 1, "ru": 1}
    assert "events on unknown products: 1, e.g. 77" in report.lines()
    assert json.loads(json.dumps(asdict(report)))["actions"] == {"click": 2}


@pytest.mark.parametrize(
    ("columns", "action"), [("user,item_id,query,click_time", "click"), ("user,item_id,query,time", "purchase")]
)
def test_the_name_of_a_time_column_tells_what_happened(
    tmp_path: Path, files: list[Path], columns: str, action: str
) -> None:
    log = tmp_path / "log.csv"
    log.write_text(f"{columns}\nu1,1,mug,2024-05-01 12:00:00\nu2,2,pan,2024-05-01 12:05:00\n")
    written = start(tmp_path / "store", [files[0], log]).store_file.read_text(encoding="utf-8")
    assert ('action = "click"  # of all rows, since none is named' in written) is (action == "click")
    report = check(tmp_path / "store")
    assert (report.actions, report.queries) == ({action: 2}, 2)


def test_a_log_that_names_its_actions_keeps_them(tmp_path: Path, files: list[Path]) -> None:
    log = tmp_path / "log.csv"
    log.write_text("user,item_id,action,click_time\nu1,1,purchase,2024-05-01 12:00:00\n")
    written = start(tmp_path / "store", [files[0], log]).store_file.read_text(encoding="utf-8")
    assert "\naction = " not in written
    assert check(tmp_path / "store").actions == {"purchase": 1}


def test_a_person_can_correct_what_was_recognized(tmp_path: Path, files: list[Path]) -> None:
    start(tmp_path / "store", files[:1])
    path = tmp_path / "store" / STORE_FILE
    written = path.read_text(encoding="utf-8")
    path.write_text(written.replace('columns.title = "title"', 'columns.title = "brand"'), encoding="utf-8")
    assert check(tmp_path / "store").scripts == {"Latin": 1.0}


def test_rows_set_aside_are_told_with_file_and_line(tmp_path: Path, files: list[Path]) -> None:
    with files[0].open("a", encoding="utf-8") as feed:
        feed.write('4,"open\n5,Pan,,,,\n,No id,,,,\n')
    start(tmp_path / "store", files)
    lines = check(tmp_path / "store").lines()
    assert "catalog rows: 6 read, 4 kept" in lines
    assert lines[lines.index("  set aside, broken quotes: 1") + 1] == '    products.csv:5: 4,"open'
    assert lines[lines.index("  set aside, no product id: 1") + 1] == "    products.csv:7: No id"


def test_a_frequent_fault_does_not_hide_a_rare_one(tmp_path: Path, files: list[Path]) -> None:
    with files[0].open("a", encoding="utf-8") as feed:
        feed.write(",No id,,,,\n" * 30 + "9,,No title,,,\n")
    with files[2].open("a", encoding="utf-8") as log:
        log.write("".join(json.dumps(EVENTS[0] | change) + "\n" for change in [{"timestamp": "?"}] * 30))
        log.write(json.dumps(EVENTS[0] | {"event_attributes": {}}) + "\n")
    start(tmp_path / "store", files)
    lines = check(tmp_path / "store").lines()
    assert lines.count("    products.csv:35: 9") == 1
    assert [line.split(": ")[0] for line in lines if "events.jsonl" in line] == [
        *(f"    events.jsonl:{line}" for line in (4, 5, 6, 7, 8)),
        "    events.jsonl:34",
    ]


def test_columns_that_a_format_reads_by_itself_are_not_said_to_be_unused(tmp_path: Path) -> None:
    feed, log = tmp_path / "feed.csv", tmp_path / "ga4.jsonl"
    options = "".join(f"mug,Mug,Volume,{number} ml,{number},x{number}://\n" for number in range(100))
    feed.write_text("Handle,Title,Option1 Name,Option1 Value,Variant Price,Fulfillment\n" + options)
    param = {"key": "ga_session_id", "value": {"int_value": 9}}
    event = {"event_name": "view_item", "event_timestamp": "1714564800000000", "user_pseudo_id": "u", "platform": "WEB"}
    log.write_text(json.dumps(event | {"event_params": [param], "items": [{"item_id": "mug"}]}) + "\n")
    report = start(tmp_path, [feed, log])
    unused = [line for line in report.store_file.read_text(encoding="utf-8").splitlines() if "not used" in line]
    assert unused == ["# not used: Fulfillment", "# not used: platform"]
    assert [line.split(":")[0].strip() for line in report.lines() if "not used" in line] == ["Fulfillment", "platform"]
    assert any("event_params: read as ga4 has it" in line for line in report.lines())


def test_a_till_is_both_catalog_and_log_when_there_is_no_other_feed(tmp_path: Path) -> None:
    till = tmp_path / "till.csv"
    till.write_text(
        "invoice,stock_code,description,quantity,time\n"
        "1,a,Red mug,1,2024-05-01 12:00:00\n"
        "1,b,Pan,2,2024-05-01 12:00:00\n"
    )
    report = start(tmp_path, [till])
    assert report.files[0].kind == "catalog, events"
    assert check(tmp_path).events == 2


def test_a_store_file_is_never_overwritten_unasked(tmp_path: Path, files: list[Path]) -> None:
    start(tmp_path, files)
    with pytest.raises(ConfigError, match=r"store\.toml exists\. Edit it, or remove it"):
        start(tmp_path, files)
    assert init_store(tmp_path, files, overwrite=True).files


def test_names_with_quotes_and_odd_signs_survive(tmp_path: Path) -> None:
    feed = tmp_path / 'my "feed".csv'
    feed.write_text('id,title,"attribute.a ""b"" \\c"\n1,Mug,x\n')
    start(tmp_path, [feed])
    assert check(tmp_path).products == 1


def test_without_any_product_feed_the_columns_are_said(tmp_path: Path, files: list[Path]) -> None:
    with pytest.raises(InputError, match=r"None of the files is a product feed.*events\.jsonl: "):
        start(tmp_path / "store", files[2:])
    assert not (tmp_path / "store").exists()


def test_a_file_that_is_nothing_is_left_out_and_said(tmp_path: Path, files: list[Path]) -> None:
    other = tmp_path / "notes.csv"
    other.write_text("a,b\nx,y\n")
    report = start(tmp_path / "store", [*files, other])
    assert report.files[-1].kind == ""
    assert f"{other}: not recognized, left out" in report.lines()
    assert "# Not recognized: notes.csv" in report.store_file.read_text(encoding="utf-8")


def test_a_store_without_catalog_says_what_to_add(tmp_path: Path) -> None:
    (tmp_path / STORE_FILE).write_text("")
    with pytest.raises(ConfigError, match=r"names no product feed\. Add a table \[\[catalog\]\]"):
        check(tmp_path)
