"""Judgment files of each kind."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whybuy.errors import InputError
from whybuy.qrels import Qrels, Scale, read_qrels

CSV = "query,product_id,relevance\nred shoe,007,3\nred shoe,8,1\nhat,8,2\n"
GRADES = {"red shoe": {"007": 3.0, "8": 1.0}, "hat": {"8": 2.0}}


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("j.csv", CSV),
        ("j.csv", CSV.replace("relevance", "rating")),
        ("j.csv", "\ufeff" + CSV),
        ("j.csv", '"query","product_id","grade"\n"red shoe","007",3\n"red shoe","8",1\n"hat","8",2\n'),
        ("j.tsv", CSV.replace(",", "\t")),
        (
            "j.jsonl",
            '{"query": "red shoe", "product_id": "007", "grade": 3}\n'
            '{"query": "red shoe", "product_id": "8", "grade": 1}\n{"query": "hat", "product_id": "8", "grade": 2}\n',
        ),
        ("j.qrels", "red shoe 0 007 3\nred shoe 0 8 1\n\nhat 0 8 2\n"),
        ("qrels", "red shoe\t0\t007\t3\nred shoe\t0\t8\t1\nhat\t0\t8\t2\n"),
    ],
)
def test_every_format_gives_the_same_judgments(tmp_path: Path, name: str, text: str) -> None:
    qrels = read_qrels(written(tmp_path, name, text))
    assert qrels.grades == GRADES
    assert qrels.scale == Scale(1, 3)


def test_numeric_ids_compare_as_text(tmp_path: Path) -> None:
    table = pa.table({"query": ["hat", "hat"], "product_id": [12, 13], "relevance": [1.0, 2.0]})
    pq.write_table(table, tmp_path / "j.parquet")
    assert read_qrels(tmp_path / "j.parquet").grades == {"hat": {"12": 1.0, "13": 2.0}}


def test_esci_labels_become_gains(tmp_path: Path) -> None:
    text = "query,product_id,product_locale,esci_label\n" + "".join(f"hat,{label},us,{label}\n" for label in "ESCI")
    qrels = read_qrels(written(tmp_path, "j.csv", text))
    assert qrels.grades == {"hat": {"E": 1.0, "S": 0.1, "C": 0.01, "I": 0.0}}


def test_esci_queries_of_several_locales_stay_apart(tmp_path: Path) -> None:
    text = "query,product_id,product_locale,esci_label\nhat,B1,us,E\nhat,B1,es,I\n"
    qrels = read_qrels(written(tmp_path, "j.csv", text))
    assert qrels.grades == {"us:hat": {"B1": 1.0}, "es:hat": {"B1": 0.0}}
    assert qrels.text("es:hat") == "hat"


def test_wands_folder(tmp_path: Path) -> None:
    written(tmp_path, "query.csv", "query_id\tquery\tquery_class\n0\tsalon chair\tMassage Chairs\n")
    labels = "id\tquery_id\tproduct_id\tlabel\n0\t0\t5\tExact\n1\t0\t6\tIrrelevant\n2\t0\t7\tPartial\n"
    written(tmp_path, "label.csv", labels)
    assert read_qrels(tmp_path).grades == {"salon chair": {"5": 2.0, "6": 0.0, "7": 1.0}}


def test_qrels_with_numbered_topics(tmp_path: Path) -> None:
    path = written(tmp_path, "qrels", "301 0 a 2\n302 0 b 0\n")
    qrels = read_qrels(path, topics=written(tmp_path, "topics.tsv", "301\tred shoe\n302\that\n"))
    assert [qrels.text(topic) for topic in qrels.grades] == ["red shoe", "hat"]


def test_a_product_judged_twice_keeps_its_highest_grade(tmp_path: Path) -> None:
    path = written(tmp_path, "j.csv", "query,product_id,grade\nhat,1,2\nhat,1,3\nhat,1,1\n")
    assert read_qrels(path).grades == {"hat": {"1": 3.0}}


def test_gain_is_linear_above_the_lowest_grade() -> None:
    assert Qrels({"hat": {"1": 3.0, "2": 1.5}}, Scale(1, 3)).gains("hat") == {"1": 2.0, "2": 0.5}


def test_relevant_from_two_thirds_up_the_scale() -> None:
    qrels = Qrels({"hat": {"1": 2.33, "2": 2.32, "3": 3.0}}, Scale(1, 3))
    assert qrels.relevant("hat") == {"1", "3"}
    assert qrels.relevant("hat", relevant_from=3) == {"3"}


def test_only_keeps_scale_and_texts() -> None:
    qrels = Qrels({"1": {"a": 1.0}, "2": {"b": 2.0}}, Scale(0, 2), {"1": "hat"})
    assert qrels.only(["1"]) == Qrels({"1": {"a": 1.0}}, Scale(0, 2), {"1": "hat"})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("j.csv", "query,product_id\nhat,1\n", "no column `relevance`, `rating` or `grade`; it has query, product_id"),
        ("j.csv", "text,product_id,grade\nhat,1,2\n", "no column `query`"),
        ("j.csv", "query,product_id,grade\n", "holds no judgments"),
        ("j.csv", "", "cannot be read as judgments"),
        ("j.csv", "query,product_id,grade\nhat,1,2\nhat,2\n", "cannot be read as judgments"),
        ("j.csv", "query,product_id,grade\nhat,1,good\n", "grade must hold numbers"),
        ("j.csv", "query,product_id,grade\nhat,1,\nhat,2,3\n", "row 1 has no grade"),
        ("j.csv", "query,product_id,grade\nhat,1,2\n", "all grades are 2"),
        ("j.csv", "query,product_id,esci_label\nhat,1,X\n", "label 'X'; allowed: E, S, C, I"),
        ("j.jsonl", "{", "cannot be read as judgments"),
        ("qrels", "301 0 a good\n", "qrels:1: '301 0 a good' is no line of TREC qrels"),
        ("qrels", "301 a\n", "no line of TREC qrels"),
    ],
)
def test_files_that_cannot_be_understood(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_qrels(written(tmp_path, name, text))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no judgment file .*nowhere\.csv"):
        read_qrels(tmp_path / "nowhere.csv")


def test_a_folder_without_wands_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no judgment file .*query\.csv"):
        read_qrels(tmp_path)


def test_a_wands_label_without_query(tmp_path: Path) -> None:
    written(tmp_path, "query.csv", "query_id\tquery\n0\thats\n")
    written(tmp_path, "label.csv", "id\tquery_id\tproduct_id\tlabel\n0\t9\t5\tExact\n")
    with pytest.raises(InputError, match=r"query_id '9', which query\.csv does not list"):
        read_qrels(tmp_path)


def test_topics_without_a_tab(tmp_path: Path) -> None:
    path = written(tmp_path, "qrels", "301 0 a 2\n302 0 b 0\n")
    with pytest.raises(InputError, match="'301 hat' is no topic"):
        read_qrels(path, topics=written(tmp_path, "topics.tsv", "301 hat\n"))


def test_a_grade_off_the_given_scale(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"grade 3 of product '007' for 'red shoe' is off the scale 0\.\.2"):
        read_qrels(written(tmp_path, "j.csv", CSV), scale=Scale(0, 2))


def test_a_scale_must_rise() -> None:
    with pytest.raises(InputError, match="3 to 3 does not"):
        Scale(3, 3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    grades=st.dictionaries(
        st.tuples(st.text("ab ,\"'é", min_size=1), st.text("xyz019", min_size=1)), st.integers(0, 3), min_size=1
    )
)
def test_csv_and_parquet_agree(tmp_path: Path, grades: dict[tuple[str, str], int]) -> None:
    columns = {
        "query": [query for query, _ in grades],
        "product_id": [product for _, product in grades],
        "grade": list(grades.values()),
    }
    pq.write_table(pa.table(columns), tmp_path / "j.parquet")
    pyarrow.csv.write_csv(pa.table(columns), tmp_path / "j.csv")
    scale = Scale(0, 3)
    assert read_qrels(tmp_path / "j.csv", scale=scale) == read_qrels(tmp_path / "j.parquet", scale=scale)
