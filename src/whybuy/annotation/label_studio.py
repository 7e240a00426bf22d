"""Judgments as Label Studio reads and writes them: a task for each reason, a choice for each question."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import orjson

from whybuy.annotation.guidelines import GUIDELINES
from whybuy.annotation.queue import Task
from whybuy.errors import InputError
from whybuy.journal.judgments import Item, in_order
from whybuy.records import Head, HeadKind, Judgment, Question, Role
from whybuy.relations import Relation
from whybuy.tables import ReadReport

_YES, _NO = "yes", "no"
_SHOWN = "reason"  # the name of the text that choices are about

Json = dict[str, Any]


def labeling_config() -> str:
    """The labeling interface of a Label Studio project for these tasks, as XML."""
    questions = "".join(
        f'  <Header value={quoteattr(GUIDELINES[question].asks)} size="5"/>\n'
        f'  <Choices name="{question.value}" toName="{_SHOWN}" choice="single-radio" showInline="true">'
        f'<Choice value="{_YES}"/><Choice value="{_NO}"/></Choices>\n'
        for question in Question
    )
    return f'<View>\n  <Text name="{_SHOWN}" value="${_SHOWN}"/>\n{questions}</View>\n'


def to_label_studio(tasks: Sequence[Task], judgments: Mapping[Item, Sequence[Judgment]]) -> bytes:
    """Tasks with their judgments as annotations, as a JSON list. judgments: by item."""
    return orjson.dumps([_task(task, judgments.get(task.item, ())) for task in tasks], option=orjson.OPT_INDENT_2)


def from_label_studio(path: Path, report: ReadReport) -> Iterator[Judgment]:
    """The judgments of an export of Label Studio (JSON, not JSON_MIN).

    Who judged is the e-mail or number of the account. Annotations that are cancelled, or that cannot be understood,
    are set aside in the report; their line is the task's place in the file.

    Raises:
        InputError: the file is missing or no list of tasks.
    """
    for line, task in enumerate(_tasks(path), 1):
        for annotation in task.get("annotations", ()) if isinstance(task, dict) else ({},):
            report.rows_read += 1
            try:
                yield _judgment(task["data"], annotation)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                report.reject("no judgment", path, line, f"{type(error).__name__}: {error}")


def _tasks(path: Path) -> list[Any]:
    try:
        tasks = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"There is no file {path}. Give an export of Label Studio.") from None
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON ({error}). Export the project as JSON.") from None
    if not isinstance(tasks, list):
        raise InputError(f"{path} is no list of tasks. Export the project as JSON.")
    return tasks


def _task(task: Task, judgments: Sequence[Judgment]) -> Json:
    head, relation, tail = task.item
    data = {
        _SHOWN: f"{' + '.join(task.heads)}: {relation.words} {tail}",
        "examples": list(task.examples),
        "head_kind": head.kind.value,
        "head_key": list(head.key),
        "relation": relation.value,
        "tail": tail,
    }
    return {"data": data, "annotations": [_annotation(judgment) for judgment in judgments]}


def _annotation(judgment: Judgment) -> Json:
    results = [
        {
            "from_name": question.value,
            "to_name": _SHOWN,
            "type": "choices",
            "value": {"choices": [_YES if answer else _NO]},
        }
        for question, answer in judgment.answers
    ]
    return {"completed_by": {"email": judgment.judge}, "role": judgment.role.value, "result": results}


def _judgment(data: Json, annotation: Json) -> Judgment:
    if annotation.get("was_cancelled"):
        raise ValueError("the annotation was cancelled")
    who = annotation["completed_by"]
    name = who.get("email") or who["id"] if isinstance(who, dict) else who
    head = Head(HeadKind(data["head_kind"]), tuple(map(str, data["head_key"])))
    answers = dict(_answer(result) for result in annotation["result"])
    role = Role(annotation.get("role", Role.JUDGE))
    return Judgment(head, Relation(data["relation"]), str(data["tail"]), str(name), role, in_order(answers))


def _answer(result: Json) -> tuple[Question, bool]:
    (choice,) = result["value"]["choices"]
    return Question(result["from_name"]), {_YES: True, _NO: False}[choice]
