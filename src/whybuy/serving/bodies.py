"""Answers as JSON: the bodies of the API; the command line's `--json` writes the same records on its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from whybuy.records import Answer, Completions, Hit, Intent


@dataclass(frozen=True, slots=True)
class QueryIntents:
    """The intents understood in a query; the body of `/v1/intents`."""

    query: str
    intents: tuple[Intent, ...]


def answer_json(answer: Answer) -> bytes:
    """The body of `/v1/search`: the record's fields by name."""
    return orjson.dumps(answer)


def completions_json(completions: Completions) -> bytes:
    """The body of `/v1/complete`: the record's fields by name."""
    return orjson.dumps(completions)


def hit_json(hit: Hit) -> bytes:
    """The body of `/v1/explain`: one hit with its scores, matches, reasons and path."""
    return orjson.dumps(hit)


def intents_json(query: str, intents: Sequence[Intent]) -> bytes:
    """The body of `/v1/intents`: the query and what was understood in it, surest first."""
    return orjson.dumps(QueryIntents(query, tuple(intents)))
