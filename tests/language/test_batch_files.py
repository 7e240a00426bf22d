"""Prompts out and answers in, as files in the batch format of OpenAI."""

import json
from pathlib import Path

import pytest

from chat_server import LIST, prompts, says
from whybuy.errors import InputError
from whybuy.language import batch_files
from whybuy.language.batch_files import OfflineGenerator, read_batch, write_batch
from whybuy.language.generator import Answer, Finish, Sampling
from whybuy.tables import ReadReport

ASKED = {f"key {number}": prompt for number, prompt in enumerate(prompts(3, Sampling(seed=1, max_tokens=50)))}


def test_a_request_is_a_line_that_batch_services_take(tmp_path: Path) -> None:
    (path,) = write_batch(tmp_path / "ask.jsonl", ASKED, "m")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["custom_id"] for line in lines] == list(ASKED)
    assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
    assert lines[1]["body"] == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why number 1?"}],
        "temperature": 0.7,
        "max_tokens": 50,
        "seed": 1,
    }


def test_many_requests_make_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_files, "MOST_REQUESTS", 2)
    files = write_batch(tmp_path / "ask.jsonl", ASKED, "m")
    assert [file.name for file in files] == ["ask.jsonl", "ask-2.jsonl"]
    assert [len(file.read_text().splitlines()) for file in files] == [2, 1]


def answer_line(key: str, status: int = 200, body: object = None, error: object = None) -> str:
    completion = json.loads(says(LIST).body)
    return json.dumps(
        {"id": "r", "custom_id": key, "response": {"status_code": status, "body": body or completion}, "error": error}
    )


def test_answers_come_back_by_their_key_and_bad_lines_are_set_aside(tmp_path: Path) -> None:
    lines = [
        answer_line("good"),
        "",
        "{half",
        answer_line("busy", status=500, body={"error": {"message": "overloaded"}}),
        json.dumps({"custom_id": "late", "response": None, "error": {"code": "batch_expired", "message": "too late"}}),
        json.dumps({"response": {}}),
        json.dumps(["no object"]),
        answer_line("odd", body={"choices": []}),
        "[" * 100_000,
    ]
    path, report = tmp_path / "answers.jsonl", ReadReport()
    path.write_text("\n".join(lines), encoding="utf-8")
    found = dict(read_batch(path, report))
    assert found["good"] == Answer(LIST, Finish.STOP, 30, len(LIST.split()))
    assert {key: answer.problem for key, answer in found.items() if not answer.good} == {
        "busy": "HTTP 500: overloaded",
        "late": "HTTP -: too late",
        "odd": "this is no chat completion: {'choices': []}",
    }
    assert report.set_aside == {"no JSON": 2, "no answer with a custom_id": 2}
    assert (report.examples[0].line, report.examples[0].reason) == (3, "no JSON")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"answers\.jsonl does not exist"):
        list(read_batch(tmp_path / "answers.jsonl", ReadReport()))


def test_what_was_not_read_is_not_there_yet() -> None:
    answers = dict(OfflineGenerator("m")(prompts(2)))
    assert {answer.finish for answer in answers.values()} == {Finish.UNREACHED}
    assert sorted(answers) == [0, 1]
