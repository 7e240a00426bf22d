"""Prompts and answers as files in OpenAI's batch format, which `vllm run-batch` and hosted batch services read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from whybuy.errors import InputError
from whybuy.language.chat_protocol import PATH, answer_in, body_of, complaint_in
from whybuy.language.generator import Answer, Finish, Prompt
from whybuy.tables import ReadReport

MOST_REQUESTS = 50_000  # in one file: what hosted services take


def write_batch(path: Path, prompts: Mapping[str, Prompt], model: str) -> list[Path]:
    """Write prompts by key, to one file or, when they are many, to several; an answer carries the key of its prompt.

    Returns: the files: `NAME.jsonl`, `NAME-2.jsonl`, ...
    """
    waiting = iter(prompts.items())
    written: list[Path] = []
    while requests := list(islice(waiting, MOST_REQUESTS)):
        part = path if not written else path.with_stem(f"{path.stem}-{len(written) + 1}")
        lines = (_request(key, prompt, model) for key, prompt in requests)
        part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        written.append(part)
    return written


def read_batch(path: Path, report: ReadReport) -> Iterator[tuple[str, Answer]]:
    """Yield (key of the prompt, answer) of a file; lines that are no answers are set aside in the report.

    Raises:
        InputError: the file is missing.
    """
    try:
        stream = path.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist. Give the file of answers that the batch service wrote.") from None
    with stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            report.rows_read += 1
            try:
                entry = json.loads(line)
                key = entry["custom_id"]
                yield str(key), _answer(entry)
            except (ValueError, RecursionError):
                report.reject("no JSON", path, number, line)
            except (LookupError, TypeError, AttributeError):
                report.reject("no answer with a custom_id", path, number, line)


class OfflineGenerator:
    """A `Generator` in place of a model whose answers come in files: it leaves every prompt unanswered."""

    def __init__(self, model: str) -> None:
        self._model = model

    @property
    def model(self) -> str:
        """Name of the model in the batch file."""
        return self._model

    def __call__(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        """See `Generator`; every answer is `Finish.UNREACHED`."""
        for place in range(len(prompts)):
            yield place, Answer("", Finish.UNREACHED, problem="no answer was read from a batch file")


def _request(key: str, prompt: Prompt, model: str) -> str:
    body = body_of(prompt, model)
    return json.dumps({"custom_id": key, "method": "POST", "url": f"/v1{PATH}", "body": body})


def _answer(entry: Mapping[str, Any]) -> Answer:
    response = entry.get("response") or {}
    if entry.get("error") or response.get("status_code", 0) != 200:
        complaint = complaint_in(json.dumps(entry.get("error") or response.get("body") or "no response"))
        return Answer("", Finish.FAILED, problem=f"HTTP {response.get('status_code', '-')}: {complaint}")
    return answer_in(response.get("body"))
