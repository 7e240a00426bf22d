"""Judgments as plain tables, a row for each, which `whybuy critic train` reads too."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import orjson

from whybuy.annotation.queue import Task
from whybuy.errors import InputError
from whybuy.journal.judgments import Item, in_order, item_of
from whybuy.records import Head, HeadKind, Judgment, Question, Role
from whybuy.relations import Relation
from whybuy.tables import ReadReport, read_rows

_WORDS = ("head", "item_a_title", "item_b_title")
_KEYS = ("head_kind", "head_key", "relation", "tail", "judge", "role")
COLUMNS = (*_WORDS, *_KEYS, *(question.value for question in Question))
_ANSWERS: Final = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False, "": None}


def to_csv(judgments: Sequence[Judgment], tasks: Mapping[Item, Task]) -> str:
    """Judgments as CSV: heads in words, what identifies them, and each answer as 1, 0 or empty.

    tasks: by item; a head that no task words stands as its key.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for judgment in judgments:
        task = tasks.get(item_of(judgment))
        words = task.heads if task else judgment.head.key
        names = ("item_a_title", "item_b_title") if judgment.head.kind is HeadKind.PAIR else ("head",)
        writer.writerow(
            {
                **dict(zip(names, words if len(names) > 1 else (" ".join(words),), strict=True)),
                "head_kind": judgment.head.kind.value,
                "head_key": orjson.dumps(judgment.head.key).decode(),
                "relation": judgment.relation.value,
                "tail": judgment.tail,
                "judge": judgment.judge,
                "role": judgment.role.value,
                **{question.value: int(answer) for question, answer in judgment.answers},
            }
        )
    return text.getvalue()


def from_rows(path: Path, report: ReadReport) -> Iterator[Judgment]:
    """The judgments of a table with the columns of `to_csv`; the words of heads are not read.

    Rows that cannot be understood are set aside in the report.

    Raises:
        InputError: the file is missing or unreadable, or lacks a column.
    """
    for rows in read_rows(path, report):
        names = rows.batch.schema.names
        if lacking := [name for name in _KEYS if name not in (*names, "role")]:
            raise InputError(
                f"{path} has the columns {', '.join(names)}; judgments lack {', '.join(lacking)}. "
                "`whybuy judgments export judgments.csv` writes a file to look at."
            )
        for row, line in zip(rows.batch.to_pylist(), rows.lines.to_pylist(), strict=True):
            try:
                yield _judgment(row)
            except (KeyError, TypeError, ValueError) as error:
                report.reject("no judgment", path, line, f"{type(error).__name__}: {error}")


def _judgment(row: Mapping[str, str | list[str]]) -> Judgment:
    key = row["head_key"]
    parts = key if isinstance(key, list) else orjson.loads(key)
    answers = {
        question: _ANSWERS[str(row.get(question.value, "")).strip().casefold().removesuffix(".0")]
        for question in Question
    }
    if not str(row["judge"]).strip():
        raise ValueError("nobody judged")
    return Judgment(
        Head(HeadKind(str(row["head_kind"])), tuple(map(str, parts))),
        Relation(str(row["relation"])),
        str(row["tail"]),
        str(row["judge"]),
        Role(str(row.get("role") or Role.JUDGE.value)),
        in_order(answers),
    )
