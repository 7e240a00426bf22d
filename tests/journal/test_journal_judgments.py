"""Judgments in the journal: read as they were written, taken back by rows of their own, by several at once."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whybuy.errors import InputError
from whybuy.journal import Journal, Kind
from whybuy.journal.judgments import (
    JudgmentLog,
    from_body,
    from_table,
    in_order,
    item_of,
    read_judgments,
    to_body,
    to_table,
)
from whybuy.records import JUDGMENT_SCHEMA, Head, HeadKind, Judgment, Question, Role
from whybuy.relations import Relation

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
heads = st.builds(Head, st.sampled_from(HeadKind), st.lists(texts, min_size=1, max_size=3).map(tuple))
answers = st.dictionaries(st.sampled_from(Question), st.booleans()).map(in_order)
judgments = st.builds(Judgment, heads, st.sampled_from(Relation), texts, texts, st.sampled_from(Role), answers)
SHOE = Head(HeadKind.TYPE, ("slip-on shoe",))


def said(judge: str, *given: bool, role: Role = Role.JUDGE, tail: str = "pregnant women") -> Judgment:
    answered = dict(zip(Question, given, strict=False))
    return Judgment(SHOE, Relation.USED_FOR_AUDIENCE, tail, judge, role, in_order(answered))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


def standing(log: JudgmentLog) -> list[Judgment]:
    return [entered.judgment for entered in log.current()]


@given(judgments)
def test_a_row_says_what_was_judged(judgment: Judgment) -> None:
    assert from_body(to_body(judgment)) == judgment


@given(st.lists(judgments, max_size=5))
def test_columns_say_what_was_judged(given_judgments: list[Judgment]) -> None:
    table = to_table(given_judgments)
    assert table.schema == JUDGMENT_SCHEMA
    assert list(from_table(table)) == given_judgments


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("nonsense", "is no judgment (JSONDecodeError"),
        ("[]", "is no judgment (TypeError"),
        ("{}", "is no judgment (KeyError: 'format')"),
        ('{"format": 2}', "has format 2; this whybuy reads format 1"),
        (to_body(said("ana", True)).replace("type", "kind"), "'kind' is not a valid HeadKind"),
        (to_body(said("ana", True)).replace("true", '"yes"'), "'yes' is no bool"),
        (to_body(said("ana", True)).replace("complete", "nice"), "'nice' is not a valid Question"),
        ('{"format": 1, "retracts": "1", "judge": "ana"}', "'1' is no int"),
    ],
)
def test_a_bad_row_says_why(body: str, reason: str) -> None:
    with pytest.raises(InputError, match=re.escape(reason)):
        from_body(body)


def test_bad_rows_are_counted_and_set_aside(journal: Journal) -> None:
    journal.append(["nonsense", to_body(said("ana", True)), json.dumps({"format": 1, "retracts": 9, "judge": "ana"})],
                   kind=Kind.JUDGMENT)  # fmt: skip
    log = JudgmentLog(journal)
    assert standing(log) == [said("ana", True)]
    assert list(log.set_aside) == [1, 3]
    assert log.set_aside[3] == "takes back row 9, which is no judgment of 'ana'"


def test_a_later_answer_stands_until_it_is_taken_back(journal: Journal) -> None:
    log = JudgmentLog(journal)
    log.add([said("ana", True)])
    log.add([said("ana", True, False)])
    assert standing(log) == [said("ana", True, False)]
    for left in ([said("ana", True)], []):
        last = log.last_by("ana")
        assert last is not None
        log.retract(last)
        assert standing(log) == left
    assert log.last_by("ana") is None
    assert len(journal.read(kind=Kind.JUDGMENT)) == 4


def test_nobody_takes_back_what_another_said(journal: Journal) -> None:
    log = JudgmentLog(journal)
    log.add([said("ana", True)])
    journal.append([json.dumps({"format": 1, "retracts": 1, "judge": "ben"})], kind=Kind.JUDGMENT)
    log.refresh()
    assert standing(log) == [said("ana", True)]
    assert "no judgment of 'ben'" in log.set_aside[2]


def test_each_judge_and_role_has_an_answer_of_its_own(journal: Journal) -> None:
    log = JudgmentLog(journal)
    given_judgments = [said("ana", True), said("ben", False), said("ana", False, role=Role.AUDITOR)]
    log.add(given_judgments)
    assert standing(log) == [one.judgment for one in log.of(item_of(given_judgments[0]))] == given_judgments


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(["ana", "ben"]), st.sampled_from([0, 1, 2, None])), max_size=30))
def test_two_processes_see_the_same(steps: list[tuple[str, int | None]]) -> None:
    """Each step answers one of three items, or takes the judge's last answer back, in one of two open journals."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        with Journal(path) as first, Journal(path) as second:
            logs = {"ana": JudgmentLog(first), "ben": JudgmentLog(second)}
            model: dict[str, list[Judgment]] = {"ana": [], "ben": []}
            for number, (judge, tail) in enumerate(steps):
                log = logs[judge]
                if tail is not None:
                    model[judge].append(said(judge, bool(number % 2), tail=str(tail)))
                    log.add(model[judge][-1:])
                elif last := log.last_by(judge):
                    assert last.judgment == model[judge].pop()
                    log.retract(last)
            expected = {(one.judge, one.tail): one for each in model.values() for one in each}
            for log in (*logs.values(), JudgmentLog(first)):
                log.refresh()
                assert {(one.judge, one.tail): one for one in standing(log)} == expected


def test_judgments_that_stand_are_read_of_all_roles_or_of_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    assert read_judgments(path) == ()
    assert not path.exists()
    with Journal(path) as journal:
        log = JudgmentLog(journal)
        log.add([said("reader", role=Role.READER), said("ana", False), said("reader", role=Role.READER, tail="cats")])
        log.retract(log.rejections()[0])
    cats = said("reader", role=Role.READER, tail="cats")
    assert read_judgments(path) == (said("ana", False), cats)
    assert read_judgments(path, only=Role.READER) == (cats,)
