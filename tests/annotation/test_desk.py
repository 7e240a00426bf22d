"""Who is asked what, what is kept, and that judges never see each other."""

import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from annotation_queue import make_people, make_queue
from hypothesis import given, settings
from hypothesis import strategies as st

from whybuy.annotation.desk import AUDITED, Desk, StaleAnswerError, Turn, is_audited
from whybuy.annotation.people import Person
from whybuy.annotation.progress import progress
from whybuy.journal import Journal
from whybuy.journal.judgments import JudgmentBook
from whybuy.knowledge.annotation.settling import State
from whybuy.records import Question, Role

ANA, BEN, CLEO = make_people()


@pytest.fixture
def book(tmp_path: Path) -> Iterator[JudgmentBook]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield JudgmentBook(journal)


def asked(desk: Desk, person: Person) -> Turn:
    turn = desk.turn(person)
    assert turn is not None
    return turn


def finish(desk: Desk, person: Person, *answers: bool) -> int:
    """Answer one task; returns its number."""
    number = asked(desk, person).task.number
    for yes in answers:
        turn = asked(desk, person)
        assert turn.task.number == number
        desk.answer(person, number, turn.question, yes=yes)
    return number


YES, NOT_TYPICAL = (True,) * 5, (True, True, True, True, False)


def test_a_no_spares_the_later_questions(book: JudgmentBook) -> None:
    desk = Desk(make_queue(2), book)
    assert finish(desk, ANA, True, False) == 0
    assert asked(desk, ANA).task.number == 1
    assert asked(desk, ANA).question is Question.COMPLETE


def test_each_task_takes_two_judges_and_no_more(book: JudgmentBook) -> None:
    desk, dora = Desk(make_queue(3), book), Person("dora", Role.JUDGE, "token")
    assert [finish(desk, ANA, *YES) for _ in range(3)] == [0, 1, 2]
    assert finish(desk, BEN, *YES) == 0
    assert finish(desk, dora, *YES) == 1
    assert finish(desk, BEN, *YES) == 2
    assert desk.turn(ANA) is desk.turn(BEN) is desk.turn(dora) is None


def test_what_another_began_and_left_is_asked_in_the_end(book: JudgmentBook) -> None:
    desk, dora = Desk(make_queue(2), book), Person("dora", Role.JUDGE, "token")
    desk.answer(ANA, 0, Question.COMPLETE, yes=True)
    desk.answer(BEN, 0, Question.COMPLETE, yes=True)
    assert finish(desk, dora, *YES) == 1
    assert finish(desk, dora, *YES) == 0


def test_an_adjudicator_sees_what_differs_but_not_who_said_it(book: JudgmentBook) -> None:
    desk = Desk(make_queue(2), book)
    assert desk.turn(CLEO) is None
    finish(desk, ANA, *YES)
    finish(desk, BEN, *NOT_TYPICAL)
    turn = asked(desk, CLEO)
    assert (turn.role, turn.differing) == (Role.ADJUDICATOR, {Question.TYPICAL: (True, False)})
    desk.answer(CLEO, 0, Question.COMPLETE, yes=True)
    assert asked(desk, CLEO).differing == turn.differing
    desk.answer(CLEO, 0, Question.RELEVANT, yes=False)
    assert desk.state(turn.task) is State.SETTLED


def test_an_answer_to_what_is_not_asked_is_refused(book: JudgmentBook) -> None:
    desk = Desk(make_queue(2), book)
    desk.answer(ANA, 0, Question.COMPLETE, yes=True)
    for number, question in (
        (0, Question.COMPLETE),
        (0, Question.TYPICAL),
        (1, Question.COMPLETE),
        (9, Question.COMPLETE),
    ):
        with pytest.raises(StaleAnswerError, match=f"ana is not asked now whether reason {number + 1} is {question}"):
            desk.answer(ANA, number, question, yes=True)
    with pytest.raises(StaleAnswerError, match="cleo is not asked now"):
        desk.answer(CLEO, 0, Question.COMPLETE, yes=True)
    assert len(book.standing()) == 1


def test_undo_goes_back_answer_by_answer_over_tasks(book: JudgmentBook) -> None:
    desk = Desk(make_queue(3), book)
    finish(desk, ANA, *NOT_TYPICAL)
    desk.answer(ANA, 1, Question.COMPLETE, yes=False)
    assert desk.finished_by(ANA) == 2
    seen = []
    while desk.undo(ANA):
        turn = asked(desk, ANA)
        seen.append((turn.task.number, turn.question))
    assert seen == [(1, Question.COMPLETE), *((0, question) for question in reversed(Question))]
    assert book.standing() == []


def test_a_twentieth_of_what_is_settled_is_judged_again_by_someone_who_did_not_decide_it(book: JudgmentBook) -> None:
    queue = make_queue(400)
    audited = [task.number for task in queue.tasks if is_audited(task)]
    assert len(audited) == pytest.approx(400 * AUDITED, abs=10)
    desk = Desk(make_queue(max(audited[:2]) + 1), book)
    while desk.turn(ANA):
        finish(desk, ANA, *YES)
    while desk.turn(BEN):
        finish(desk, BEN, *YES)
    turn = asked(desk, CLEO)
    assert (turn.role, turn.task.number, turn.differing) == (Role.AUDITOR, audited[0], {})
    assert progress(desk.queue, book).audits_due == 2
    finish(desk, CLEO, False)
    finish(desk, CLEO, *YES)
    assert desk.turn(CLEO) is None
    now = progress(desk.queue, book)
    assert (now.audits, now.audits_agreed, now.audits_due) == (2, 1, 0)
    assert now.states == {"open": 0, "disputed": 0, "settled": len(desk.queue)}


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_however_people_answer_everything_is_settled_in_the_end(seed: int, size: int) -> None:
    """Judges and adjudicator take turns at random, answer at random, and undo now and then."""
    chance, people = random.Random(seed), [ANA, BEN, CLEO]
    with TemporaryDirectory() as folder, Journal(Path(folder) / "journal.sqlite") as journal:
        desk = Desk(make_queue(size), JudgmentBook(journal))
        for _ in range(2000):
            person = chance.choice(people)
            turn = desk.turn(person)
            if turn is not None and turn.role is Role.JUDGE:
                assert turn.differing == {}
            if chance.random() < 0.1:
                desk.undo(person)
            elif turn is not None:
                desk.answer(person, turn.task.number, turn.question, yes=chance.random() < 0.8)
            if not any(map(desk.turn, people)):
                break
        assert {desk.state(task) for task in desk.queue.tasks} == {State.SETTLED}


def test_progress_counts_what_people_did(book: JudgmentBook) -> None:
    desk = Desk(make_queue(3), book)
    finish(desk, ANA, *YES)
    finish(desk, BEN, *YES)
    finish(desk, ANA, *YES)
    finish(desk, BEN, *NOT_TYPICAL)
    now = progress(desk.queue, book)
    assert now.states == {"open": 1, "disputed": 1, "settled": 1}
    assert [(worker.name, worker.finished) for worker in now.workers] == [("ana", 2), ("ben", 2)]
    assert all(worker.seconds is not None for worker in now.workers)
    assert (now.agreement["typical"].items, now.agreement["typical"].observed) == (2, 0.5)
    assert now.yields.keys() == {"search_buy"}
    assert (now.yields["search_buy"].settled, now.yields["search_buy"].typical) == (1, 1)
