"""Which reason and question each annotator gets next, and how their answers are recorded."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from whybuy.annotation.people import Person
from whybuy.annotation.queue import Queue, Task
from whybuy.errors import InputError
from whybuy.journal.judgments import JudgmentEntry, JudgmentLog, in_order
from whybuy.keys import SEPARATOR
from whybuy.knowledge.annotation.settling import JUDGES, State, is_finished, state_of
from whybuy.knowledge.annotation.skipping import next_question
from whybuy.records import Judgment, Question, Role

AUDITED = 0.05  # share of the items that an adjudicator judges again once they are settled


class StaleAnswerError(InputError):
    """An answer to a question that is not open to this person: answered before, or in another window."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The question that a person is to answer next."""

    task: Task
    role: Role
    answers: dict[Question, bool]  # given so far
    question: Question
    differing: dict[Question, tuple[bool | None, ...]]  # what the judges answered, where an adjudicator decides


class Assigner:
    """Assigns tasks to people and records their answers; an answer is on disk before it counts."""

    def __init__(self, queue: Queue, log: JudgmentLog) -> None:
        self.queue = queue
        self.log = log

    def next_for(self, person: Person) -> Assignment | None:
        """The next question for a person, one whose answers were begun first; None when there is nothing to do."""
        if person.part is Role.JUDGE:
            return self._unfinished(person, Role.JUDGE) or self._to_judge(person)
        for role in (Role.ADJUDICATOR, Role.AUDITOR):
            if assignment := self._unfinished(person, role):
                return assignment
        return self._to_decide(person) or self._to_audit(person)

    def answer(self, person: Person, number: int, question: Question, *, yes: bool) -> Task | None:
        """Record an answer; it is on disk when this returns. Returns: the task, when this finished it.

        Raises:
            StaleAnswerError: it is not the question that the person has to answer now.
            JournalError: the journal cannot be written; the answer is not kept.
        """
        assignment = self.next_for(person)
        if assignment is None or (assignment.task.number, assignment.question) != (number, question):
            raise StaleAnswerError(f"{person.name} is not asked now whether reason {number + 1} is {question.value}.")
        answers = assignment.answers | {question: yes}
        head, relation, tail = assignment.task.item
        self.log.add([Judgment(head, relation, tail, person.name, assignment.role, in_order(answers))])
        return assignment.task if next_question(answers) is None else None

    def undo(self, person: Person) -> bool:
        """Retract the person's last answer; returns whether there was one."""
        last = self.last(person)
        if last is not None:
            self.log.retract(last)
        return last is not None

    def last(self, person: Person) -> JudgmentEntry | None:
        """The person's last answer."""
        entered = self.log.last_by(person.name)
        return entered if entered and entered.judgment.role is not Role.READER else None

    def state(self, task: Task) -> State:
        """The state of a task."""
        return state_of(self._judgments(task))

    def finished_by(self, person: Person) -> int:
        """Number of tasks that a person has finished."""
        return sum(
            one.judge == person.name and is_finished(one) for task in self.queue.tasks for one in self._judgments(task)
        )

    # ------------------------------------------------------------ choosing
    def _judgments(self, task: Task) -> list[Judgment]:
        return [entered.judgment for entered in self.log.of(task.item)]

    def _unfinished(self, person: Person, role: Role) -> Assignment | None:
        last = self.last(person)
        if last is None or last.judgment.role is not role or is_finished(last.judgment):
            return None
        task = self.queue.by_item.get((last.judgment.head, last.judgment.relation, last.judgment.tail))
        return self._assignment(task, role, dict(last.judgment.answers)) if task else None

    def _to_judge(self, person: Person) -> Assignment | None:
        """The first task that too few others have begun; else one that others began and left."""
        unfinished: Task | None = None
        for task in self.queue.tasks:
            judgments = [one for one in self._judgments(task) if one.role is Role.JUDGE]
            if any(one.judge == person.name for one in judgments) or sum(map(is_finished, judgments)) >= JUDGES:
                continue
            if len(judgments) < JUDGES:
                return self._assignment(task, Role.JUDGE, {})
            unfinished = unfinished or task
        return self._assignment(unfinished, Role.JUDGE, {}) if unfinished else None

    def _to_decide(self, person: Person) -> Assignment | None:
        for task in self.queue.tasks:
            judgments = self._judgments(task)
            if state_of(judgments) is State.DISPUTED and all(one.judge != person.name for one in judgments):
                return self._assignment(task, Role.ADJUDICATOR, {}, _differing(judgments))
        return None

    def _to_audit(self, person: Person) -> Assignment | None:
        for task in self.queue.tasks:
            judgments = self._judgments(task)
            seen = any(one.judge == person.name or one.role is Role.AUDITOR for one in judgments)
            if is_audited(task) and not seen and state_of(judgments) is State.SETTLED:
                return self._assignment(task, Role.AUDITOR, {})
        return None

    def _assignment(
        self,
        task: Task,
        role: Role,
        answers: dict[Question, bool],
        differing: dict[Question, tuple[bool | None, ...]] | None = None,
    ) -> Assignment | None:
        question = next_question(answers)
        if differing is None and role is Role.ADJUDICATOR:
            differing = _differing(self._judgments(task))
        return Assignment(task, role, answers, question, differing or {}) if question else None


def is_audited(task: Task) -> bool:
    """Whether a task is among the audited: a twentieth, by a hash of its text."""
    head, relation, tail = task.item
    digest = hashlib.blake2b(SEPARATOR.join([str(head), relation, tail]).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") < AUDITED * 2**32


def _differing(judgments: Sequence[Judgment]) -> dict[Question, tuple[bool | None, ...]]:
    """The answers of the judges to each question on which they differ, sorted so that none can be traced to a judge."""
    answers = [dict(one.answers) for one in judgments if one.role is Role.JUDGE and is_finished(one)]
    by_question = {question: tuple(one.get(question) for one in answers) for question in Question}
    return {
        question: tuple(sorted(each, key=lambda answer: (answer is None, not answer)))
        for question, each in by_question.items()
        if len(set(each)) > 1
    }
