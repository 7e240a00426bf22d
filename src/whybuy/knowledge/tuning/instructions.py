"""Instructions (a prompt with its answer), and the chat files that hold them."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from whybuy.errors import InputError
from whybuy.language.generator import Message
from whybuy.tables import ReadReport

YES, NO = "yes", "no"


class Task(StrEnum):
    """The five tasks of COSMO-LM (SIGMOD 2024)."""

    GENERATION = "generation"
    PLAUSIBILITY = "plausibility"
    TYPICALITY = "typicality"
    SEARCH_RELEVANCE = "search_relevance"
    CO_PURCHASE = "co_purchase"


class Part(StrEnum):
    """What an instruction is for; also the name of its file."""

    TRAIN = "train"
    HELD_OUT = "held_out"


@dataclass(frozen=True, slots=True)
class Instruction:
    """A prompt with its answer, for tuning or measuring a model."""

    task: Task
    prompt: tuple[Message, ...]
    answer: str  # "yes" or "no"; of the generation, a numbered list
    reasons: tuple[str, ...] = ()  # of the generation: all that are right, the listed ones among them


def path_of(folder: Path, part: Part) -> Path:
    """The file of a part."""
    return folder / f"{part.value}.jsonl"


def write_instructions(path: Path, instructions: Iterable[Instruction]) -> None:
    """Write chat lines, `{"messages": [...]}`, which TRL and hosted tuning read; the task stands beside."""
    with path.open("wb") as lines:
        for one in instructions:
            lines.write(orjson.dumps(_line(one)) + b"\n")


def _line(one: Instruction) -> dict[str, Any]:
    chat = [*one.prompt, Message("assistant", one.answer)]
    line: dict[str, Any] = {"messages": [asdict(message) for message in chat], "task": one.task.value}
    return line | {"reasons": one.reasons} if one.reasons else line


def read_instructions(path: Path, report: ReadReport) -> list[Instruction]:
    """The instructions of a chat file, where a chat ends with its answer; other lines are set aside in the report.

    Raises:
        InputError: the file is missing, or no line can be used.
    """
    if not path.is_file():
        raise InputError(f"There is no instruction file {path}. Write it with `whybuy lm export --out {path.parent}`.")
    instructions = list(_readable(path, report))
    if not instructions:
        raise InputError(
            f"{path} has no line that can be used. A line is a chat in `messages`, its answer last, with its `task`."
        )
    return instructions


def _readable(path: Path, report: ReadReport) -> Iterator[Instruction]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            report.rows_read += 1
            try:
                fields = orjson.loads(line)
                *prompt, answer = (Message(**message) for message in fields["messages"])
                reasons = tuple(fields.get("reasons", ()))
                yield Instruction(Task(fields["task"]), tuple(prompt), answer.content, reasons)
            except (ValueError, KeyError, TypeError) as error:
                report.reject("no chat with a task", path, number, f"{error}: {line[:80]!r}")
