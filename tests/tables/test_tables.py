"""Rows of files: every container gives the same table, bad rows are told, bad files say what to do."""

import csv
import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whybuy.errors import InputError
from whybuy.tables import LONGEST_FIELD, Container, ReadReport, Rows, container, peek, read_rows
from whybuy.tables import delimited as delimited_module
from whybuy.tables import objects as objects_module

Table = list[dict[str, str]]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, report: ReadReport | None = None) -> Table:
    return [row for rows in read_rows(path, report or ReadReport()) for row in rows.batch.to_pylist()]


def lines(path: Path) -> list[int]:
    return [line for rows in read_rows(path, ReadReport()) for line in rows.lines.to_pylist()]


def as_csv(table: Table, delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def as_jsonl(table: Table) -> str:
    return "".join(json.dumps(row) + "\n" for row in table)


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t\"',;|"), max_size=12)
tables = st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12).map(
    lambda rows: [dict(zip(("id", "title", "note"), row, strict=True)) for row in rows]
)
relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@relaxed
@given(tables)
def test_every_container_gives_the_same_table(tmp_path: Path, table: Table) -> None:
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "t.parquet")
    paths = [
        write(tmp_path / "t.csv", as_csv(table)),
        write(tmp_path / "t.csv.gz", gzip.compress(as_csv(table).encode())),
        write(tmp_path / "t.json", json.dumps(table)),
        tmp_path / "t.parquet",
    ]
    for path in paths:
        assert read(path) == table, path.name


@relaxed
@given(tables)
def test_json_lines_give_the_same_table(tmp_path: Path, table: Table) -> None:
    assert read(write(tmp_path / "t.jsonl", as_jsonl(table * 2))) == table * 2


@relaxed
@given(tables)
def test_fast_and_tolerant_readers_of_csv_agree(tmp_path: Path, table: Table) -> None:
    path = write(tmp_path / "t.csv", as_csv(table))
    fast, fast_lines = read(path), lines(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited_module, "_fast_delimited", lambda *_: None)
        assert (read(path), lines(path)) == (fast, fast_lines)


values = st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), cells, st.lists(cells, max_size=3))
objects = st.fixed_dictionaries(
    {"id": cells}, optional={"a": values, "b": st.fixed_dictionaries({}, optional={"c": values})}
)


