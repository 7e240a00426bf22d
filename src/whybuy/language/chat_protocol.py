"""Converts prompts and answers to and from the JSON of OpenAI's chat completions; used by endpoints and batch files."""

import json
from collections.abc import Mapping
from typing import Any

from whybuy.language.generator import Answer, Finish, Prompt

PATH = "/chat/completions"  # below the address that ends in /v1
EXCERPT = 200  # characters of a server's response that a message repeats
_FINISHES = {"length": Finish.LENGTH, "content_filter": Finish.FAILED}


def body_of(prompt: Prompt, model: str) -> dict[str, Any]:
    """The body of a request for a prompt."""
    sampling = prompt.sampling
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
        "temperature": sampling.temperature,
        "max_tokens": sampling.max_tokens,
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.schema:
        schema = {"name": "answer", "strict": True, "schema": json.loads(sampling.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def answer_in(body: object) -> Answer:
    """The answer in the body of a response; `Finish.FAILED` when it holds none."""
    try:
        choice = body["choices"][0]  # type: ignore[index]
        text = choice["message"].get("content") or ""
        finish = _FINISHES.get(choice.get("finish_reason"), Finish.STOP)
        refusal = choice["message"].get("refusal") or ""
        usage = body.get("usage") or {}  # type: ignore[attr-defined]
        tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    except (LookupError, TypeError, AttributeError, ValueError):
        return Answer("", Finish.FAILED, problem=f"this is no chat completion: {_plain(str(body))}")
    if refusal or not isinstance(text, str):
        return Answer("", Finish.FAILED, *tokens, problem=f"the model refused: {_plain(str(refusal or text))}")
    return Answer(
        _writable(text), finish, *tokens, problem="a content filter held it back" if finish is Finish.FAILED else ""
    )


def complaint_in(text: str) -> str:
    """The error message in the body of a failed response, in one line."""
    try:
        body = json.loads(text)
        error = body.get("error", body.get("detail", body))
        message = error.get("message", error) if isinstance(error, Mapping) else error
    except (ValueError, AttributeError):
        message = text
    return _plain(str(message))


def _plain(text: str) -> str:
    """One line for a message."""
    return " ".join(_writable(text).split())[:EXCERPT]


def _writable(text: str) -> str:
    """Text that UTF-8 can encode; JSON may escape lone surrogates, which it cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")
