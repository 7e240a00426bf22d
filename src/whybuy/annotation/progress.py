"""Progress of the annotation: tasks by state, speed of each judge, agreement by question, yield by kind of behavior."""

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from whybuy.annotation.assignment import is_audited
from whybuy.annotation.queue import Queue
from whybuy.journal.judgments import JudgmentLog
from whybuy.knowledge.annotation.agreement import Agreement, agreement
from whybuy.knowledge.annotation.settling import JUDGES, State, audited, is_finished, state_of, verdict
from whybuy.records import Judgment, Question, Role

LONGEST_THOUGHT = 300.0  # seconds; a longer wait between two answers is a pause


@dataclass(frozen=True, slots=True)
class Worker:
    """Work of one annotator."""

    name: str
    finished: int  # tasks
    seconds: float | None  # median between two answers, pauses left out; None before the second


@dataclass(frozen=True, slots=True)
class Yield:
    """Counts of settled reasons of one kind of behavior, and of those that hold."""

    settled: int
    plausible: int
    typical: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of the annotation of one store; as JSON the body of `whybuy judgments status --json`."""

    tasks: int
    states: dict[str, int]  # tasks by state
    workers: tuple[Worker, ...]  # by name
    agreement: dict[str, Agreement]  # by question
    audits: int  # settled tasks that were judged again
    audits_agreed: int  # of those, with the same answers on plausible and typical
    audits_due: int  # settled tasks that wait for an audit
    yields: dict[str, Yield]  # by kind of behavior
    rejections: int  # edges that readers rejected
    set_aside: int  # rows of the journal that cannot be used


def progress(queue: Queue, log: JudgmentLog) -> Progress:
    """The progress now. Items that are judged but not in the queue count for agreement as well."""
    current = log.current()
    judgments: dict[object, list[Judgment]] = {task.item: [] for task in queue.tasks}
    for entered in current:
        one = entered.judgment
        judgments.setdefault((one.head, one.relation, one.tail), []).append(one)
    states = [state_of(judgments[task.item]) for task in queue.tasks]
    pairs = [[one for one in each if one.role is Role.JUDGE and is_finished(one)] for each in judgments.values()]
    seen, agreed = audited(judgments.values())
    due = sum(
        state is State.SETTLED
        and is_audited(task)
        and all(one.role is not Role.AUDITOR for one in judgments[task.item])
        for task, state in zip(queue.tasks, states, strict=True)
    )
    return Progress(
        tasks=len(queue),
        states={state.value: states.count(state) for state in State},
        workers=_workers(log),
        agreement={question.value: each for question, each in agreement(p for p in pairs if len(p) >= JUDGES).items()},
        audits=seen,
        audits_agreed=agreed,
        audits_due=due,
        yields=_yields(queue, judgments),
        rejections=len(log.rejections()),
        set_aside=len(log.set_aside),
    )


def _workers(log: JudgmentLog) -> tuple[Worker, ...]:
    """Work of each annotator, from every answer that was not retracted; each question of a task counts by itself."""
    workers = []
    for name, entries in sorted(log.by_judge().items()):
        answered = [entered for entered in entries if entered.judgment.role is not Role.READER]
        times = [entered.received for entered in answered]
        waits = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
        thoughts = [wait for wait in waits if 0 < wait <= LONGEST_THOUGHT]  # what was imported came all at once
        done = sum(is_finished(entered.judgment) for entered in answered)
        if answered:
            workers.append(Worker(name, done, round(median(thoughts), 2) if thoughts else None))
    return tuple(workers)


def _yields(queue: Queue, judgments: dict[object, list[Judgment]]) -> dict[str, Yield]:
    by_behavior: dict[str, list[dict[Question, bool]]] = {}
    for task in queue.tasks:
        settled = verdict(judgments[task.item])
        if settled is not None:
            by_behavior.setdefault(task.behavior, []).append(dict(settled.answers))
    return {
        behavior: Yield(
            len(answers),
            *(sum(one[question] for one in answers) for question in (Question.PLAUSIBLE, Question.TYPICAL)),
        )
        for behavior, answers in sorted(by_behavior.items())
    }