@relaxed
@given(st.lists(objects, min_size=2, max_size=8))
def test_fast_and_tolerant_readers_of_json_agree(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    path = write(tmp_path / "t.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    fast = {frozenset((name, str(value)) for name, value in row.items()) for row in read(path)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects_module, "_fast_json", lambda _text, schema, _line: (None, schema))
        assert {frozenset((name, str(value)) for name, value in row.items()) for row in read(path)} == fast


def test_texts_that_look_like_times_and_numbers_stay_as_written(tmp_path: Path) -> None:
    rows = [{"id": f"00{number}", "at": "2024-01-01T00:00:00Z", "price": 12.5, "count": 3} for number in range(3)]
    path = write(tmp_path / "t.jsonl", as_jsonl(rows))  # type: ignore[arg-type]
    assert read(path)[1] == {"id": "001", "at": "2024-01-01T00:00:00Z", "price": "12.5", "count": "3"}


def test_whole_numbers_have_no_point_even_where_parquet_holds_decimals(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": pa.array([12.0, None, 7.5])}), tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet") == [{"id": "12"}, {"id": ""}, {"id": "7.5"}]


def test_nested_columns_become_dotted_ones_and_lists_stay_lists(tmp_path: Path) -> None:
    row = {"a": {"b": {"c": 1}}, "tags": ["x", "y"], "things": [{"k": 1}]}
    path = write(tmp_path / "t.jsonl", as_jsonl([row, row]))  # type: ignore[list-item]
    assert read(path)[0] == {"a.b.c": "1", "tags": ["x", "y"], "things": ['{"k":1}']}


def test_columns_can_be_asked_for_as_text_or_as_lists(tmp_path: Path) -> None:
    rows = peek(write(tmp_path / "t.jsonl", '{"a": ["x", "y"], "b": "z"}\n{"b": ""}\n'))
    assert rows.text("a").to_pylist() == ["x, y", ""]
    assert rows.texts("b").to_pylist() == [["z"], []]
    assert rows.text("missing").to_pylist() == ["", ""]
    assert rows.texts("missing").to_pylist() == [[], []]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_told_from_the_content(tmp_path: Path, delimiter: str) -> None:
    table = [{"id": str(number), "title": "a, b; c|d", "brand": "x"} for number in range(5)]
    assert read(write(tmp_path / "t.txt", as_csv(table, delimiter))) == table


def test_bytes_that_are_no_utf8_are_read_as_windows_text_and_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "id,title\n1,Café “noir”\n".encode("cp1252") + "2,Déjà\n".encode())
    report = ReadReport()
    assert [row["title"] for row in read(path, report)] == ["Café “noir”", "Déjà"]
    assert report.foreign_encoding == {"t.csv"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_dropped(tmp_path: Path, encoding: str) -> None:
    assert read(write(tmp_path / "t.csv", "id,title\n1,é\n".encode(encoding))) == [{"id": "1", "title": "é"}]


def test_rows_with_too_few_or_too_many_fields_are_set_aside_with_their_line(tmp_path: Path) -> None:
    report = ReadReport()
    path = write(tmp_path / "t.csv", "id,title\n1,a\n2\n3,c,d\n4,e\n")
    assert [row["id"] for row in read(path, report)] == ["1", "4"]
    assert [(one.line, one.reason) for one in report.examples] == [
        (3, "1 fields where the header has 2"),
        (4, "3 fields where the header has 2"),
    ]
    assert (report.rows_read, report.rows_kept) == (4, 2)


def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    report = ReadReport()
    body = "".join(f'{number},"title {number}",x\n' for number in range(100))
    path = write(tmp_path / "t.csv", 'id,title,brand\n900,"open,x\n' + body + '901,"open again,x\n902,b,"c"\n')
    found = [row["id"] for row in read(path, report)]
    assert found == [*map(str, range(100)), "902"]
    assert [(one.line, one.reason) for one in report.examples] == [(2, "broken quotes"), (103, "broken quotes")]


def test_line_numbers_count_line_breaks_inside_fields(tmp_path: Path) -> None:
    assert lines(write(tmp_path / "t.csv", 'id,title\n1,"a\nb"\n\n2,c\n')) == [2, 5]


def test_json_lines_that_are_broken_are_set_aside(tmp_path: Path) -> None:
    report = ReadReport()
    path = write(tmp_path / "t.jsonl", '{"id": 1}\n{"id": 2\n[3]\n{"id": "4"}\n')
    assert [row["id"] for row in read(path, report)] == ["1", "4"]
    assert [(one.line, one.reason) for one in report.examples] == [(2, "no JSON object"), (3, "no JSON object")]


def test_many_bad_rows_are_counted_and_the_first_ones_kept(tmp_path: Path) -> None:
    report = ReadReport()
    read(write(tmp_path / "t.csv", "id,title\n1,a\n" + "x\n" * 50), report)
    assert (report.set_aside.total(), len(report.examples)) == (50, 5)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_field_of_ten_megabytes_is_cut_and_counted(tmp_path: Path, kind: str) -> None:
    table = [{"id": "1", "text": "long text\n" * 1_000_000}, {"id": "2", "text": "short"}]
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(table), path)
    else:
        write(path, as_csv(table) if kind == "csv" else as_jsonl(table))
    report = ReadReport()
    found = read(path, report)
    assert [len(row["text"]) for row in found] == [LONGEST_FIELD, 5]
    assert report.cut_fields == 1


def test_documents_give_the_one_list_of_objects_in_them(tmp_path: Path) -> None:
    document = {"@context": "https://schema.org", "@graph": [{"sku": "1"}, {"sku": "2"}]}
    path = write(tmp_path / "t.json", json.dumps(document, indent=1))
    assert container(path) is Container.JSON
    assert [row["sku"] for row in read(path)] == ["1", "2"]


def test_names_of_columns_are_made_unique(tmp_path: Path) -> None:
    assert read(write(tmp_path / "t.csv", "id,,a,a\n1,2,3,4\n")) == [{"id": "1", "column_2": "2", "a": "3", "a_2": "4"}]


def test_zstandard_is_read(tmp_path: Path) -> None:
    with pa.output_stream(tmp_path / "t.csv.zst", compression="zstd") as stream:
        stream.write(b"id,title\n1,a\n")
    assert read(tmp_path / "t.csv.zst") == [{"id": "1", "title": "a"}]


BAD_FILES = {
    "empty": (b"", "is empty"),
    "blank": (b"\n\n  \n", "is empty"),
    "binary": (b"\x7fELF\x00\x00\x01", "is binary"),
    "office": (b"PK\x03\x04rest of a workbook", "office workbook"),
    "truncated gzip": (gzip.compress(b"id,title\n" + bytes(range(48, 58)) * 200_000)[:-200], "truncated or damaged"),
    "no gzip": (b"\x1f\x8bnonsense", "truncated or damaged"),
    "truncated UTF-16": ("id,title\n1,Lamp\n".encode("utf-16")[:-1], r"UTF-16, but is truncated .* export it as UTF-8"),
    "damaged UTF-16": (b"\xff\xfe\x00\xdc,\x00", "UTF-16, but is truncated or damaged at byte 2 of 6"),
    "no header": (b"1,Lamp\n2,Chair\n", "no header"),
    "broken array": (b'[{"id": 1}, {"id": ', "begins like JSON but is none"),
    "broken parquet": (b"PAR1 and nothing else", "damaged Parquet"),
    "only bad rows": (b"id,title\nx\ny\n", "no row that can be read"),
}


def peek_and_read(path: Path) -> None:
    peek(path)
    read(path)


@pytest.mark.parametrize("name", BAD_FILES)
def test_files_that_cannot_be_understood_say_what_to_do(tmp_path: Path, name: str) -> None:
    content, message = BAD_FILES[name]
    path = write(tmp_path / "feed.csv", content)
    with pytest.raises(InputError, match=message) as error:
        peek_and_read(path)
    assert "feed.csv" in str(error.value)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.csv cannot be read: No such file"):
        read(tmp_path / "nothing.csv")


def test_a_truncated_zstandard_file_is_an_error(tmp_path: Path) -> None:
    with pa.output_stream(tmp_path / "full.zst", compression="zstd") as stream:
        stream.write(b"id,title\n" + b"".join(b"%d,%d\n" % (number, number**5) for number in range(200_000)))
    path = write(tmp_path / "feed.zst", (tmp_path / "full.zst").read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"feed\.zst is truncated or damaged"):
        read(path)


def test_batches_can_be_filtered(tmp_path: Path) -> None:
    rows: Rows = peek(write(tmp_path / "t.csv", "id\n1x\n2x\n"))
    kept = rows.keep(pa.array([False, True]))
    assert (kept.text("id").to_pylist(), kept.lines.to_pylist()) == (["2x"], [3])
