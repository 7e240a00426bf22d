"""Heads and reasons as texts, and files of judgments of them: the training data of text critics."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.relations import Relation
from whybuy.tables import ReadReport, read_rows
from whybuy.text import clean

QUESTIONS = ("plausible", "typical")
_ANSWERS: Final = {"1": 1.0, "yes": 1.0, "true": 1.0, "0": 0.0, "no": 0.0, "false": 0.0, "": float("nan")}
_RELATIONS = frozenset(Relation)


@dataclass(frozen=True, slots=True)
class Statements:
    """Heads and reasons as texts, row by row; a critic scores how well each reason explains its head."""

    heads: Sequence[tuple[str, ...]]  # a query, a type, a title; of what is bought together, two titles
    reasons: Sequence[str]  # "used for winter camping"

    def __post_init__(self) -> None:
        if len(self.heads) != len(self.reasons):
            raise InputError(f"{len(self.heads)} heads do not go with {len(self.reasons)} reasons: one of each by row.")

    def __len__(self) -> int:
        return len(self.reasons)

    def only(self, rows: NDArray[np.int64]) -> "Statements":
        """Some of them. rows: row numbers."""
        return Statements([self.heads[row] for row in rows], [self.reasons[row] for row in rows])


@dataclass(frozen=True, slots=True, eq=False)
class JudgedStatements:
    """Statements with the answers of annotators."""

    statements: Statements
    answers: dict[str, NDArray[np.float32]] = field(default_factory=dict)  # by question: 1 yes, 0 no, NaN not answered

    def __len__(self) -> int:
        return len(self.statements)

    def only(self, rows: NDArray[np.int64]) -> "JudgedStatements":
        """Some of them. rows: row numbers."""
        return JudgedStatements(self.statements.only(rows), {name: each[rows] for name, each in self.answers.items()})


def statement(relation: str, tail: str) -> str:
    """A reason as text: the words of its relation, if it is one of the fifteen, then the tail."""
    return f"{Relation(relation).words} {tail}" if relation in _RELATIONS else tail


def read_judged_statements(path: Path, report: ReadReport) -> JudgedStatements:
    """The judgments of a table.

    Columns: `head`, or `item_a_title` and `item_b_title`; `relation`, which may be empty or missing; `tail`;
    `plausible` and `typical`, each 1, 0 or empty. Rows without an answer, or with another one, are set aside in
    the report.

    Raises:
        InputError: the file is missing or unreadable, lacks a column, or has no row that can be used.
    """
    heads: list[tuple[str, ...]] = []
    reasons: list[str] = []
    answers: dict[str, list[float]] = {question: [] for question in QUESTIONS}
    for rows in read_rows(path, report):
        _check_columns(path, rows.batch.column_names)
        for row, line in zip(rows.batch.to_pylist(), rows.lines.to_pylist(), strict=True):
            titles = (row["head"],) if row.get("head") else (row.get("item_a_title", ""), row.get("item_b_title", ""))
            head = tuple(text for title in titles if (text := clean(title)))
            given = [
                _ANSWERS.get(row.get(question, "").strip().casefold().removesuffix(".0")) for question in QUESTIONS
            ]
            if problem := _problem(head, row["tail"], given):
                report.reject(problem, path, line, str(row["tail"]))
                continue
            heads.append(head)
            reasons.append(statement(row.get("relation", ""), clean(row["tail"])))
            for question, answer in zip(QUESTIONS, given, strict=True):
                answers[question].append(answer if answer is not None else float("nan"))
    if not heads:
        raise InputError(f"{path} has no judgment that can be used. Each row needs a head, a tail, and an answer.")
    return JudgedStatements(
        Statements(heads, reasons), {name: np.array(each, np.float32) for name, each in answers.items()}
    )


def _check_columns(path: Path, names: Sequence[str]) -> None:
    if "tail" in names and ("head" in names or "item_a_title" in names) and set(QUESTIONS) & set(names):
        return
    raise InputError(
        f"{path} has the columns {', '.join(names)}. Judgments need `head` (or `item_a_title` and `item_b_title`), "
        "`tail`, and `plausible` or `typical`."
    )


def _problem(head: tuple[str, ...], tail: str, given: Sequence[float | None]) -> str:
    if not head:
        return "no head"
    if not tail.strip():
        return "no tail"
    if None in given:
        return "an answer that is not 1, 0 or empty"
    return "no answer" if all(np.isnan(answer) for answer in given if answer is not None) else ""
