"""Later clicks as judgments: each click of a held-out log is a search with one right product."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tiny_shop import pair_table
from whybuy.cli import app
from whybuy.errors import InputError
from whybuy.evaluation.clicked import most_clicked, read_clicked
from whybuy.evaluation.search import evaluate_search
from whybuy.records import Behavior
from whybuy.retrieval.rankers import RANKER_NAMES

LOG = """user,item_id,query,click_time
u1,a,Red  Lamp,2024-05-01 12:00:00
u2,b,red lamp,2024-05-02 12:00:00
u2,c,,2024-05-02 12:01:00
u3,a,rug,2024-05-03 12:00:00
"""
PAIRS = st.dictionaries(st.tuples(st.sampled_from(["lamp", "rug"]), st.sampled_from("abcd")), st.integers(0, 3))


def log(path: Path, content: str = LOG) -> Path:
    path.write_text(content)
    return path


# ---------------------------------------------------------------- judgments
def test_every_click_on_a_known_query_is_a_topic_with_one_product(tmp_path: Path) -> None:
    qrels = read_clicked([log(tmp_path / "late.csv")])
    found = sorted((qrels.text(topic), *qrels.relevant(topic)) for topic in qrels.grades)
    assert found == [("red lamp", "a"), ("red lamp", "b"), ("rug", "a")]
    assert all(qrels.gains(topic) == dict.fromkeys(qrels.relevant(topic), 1) for topic in qrels.grades)


def test_several_logs_are_one_and_copies_count_once(tmp_path: Path) -> None:
    later = log(tmp_path / "later.csv", LOG.splitlines()[0] + "\nu9,a,rug,2024-06-01 12:00:00\n")
    first = log(tmp_path / "late.csv")
    assert len(read_clicked([first, later, first]).grades) == 4


def test_other_actions_are_no_clicks(tmp_path: Path) -> None:
    rows = "user,item_id,query,time,action\nu1,a,lamp,2024-05-01,purchase\nu1,b,lamp,2024-05-01,click\n"
    qrels = read_clicked([log(tmp_path / "late.csv", rows)])
    assert [dict(grades) for grades in qrels.grades.values()] == [{"b": 1.0}]


@pytest.mark.parametrize(
    "rows",
    ["user,item_id,click_time\nu1,a,2024-05-01\n", "user,item_id,query,time,action\nu1,a,lamp,2024-05-01,purchase\n"],
)
def test_a_log_without_a_click_that_names_its_query_says_what_is_needed(tmp_path: Path, rows: str) -> None:
    with pytest.raises(InputError, match=r"late\.csv: no click names its query\. Give a log whose rows have a query"):
        read_clicked([log(tmp_path / "late.csv", rows)])


def test_what_is_no_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.csv is no event log that whybuy knows"):
        read_clicked([log(tmp_path / "x.csv", "a,b\nc,d\n")])


# ---------------------------------------------------------------- the baseline
@given(clicks=PAIRS, limit=st.integers(0, 4))
def test_the_baseline_is_what_was_clicked_most(clicks: dict[tuple[str, str], int], limit: int) -> None:
    found = [(Behavior.SEARCH_BUY, *pair, count) for pair, count in clicks.items()]
    rank = most_clicked(pair_table([*found, (Behavior.CO_BUY, "lamp", "z", 9)]))
    for text in ("lamp", "rug", "harp"):
        of_query = {product: count for (query, product), count in clicks.items() if query == text and count}
        assert list(rank(text, limit)) == sorted(of_query, key=lambda one: (-of_query[one], one))[:limit]


def test_the_baseline_reads_queries_as_logs_are_read() -> None:
    rank = most_clicked(pair_table([(Behavior.SEARCH_BUY, "red lamp", "a", 1)]))
    assert rank("Red  <b>LAMP</b>", 5) == ["a"]


def test_the_clicked_product_is_found_at_its_place(tmp_path: Path) -> None:
    rank = most_clicked(
        pair_table([(Behavior.SEARCH_BUY, "red lamp", "b", 2), (Behavior.SEARCH_BUY, "red lamp", "a", 1)])
    )
    report = evaluate_search({"most clicked": rank}, read_clicked([log(tmp_path / "late.csv")]))
    assert report.rankers["most clicked"].as_json()["mrr@10"] == pytest.approx((1 / 2 + 1 + 0) / 3)


def test_a_text_is_ranked_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def rank(text: str, limit: int) -> list[str]:
        asked.append(text)
        return ["a", "b"][:limit]

    report = evaluate_search({"both": rank}, read_clicked([log(tmp_path / "late.csv")])).rankers["both"]
    assert sorted(asked) == ["red lamp", "rug"]
    assert (len(report.milliseconds), len(report.run)) == (2, 3)
    assert report.mean("mrr@10") == pytest.approx((1 + 1 / 2 + 1) / 3)


# ---------------------------------------------------------------- the command
def test_a_later_log_measures_a_shop(small_store: Path, tmp_path: Path) -> None:
    rows = "user,item_id,query,click_time\nu1,floo-0,Floor Lamp,2026-05-01\nu2,floo-0,never typed,2026-05-02\n"
    command = ["evaluate", "search", "--store", str(small_store), "--clicks", str(log(tmp_path / "late.csv", rows))]
    ran = CliRunner().invoke(app, [*command, "--json"])
    assert ran.exit_code == 0, ran.output
    body = json.loads(ran.stdout)
    assert set(body["rankers"]) == {*RANKER_NAMES, "most_clicked"}
    assert body["queries"] == 2
    figures = body["rankers"]["most_clicked"]  # all lamps were clicked twice; this is the first by its id
    assert (figures["mrr@10"], figures["recall@10"], figures["zero_results"]) == (0.5, 0.5, 0.5)
    assert body["rankers"]["lexical"]["recall@10"] == 0.5
    assert "most_clicked" in CliRunner().invoke(app, command).stdout


def test_a_log_that_is_not_there_is_named(small_store: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.csv"
    ran = CliRunner().invoke(app, ["evaluate", "search", "--store", str(small_store), "--clicks", str(gone)])
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "gone.csv" in ran.stderr
