"""Who is asked what, what is kept, and that judges never see each other."""

import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from annotation_queue import make_people, make_queue
from hypothesis import given, settings
from hypothesis import strategies as st

from whybuy.annotation.assignment import AUDITED, Assigner, Assignment, StaleAnswerError, is_audited
from whybuy.annotation.people import Person
from whybuy.annotation.progress import progress
from whybuy.journal import Journal
from whybuy.journal.judgments import JudgmentLog
from whybuy.knowledge.annotation.settling import State
from whybuy.records import Question, Role

ANA, BEN, CLEO = make_people()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[JudgmentLog]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield JudgmentLog(journal)


def asked(assigner: Assigner, person: Person) -> Assignment:
    assignment = assigner.next_for(person)
    assert assignment is not None
    return assignment


def finish(assigner: Assigner, person: Person, *answers: bool) -> int:
    """Answer one task; returns its number."""
    number = asked(assigner, person).task.number
    for yes in answers:
        assignment = asked(assigner, person)
        assert assignment.task.number == number
        assigner.answer(person, number, assignment.question, yes=yes)
    return number


YES, NOT_TYPICAL = (True,) * 5, (True, True, True, True, False)


def test_a_no_spares_the_later_questions(log: JudgmentLog) -> None:
    assigner = Assigner(make_queue(2), log)
    assert finish(assigner, ANA, True, False) == 0
    assert asked(assigner, ANA).task.number == 1
    assert asked(assigner, ANA).question is Question.COMPLETE


def test_each_task_takes_two_judges_and_no_more(log: JudgmentLog) -> None:
    assigner, dora = Assigner(make_queue(3), log), Person("dora", Role.JUDGE, "token")
    assert [finish(assigner, ANA, *YES) for _ in range(3)] == [0, 1, 2]
    assert finish(assigner, BEN, *YES) == 0
    assert finish(assigner, dora, *YES) == 1
    assert finish(assigner, BEN, *YES) == 2
    assert assigner.next_for(ANA) is assigner.next_for(BEN) is assigner.next_for(dora) is None


def test_what_another_began_and_left_is_asked_in_the_end(log: JudgmentLog) -> None:
    assigner, dora = Assigner(make_queue(2), log), Person("dora", Role.JUDGE, "token")
    assigner.answer(ANA, 0, Question.COMPLETE, yes=True)
    assigner.answer(BEN, 0, Question.COMPLETE, yes=True)
    assert finish(assigner, dora, *YES) == 1
    assert finish(assigner, dora, *YES) == 0


def test_an_adjudicator_sees_what_differs_but_not_whose_answer_it_is(log: JudgmentLog) -> None:
    assigner = Assigner(make_queue(2), log)
    assert assigner.next_for(CLEO) is None
    finish(assigner, ANA, *YES)
    finish(assigner, BEN, *NOT_TYPICAL)
    assignment = asked(assigner, CLEO)
    assert (assignment.role, assignment.differing) == (Role.ADJUDICATOR, {Question.TYPICAL: (True, False)})
    assigner.answer(CLEO, 0, Question.COMPLETE, yes=True)
    assert asked(assigner, CLEO).differing == assignment.differing
    assigner.answer(CLEO, 0, Question.RELEVANT, yes=False)
    assert assigner.state(assignment.task) is State.SETTLED


def test_an_answer_to_what_is_not_asked_is_refused(log: JudgmentLog) -> None:
    assigner = Assigner(make_queue(2), log)
    assigner.answer(ANA, 0, Question.COMPLETE, yes=True)
    for number, question in (
        (0, Question.COMPLETE),
        (0, Question.TYPICAL),
        (1, Question.COMPLETE),
        (9, Question.COMPLETE),
    ):
        with pytest.raises(StaleAnswerError, match=f"ana is not asked now whether reason {number + 1} is {question}"):
            assigner.answer(ANA, number, question, yes=True)
    with pytest.raises(StaleAnswerError, match="cleo is not asked now"):
        assigner.answer(CLEO, 0, Question.COMPLETE, yes=True)
    assert len(log.current()) == 1


def test_undo_goes_back_answer_by_answer_over_tasks(log: JudgmentLog) -> None:
    assigner = Assigner(make_queue(3), log)
    finish(assigner, ANA, *NOT_TYPICAL)
    assigner.answer(ANA, 1, Question.COMPLETE, yes=False)
    assert assigner.finished_by(ANA) == 2
    seen = []
    while assigner.undo(ANA):
        assignment = asked(assigner, ANA)
        seen.append((assignment.task.number, assignment.question))
    assert seen == [(1, Question.COMPLETE), *((0, question) for question in reversed(Question))]
    assert log.current() == []


def test_a_twentieth_of_what_is_settled_is_judged_again_by_someone_who_did_not_decide_it(log: JudgmentLog) -> None:
    queue = make_queue(400)
    audited = [task.number for task in queue.tasks if is_audited(task)]
    assert len(audited) == pytest.approx(400 * AUDITED, abs=10)
    assigner = Assigner(make_queue(max(audited[:2]) + 1), log)
    while assigner.next_for(ANA):
        finish(assigner, ANA, *YES)
    while assigner.next_for(BEN):
        finish(assigner, BEN, *YES)
    assignment = asked(assigner, CLEO)
    assert (assignment.role, assignment.task.number, assignment.differing) == (Role.AUDITOR, audited[0], {})
    assert progress(assigner.queue, log).audits_due == 2
    finish(assigner, CLEO, False)
    finish(assigner, CLEO, *YES)
    assert assigner.next_for(CLEO) is None
    now = progress(assigner.queue, log)
    assert (now.audits, now.audits_agreed, now.audits_due) == (2, 1, 0)
    assert now.states == {"open": 0, "disputed": 0, "settled": len(assigner.queue)}


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_however_people_answer_everything_is_settled_in_the_end(seed: int, size: int) -> None:
    """Judges and adjudicator take turns at random, answer at random, and undo now and then."""
    chance, people = random.Random(seed), [ANA, BEN, CLEO]
    with TemporaryDirectory() as folder, Journal(Path(folder) / "journal.sqlite") as journal:
        assigner = Assigner(make_queue(size), JudgmentLog(journal))
        for _ in range(2000):
            person = chance.choice(people)
            assignment = assigner.next_for(person)
            if assignment is not None and assignment.role is Role.JUDGE:
                assert assignment.differing == {}
            if chance.random() < 0.1:
                assigner.undo(person)
            elif assignment is not None:
                assigner.answer(person, assignment.task.number, assignment.question, yes=chance.random() < 0.8)
            if not any(map(assigner.next_for, people)):
                break
        assert {assigner.state(task) for task in assigner.queue.tasks} == {State.SETTLED}


def test_progress_counts_what_people_did(log: JudgmentLog) -> None:
    assigner = Assigner(make_queue(3), log)
    finish(assigner, ANA, *YES)
    finish(assigner, BEN, *YES)
    finish(assigner, ANA, *YES)
    finish(assigner, BEN, *NOT_TYPICAL)
    now = progress(assigner.queue, log)
    assert now.states == {"open": 1, "disputed": 1, "settled": 1}
    assert [(worker.name, worker.finished) for worker in now.workers] == [("ana", 2), ("ben", 2)]
    assert all(worker.seconds is not None for worker in now.workers)
    assert (now.agreement["typical"].items, now.agreement["typical"].observed) == (2, 0.5)
    assert now.yields.keys() == {"search_buy"}
    assert (now.yields["search_buy"].settled, now.yields["search_buy"].typical) == (1, 1)
