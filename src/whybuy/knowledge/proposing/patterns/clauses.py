"""Splits running text, lists and `name: value` lines into the clauses that patterns are looked for in."""

import re
from collections.abc import Container, Iterator

from whybuy.text import normalize

_GLUED = re.compile(r"\b[^\W_]*[a-z]{3}[A-Z0-9][^\W_]*\b")
_GLUE = re.compile(r"(?<=[a-z]{3})(?=[A-Z0-9][a-z0-9 -])|(?<=[a-z]{3})(?=[A-Z]{2})")
_MARKS = re.compile(r"[®™©℠]")
_CLAUSE = re.compile(
    r"""[.;:!?()\[\]|"]+(?:\s|$)   # the end of a sentence or of a part of it
    |(?<=[^\W\d_]{3})\.(?=(?!com\b|net\b|org\b)[^\W\d_]{3})
    |[;!?()\[\]|"{}]               # also without a space behind it
    |[^\w\s.,;:!?'"&/%+$#@°*<>=-]+    # bullets, arrows, emoji, brackets of other scripts
    |(?:^|\s)[*•-]+\s              # bullets of plain text
    |,\s(?=(?:and\ |or\ )?(?:it|this|the|these|our|you|we)\b)""",
    re.VERBOSE,
)
_HEADING = re.compile(r"[【\[]([^】\]]{1,40})[】\]]\s*[:：-]?")
_TIGHT = re.compile(r"(?<=[^\W\d_]),(?=[^\W\d_])")
_LABEL = re.compile(r"\b(for|with|in|as|at|on)\s*:\s*")


def _plain(text: str) -> str:
    """Text without signs of trademarks; a heading in brackets is a label: "【Perfect for】 camping"."""
    return _HEADING.sub(r" • \1: ", _MARKS.sub("", text))


def clauses(text: str, written: Container[str] = frozenset()) -> Iterator[str]:
    """The normalized clauses of a text.

    written: words that titles have; others with a capital letter inside are two lines that a feed ran together
    ("systemWi-Fi"), and split.
    """
    text = _GLUED.sub(lambda match: match[0] if match[0] in written else _GLUE.sub(" • ", match[0]), text)
    text = _TIGHT.sub(", ", _LABEL.sub(r"\1 ", normalize(_plain(text))))  # "perfect for: beach"
    for clause in _CLAUSE.split(text):
        if clause := clause.strip(" ,-*"):
            yield clause


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """The normalized names and values of `name: value` lines in a text."""
    for line in re.split(r"[•\n]|(?<=[.!?])\s", _plain(text)):
        name, mark, value = normalize(line).partition(":")
        if mark and value.strip() and len(name.split()) <= 4:
            yield name.strip(" -*"), re.split(r"\.(?!\d)|[;!?(]", value)[0].strip()
