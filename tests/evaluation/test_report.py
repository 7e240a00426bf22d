"""How a report is printed: every figure, for people and for programs."""

import json
from dataclasses import replace

import pytest

from whybuy.cli.terminal import print_report
from whybuy.evaluation.lm import report_of
from whybuy.evaluation.report import Report, Row, Table
from whybuy.knowledge.tuning.instructions import Task

ROWS: dict[str, Row] = {"lexical": {"n": 1200, "ndcg@10": 0.4225}, "fused": {"n": 3, "within": "yes", "ndcg@10": None}}
REPORT = Report(
    "3 queries", (Table(ROWS, "ranker", "all"), Table({}, "part")), lambda: {"ndcg@10": 0.4225}, ("a note",)
)


def test_a_report_for_people_has_all_figures_and_notes_and_makes_no_body(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(replace(REPORT, body=pytest.fail), json=False)
    assert capsys.readouterr().out.splitlines() == [
        "3 queries",
        "",
        "all",
        "ranker       n  ndcg@10  within",
        "lexical  1,200    0.422",
        "fused        3              yes",
        "",
        "part",
        "",
        "a note",
    ]


def test_a_report_for_programs_is_its_body_alone(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(REPORT, json=True)
    assert json.loads(capsys.readouterr().out) == {"ndcg@10": 0.4225}


def test_two_reports_are_printed_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    other = Report("another title", (Table({"all": {"n": 2}}, "part"),), lambda: {"parts": 1}, ("more",))
    both = REPORT | other
    print_report(both, json=False)
    out = capsys.readouterr().out
    assert (out.startswith("3 queries\n"), "another title" in out) == (True, False)
    assert out.endswith("part  n\nall   2\n\na note\nmore\n")
    print_report(both, json=True)
    assert json.loads(capsys.readouterr().out) == {"ndcg@10": 0.4225, "parts": 1}


def test_scores_of_a_language_model_are_a_row_a_task(capsys: pytest.CaptureFixture[str]) -> None:
    report = report_of({Task.GENERATION: {"n": 2, "right": 0.5}, Task.PLAUSIBILITY: {"n": 3, "auc": float("nan")}})
    print_report(report, json=False)
    assert [line.split() for line in capsys.readouterr().out.splitlines()[2:]] == [
        ["task", "n", "right", "auc"],
        [Task.GENERATION.value, "2", "0.500"],
        [Task.PLAUSIBILITY.value, "3", "nan"],
    ]
    print_report(report, json=True)
    assert json.loads(capsys.readouterr().out)[Task.PLAUSIBILITY.value] == {"n": 3, "auc": None}
