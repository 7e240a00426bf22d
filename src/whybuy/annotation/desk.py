"""Who is asked what next, and where an answer goes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from whybuy.annotation.people import Person
from whybuy.annotation.queue import Queue, Task
from whybuy.errors import InputError
from whybuy.journal.judgments import Entered, JudgmentBook, in_order
from whybuy.knowledge.annotation.settling import JUDGES, State, is_finished, state_of
from whybuy.knowledge.annotation.skipping import next_question
from whybuy.records import Judgment, Question, Role

AUDITED = 0.05  # share of the items that an adjudicator judges again once they are settled


class StaleAnswerError(InputError):
    """An answer to a question that is not open to this person: answered before, or in another window."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a person is asked now."""

    task: Task
    role: Role
    answers: dict[Question, bool]  # given so far
    question: Question
    differing: dict[Question, tuple[bool | None, ...]]  # what the judges said, where an adjudicator decides


class Desk:
    """Hands out tasks and takes answers; each answer is on disk before it counts."""

    def __init__(self, queue: Queue, book: JudgmentBook) -> None:
        self.queue = queue
        self.book = book

    def turn(self, person: Person) -> Turn | None:
        """The next question for a person, one whose answers were begun first; None when there is nothing to do."""
        if person.part is Role.JUDGE:
            return self._unfinished(person, Role.JUDGE) or self._to_judge(person)
        for role in (Role.ADJUDICATOR, Role.AUDITOR):
            if turn := self._unfinished(person, role):
                return turn
        return self._to_decide(person) or self._to_audit(person)

    def answer(self, person: Person, number: int, question: Question, *, yes: bool) -> Task | None:
        """Keep an answer; it is on disk when this returns. Returns: the task, when this finished it.

        Raises:
            StaleAnswerError: the person is not asked this now.
            JournalError: the journal cannot be written; the answer is not kept.
        """
        turn = self.turn(person)
        if turn is None or (turn.task.number, turn.question) != (number, question):
            raise StaleAnswerError(f"{person.name} is not asked now whether reason {number + 1} is {question.value}.")
        answers = turn.answers | {question: yes}
        head, relation, tail = turn.task.item
        self.book.add([Judgment(head, relation, tail, person.name, turn.role, in_order(answers))])
        return turn.task if next_question(answers) is None else None

    def undo(self, person: Person) -> bool:
        """Take the person's last answer back; returns whether there was one."""
        last = self.last(person)
        if last is not None:
            self.book.retract(last)
        return last is not None

    def last(self, person: Person) -> Entered | None:
        """The person's last answer."""
        entered = self.book.last_by(person.name)
        return entered if entered and entered.judgment.role is not Role.READER else None

    def state(self, task: Task) -> State:
        """How far a task is."""
        return state_of(self._said(task))

    def finished_by(self, person: Person) -> int:
        """How many tasks a person is done with."""
        return sum(
            one.judge == person.name and is_finished(one) for task in self.queue.tasks for one in self._said(task)
        )

    # ------------------------------------------------------------ choosing
    def _said(self, task: Task) -> list[Judgment]:
        return [entered.judgment for entered in self.book.of(task.item)]

    def _unfinished(self, person: Person, role: Role) -> Turn | None:
        last = self.last(person)
        if last is None or last.judgment.role is not role or is_finished(last.judgment):
            return None
        task = self.queue.by_item.get((last.judgment.head, last.judgment.relation, last.judgment.tail))
        return self._asked(task, role, dict(last.judgment.answers)) if task else None

    def _to_judge(self, person: Person) -> Turn | None:
        """The first task that too few others have begun; else one that others began and left."""
        left: Task | None = None
        for task in self.queue.tasks:
            said = [one for one in self._said(task) if one.role is Role.JUDGE]
            if any(one.judge == person.name for one in said) or sum(map(is_finished, said)) >= JUDGES:
                continue
            if len(said) < JUDGES:
                return self._asked(task, Role.JUDGE, {})
            left = left or task
        return self._asked(left, Role.JUDGE, {}) if left else None

    def _to_decide(self, person: Person) -> Turn | None:
        for task in self.queue.tasks:
            said = self._said(task)
            if state_of(said) is State.DISPUTED and all(one.judge != person.name for one in said):
                return self._asked(task, Role.ADJUDICATOR, {}, _differing(said))
        return None

    def _to_audit(self, person: Person) -> Turn | None:
        for task in self.queue.tasks:
            said = self._said(task)
            seen = any(one.judge == person.name or one.role is Role.AUDITOR for one in said)
            if is_audited(task) and not seen and state_of(said) is State.SETTLED:
                return self._asked(task, Role.AUDITOR, {})
        return None

    def _asked(
        self,
        task: Task,
        role: Role,
        answers: dict[Question, bool],
        differing: dict[Question, tuple[bool | None, ...]] | None = None,
    ) -> Turn | None:
        question = next_question(answers)
        if differing is None and role is Role.ADJUDICATOR:
            differing = _differing(self._said(task))
        return Turn(task, role, answers, question, differing or {}) if question else None


def is_audited(task: Task) -> bool:
    """Whether a task is among the audited: a twentieth, by a hash of what it says."""
    head, relation, tail = task.item
    digest = hashlib.blake2b(f"{head}\x1f{relation}\x1f{tail}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") < AUDITED * 2**32


def _differing(said: Sequence[Judgment]) -> dict[Question, tuple[bool | None, ...]]:
    """What the judges said of each question on which they differ, in no order that tells who said it."""
    answers = [dict(one.answers) for one in said if one.role is Role.JUDGE and is_finished(one)]
    by_question = {question: tuple(one.get(question) for one in answers) for question in Question}
    return {
        question: tuple(sorted(each, key=lambda answer: (answer is None, not answer)))
        for question, each in by_question.items()
        if len(set(each)) > 1
    }
