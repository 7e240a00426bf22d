"""Extracts the candidate phrases from a model's text: whole or truncated JSON, numbered lists, plain lines."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from whybuy.text import clean, normalize

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"reasons": {"type": "array", "items": {"type": "string"}}},
        "required": ["reasons"],
        "additionalProperties": False,
    }
)
"""JSON schema of an answer."""

LONGEST_CANDIDATE = 10  # words; what is longer explains, and names nothing
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_FENCE = re.compile(r"```[a-zA-Z]*\s*(.*?)(?:```|\Z)", re.DOTALL)
_MARK = re.compile(r"\s*(?:\(?(\d{1,2})[.):]|[-*•–+])(?:\s+|$)(.*)")
_INLINE = re.compile(r"(?<=\S)\s+(?=\(?\d{1,2}[.)]\s+\S)")
_JSON_START = re.compile(r'[\[{]\s*(?:["\[\]{}]|$)')
_STRING = re.compile(r'("(?:[^"\\]|\\.)*")\s*(:?)', re.DOTALL)
_EXPLAINED = re.compile(r"\s*(?::|\s[-–—]|\s->)\s+.*|\s*\([^()]*\)\s*$")
_EDGES = " \t\"'`*_.,;:…“”‘’[]{}<>"
_NOTHING = frozenset(
    ("none", "n/a", "na", "not applicable", "no answer", "unknown", "nothing", "null", "true", "false")
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The candidate phrases of one answer."""

    candidates: tuple[str, ...]  # phrases, as worded
    set_aside: tuple[tuple[str, str], ...] = ()  # why, and what
    is_empty_list: bool = False  # an empty list is an answer: there is no reason


def parse_answer(text: str, *, cut: bool = False) -> Parsed:
    """The candidates in any text; never raises. cut: the model ran out of tokens, so the last one is incomplete."""
    body = _THOUGHT.sub(" ", text).strip()
    fenced = _FENCE.search(body)
    body = fenced[1].strip() if fenced else body
    items = _json(body) if _JSON_START.match(body) else None
    if items == []:
        return Parsed((), (), is_empty_list=True)
    set_aside: list[tuple[str, str]] = []
    if items is None:
        items = list(_listed(body))
        set_aside += [("cut off", items.pop())] if cut and items else []
    kept: dict[str, str] = {}
    for item in items:
        phrase = _phrase(item)
        problem = "said twice" if normalize(phrase) in kept else _problem(phrase)
        if problem:
            set_aside.append((problem, clean(item)))
        else:
            kept[normalize(phrase)] = phrase
    return Parsed(tuple(kept.values()), tuple(set_aside))


def _json(body: str) -> list[str]:
    """The texts in JSON; of truncated JSON, the complete ones."""
    try:
        return list(_texts(json.JSONDecoder().raw_decode(body)[0]))
    except (ValueError, RecursionError):
        return [text for quoted, colon in _STRING.findall(body) if not colon for text in _unquoted(quoted)] or [""]


def _unquoted(quoted: str) -> list[str]:
    try:
        return list(_texts(json.loads(quoted, strict=False)))
    except ValueError:
        return []


def _texts(value: object) -> Iterator[str]:
    """All texts in a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _listed(body: str) -> Iterator[str]:
    """The entries of a numbered or bulleted list; else all lines."""
    lines = [line for line in _INLINE.sub("\n", body).splitlines() if line.strip()]
    marks = [_MARK.fullmatch(line) for line in lines]
    first = next((at for at, mark in enumerate(marks) if mark), None)
    if first is None:
        yield from (line for line in lines if not line.rstrip().endswith(":"))
        return
    if first and (marks[first] or [""])[1] == "2":  # the prompt ended in "1."
        yield lines[first - 1]
    yield from (mark[2] for mark in marks if mark)


def _phrase(item: str) -> str:
    """A candidate without markup, and without an explanation that follows it."""
    plain = clean(item.encode("utf-8", "replace").decode()).replace("**", "").strip(_EDGES)
    short = _EXPLAINED.sub("", plain).strip(_EDGES)
    return short or plain


def _problem(phrase: str) -> str:
    words = phrase.split()
    if not any(character.isalpha() for character in phrase) or normalize(phrase) in _NOTHING:
        return "says nothing"
    return f"longer than {LONGEST_CANDIDATE} words" if len(words) > LONGEST_CANDIDATE else ""
