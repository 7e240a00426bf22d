"""Judgments in the journal: one row of JSON each, never changed; a retraction is a row that names another one."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import orjson
import pyarrow as pa

from whybuy.errors import InputError
from whybuy.journal.journal import Entry, Journal, Kind
from whybuy.records import JUDGMENT_SCHEMA, Head, HeadKind, Judgment, Question, Role
from whybuy.relations import Relation

_FORMAT_VERSION = 1
_PAGE = 10_000  # rows read at a time
Value = TypeVar("Value")

Item = tuple[Head, Relation, str]
"""What is judged: head, relation, and the tail as it was worded."""


@dataclass(frozen=True, slots=True)
class JudgmentEntry:
    """A judgment with its place in the journal."""

    cursor: int
    received: datetime  # UTC
    judgment: Judgment


@dataclass(frozen=True, slots=True)
class _Retraction:
    """A judge's retraction of their own judgment."""

    cursor: int  # of the judgment
    judge: str


class JudgmentLog:
    """The judgments in a journal that were not retracted; safe to share between threads.

    A later judgment of the same item by the same judge in the same role replaces the earlier one, so an
    item may be answered question by question; retracting the later one restores the earlier one.
    """

    def __init__(self, journal: Journal, *, only: Role | None = None) -> None:
        """Read all judgments of the journal.

        only: the one role whose judgments are kept in memory; None keeps all.

        Raises:
            JournalError: the file is locked or damaged.
        """
        self._journal = journal
        self._only = only
        self._turn = threading.Lock()
        self._cursor = 0
        self._entered: dict[int, JudgmentEntry] = {}
        self._lines: dict[Item, dict[tuple[str, Role], list[int]]] = {}  # cursors, the last one counts
        self._by_judge: dict[str, list[int]] = {}
        self.set_aside: dict[int, str] = {}  # why a row cannot be used, by cursor
        self.refresh()

    def refresh(self) -> bool:
        """Read what this and other processes have added since the last call; returns whether there was anything."""
        with self._turn:
            before = self._cursor
            while entries := self._journal.read(after=self._cursor, limit=_PAGE, kind=Kind.JUDGMENT):
                for entry in entries:
                    self._take(entry)
                self._cursor = entries[-1].cursor
            return self._cursor > before

    def add(self, judgments: Iterable[Judgment]) -> None:
        """Append judgments, all or none; they are on disk when this returns.

        Raises:
            JournalError: the file is locked or damaged, or the disk is full; nothing was added.
        """
        self._journal.append([to_body(judgment) for judgment in judgments], kind=Kind.JUDGMENT)
        self.refresh()

    def retract(self, entered: JudgmentEntry) -> None:
        """Append a retraction of a judgment; on disk when this returns.

        Raises:
            JournalError: the file is locked or damaged, or the disk is full; nothing was added.
        """
        body = {"format": _FORMAT_VERSION, "retracts": entered.cursor, "judge": entered.judgment.judge}
        self._journal.append([orjson.dumps(body).decode()], kind=Kind.JUDGMENT)
        self.refresh()

    def current(self) -> list[JudgmentEntry]:
        """The judgments that were neither retracted nor replaced, oldest first."""
        with self._turn:
            cursors = [cursors[-1] for lines in self._lines.values() for cursors in lines.values()]
            return [self._entered[cursor] for cursor in sorted(cursors)]

    def of(self, item: Item) -> list[JudgmentEntry]:
        """The judgments of one item that were neither retracted nor replaced."""
        with self._turn:
            return [self._entered[cursors[-1]] for cursors in self._lines.get(item, {}).values()]

    def last_by(self, judge: str) -> JudgmentEntry | None:
        """The latest row of a judge that was not retracted."""
        with self._turn:
            cursors = self._by_judge.get(judge)
            return self._entered[cursors[-1]] if cursors else None

    def by_judge(self) -> dict[str, list[JudgmentEntry]]:
        """Every judgment of each judge that was not retracted, replaced ones included, in order."""
        with self._turn:
            return {judge: [self._entered[one] for one in cursors] for judge, cursors in self._by_judge.items()}

    def rejections(self) -> list[JudgmentEntry]:
        """The edges that readers rejected, in the order in which they came."""
        return [entered for entered in self.current() if entered.judgment.role is Role.READER]

    def _take(self, entry: Entry) -> None:
        try:
            body = from_body(entry.body)
            if isinstance(body, _Retraction):
                self._remove(body)
            elif self._only in (None, body.role):
                self._enter(JudgmentEntry(entry.cursor, entry.received, body))
        except InputError as error:
            self.set_aside[entry.cursor] = str(error)

    def _enter(self, entered: JudgmentEntry) -> None:
        judgment = entered.judgment
        self._entered[entered.cursor] = entered
        self._lines.setdefault(item_of(judgment), {}).setdefault((judgment.judge, judgment.role), []).append(
            entered.cursor
        )
        self._by_judge.setdefault(judgment.judge, []).append(entered.cursor)

    def _remove(self, retraction: _Retraction) -> None:
        entered = self._entered.get(retraction.cursor)
        if entered is None and self._only is not None:
            return
        if entered is None or entered.judgment.judge != retraction.judge:
            raise InputError(f"takes back row {retraction.cursor}, which is no judgment of {retraction.judge!r}")
        judgment = self._entered.pop(retraction.cursor).judgment
        lines = self._lines[item_of(judgment)]
        lines[judgment.judge, judgment.role].remove(retraction.cursor)
        self._by_judge[judgment.judge].remove(retraction.cursor)
        if not lines[judgment.judge, judgment.role]:
            del lines[judgment.judge, judgment.role]


