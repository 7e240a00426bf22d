"""Questions of many choices: distractors that give themselves away are seen through by drawing others."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.evaluation.critic import Question, evaluate_critic, read_questions, redraw
from whybuy.knowledge.critic.text_judgments import Statements
from whybuy.tables import ReadReport


def questions(count: int, *, giveaway: str = "") -> list[Question]:
    """Pair number n was bought for reason n; distractors are those of the next three, or bear a mark."""
    found = []
    for number in range(count):
        right = f"reason {number}"
        wrong = [f"reason {(number + step) % count}{giveaway}" for step in (1, 2, 3)]
        options = [*wrong[:1], right, *wrong[1:]]
        found.append(Question((f"a {number}", f"b {number}"), tuple(options), right))
    return found


def knowing(statements: Statements) -> NDArray[np.float64]:
    """Scores 1 where the head's number is the reason's."""
    pairs = zip(statements.heads, statements.reasons, strict=True)
    return np.array([float(head[0].split()[1] == reason.split()[1]) for head, reason in pairs])


def by_wording(statements: Statements) -> NDArray[np.float64]:
    """Sees the option alone: what bears no mark."""
    return np.array([float("never right" not in reason) for reason in statements.reasons])


def test_who_knows_is_always_right() -> None:
    report = evaluate_critic(knowing, questions(40))
    assert (report.accuracy, report.accuracy_redrawn, report.auc, report.n) == (1, 1, 1, 40)
    assert report.option_only < 0.6


def test_who_sees_the_option_alone_is_seen_through() -> None:
    report = evaluate_critic(by_wording, questions(40, giveaway=" never right"))
    assert (report.accuracy, report.option_only_original) == (1, 1)
    assert report.accuracy_redrawn == report.option_only == 0.25
    assert report.auc == 0.5


@given(count=st.integers(4, 30), seed=st.integers(0, 99))
def test_drawn_options_are_right_elsewhere_and_not_here(count: int, seed: int) -> None:
    asked = questions(count)
    right = {question.right for question in asked}
    for before, after in zip(asked, redraw(asked, seed), strict=True):
        assert after.head == before.head
        assert after.right == before.right
        assert len(set(after.options)) == len(before.options)
        assert set(after.options) <= right
        assert after.options.count(after.right) == 1


def test_another_right_answer_of_the_same_pair_is_no_distractor() -> None:
    head = ("tent", "stove")
    asked = [Question(head, ("camping", "x"), "camping"), Question(head, ("warmth", "x"), "warmth")]
    asked += [Question(("a", "b"), ("walks", "x"), "walks")]
    for seed in range(20):
        assert [set(one.options) for one in redraw(asked, seed)][:2] == [{"camping", "walks"}, {"warmth", "walks"}]


def test_too_few_questions_cannot_be_drawn_anew() -> None:
    with pytest.raises(InputError, match="3 questions are too few to draw 3 other answers for each"):
        redraw([one for one in questions(4) if one.right != "reason 3"], 0)


def test_questions_are_read_and_others_set_aside(tmp_path: Path) -> None:
    rows = [
        {"item_a_title": "Tent &amp; Poles", "item_b_title": "Stove", "options": ["walks", "camping"], "answer": "B"},
        {"item_a_title": "Tent", "item_b_title": "Stove", "options": ["walks", "camping"], "answer": "C"},
        {"item_a_title": "Tent", "item_b_title": "Stove", "options": ["walks"], "answer": "A"},
        {"item_a_title": "Tent", "item_b_title": "Stove", "options": ["walks", "camping"], "answer": ""},
    ]
    path, report = tmp_path / "questions.parquet", ReadReport()
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert read_questions(path, report) == [
        Question(("Tent & Poles", "Stove"), ("walks", "camping"), "camping"),
        Question(("Tent", "Stove"), ("walks",), "walks"),
    ]
    assert report.set_aside.total() == 2


def test_a_question_of_one_option_counts_only_when_drawn_anew() -> None:
    asked = questions(40)
    asked[0] = Question(asked[0].head, (asked[0].right,), asked[0].right)
    assert {len(question.options) for question in redraw(asked, 0)} == {4}
    report = evaluate_critic(lambda statements: -knowing(statements), asked)
    assert (report.accuracy, report.accuracy_redrawn, report.n) == (0, 0, 40)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"item_a_title": "a", "answer": "A"}], "has no column item_b_title, options"),
        ([{"item_a_title": "a", "item_b_title": "b", "options": ["x"], "answer": "B"}], "no question that can be used"),
    ],
)
def test_a_file_without_questions_is_named(tmp_path: Path, rows: list[dict[str, object]], message: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_questions(path, ReadReport())