def item_of(judgment: Judgment) -> Item:
    """The item of a judgment: its head, relation and tail."""
    return judgment.head, judgment.relation, judgment.tail


def read_judgments(path: Path, *, only: Role | None = None) -> tuple[Judgment, ...]:
    """The judgments that were neither retracted nor replaced, of one role or of all; none where there is no journal.

    Raises:
        JournalError: the file is locked or damaged.
    """
    if not path.exists():
        return ()
    with Journal(path) as journal:
        return tuple(entered.judgment for entered in JudgmentLog(journal, only=only).current())


# ---------------------------------------------------------------- a row
def to_body(judgment: Judgment) -> str:
    """A judgment as the JSON that the journal keeps."""
    body = {
        "format": _FORMAT_VERSION,
        "head": [judgment.head.kind.value, *judgment.head.key],
        "relation": judgment.relation.value,
        "tail": judgment.tail,
        "judge": judgment.judge,
        "role": judgment.role.value,
        "answers": {question.value: answer for question, answer in judgment.answers},
    }
    return orjson.dumps(body).decode()


def from_body(body: str) -> Judgment | _Retraction:
    """The judgment or retraction in a row of the journal.

    Raises:
        InputError: it is no JSON, of another format version, or not of the form of `to_body`.
    """
    try:
        raw = orjson.loads(body)
        version = raw["format"]
        if version == _FORMAT_VERSION and "retracts" in raw:
            return _Retraction(_is(int, raw["retracts"]), _is(str, raw["judge"]))
        if version == _FORMAT_VERSION:
            return _judgment(raw)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"is no judgment ({type(error).__name__}: {error})") from None
    raise InputError(f"has format {version!r}; this whybuy reads format {_FORMAT_VERSION}")


def _judgment(raw: Mapping[str, object]) -> Judgment:
    kind, *key = _is(list, raw["head"])
    answers = _is(dict, raw["answers"])
    return Judgment(
        Head(HeadKind(kind), tuple(_is(str, part) for part in key)),
        Relation(_is(str, raw["relation"])),
        _is(str, raw["tail"]),
        _is(str, raw["judge"]),
        Role(_is(str, raw["role"])),
        in_order({Question(name): _is(bool, answer) for name, answer in answers.items()}),
    )


def _is(kind: type[Value], value: object) -> Value:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def in_order(answers: Mapping[Question, bool | None]) -> tuple[tuple[Question, bool], ...]:
    """Answers in the order of the questions, without those that nobody gave."""
    given = ((question, answers.get(question)) for question in Question)
    return tuple((question, answer) for question, answer in given if answer is not None)


# ---------------------------------------------------------------- columns
def to_table(judgments: Iterable[Judgment]) -> pa.Table:
    """Judgments as columns, in JUDGMENT_SCHEMA."""
    rows = [
        {
            "head_kind": judgment.head.kind.value,
            "head_key": list(judgment.head.key),
            "relation": judgment.relation.value,
            "tail": judgment.tail,
            "judge": judgment.judge,
            "role": judgment.role.value,
            **{question.value: answer for question, answer in judgment.answers},
        }
        for judgment in judgments
    ]
    return pa.Table.from_pylist(rows, JUDGMENT_SCHEMA)


def from_table(table: pa.Table) -> Iterator[Judgment]:
    """The judgments of a table in JUDGMENT_SCHEMA."""
    for row in table.to_pylist():
        yield Judgment(
            Head(HeadKind(row["head_kind"]), tuple(row["head_key"])),
            Relation(row["relation"]),
            row["tail"],
            row["judge"],
            Role(row["role"]),
            in_order({question: row[question.value] for question in Question}),
        )
