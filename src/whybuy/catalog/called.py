"""What descriptions call their own products: "this digital camera features ..."."""

import re
from collections.abc import Sequence

from whybuy.catalog.titles import singular
from whybuy.text import FUNCTION_WORDS, normalize

_WORD = r"[^\W_](?:[\w'\"/-]|\.\d)*"  # "15.6\"" is one
_POINTING = re.compile(rf"\b(?:this|these|our)\s+((?:{_WORD}\s+){{0,6}}{_WORD})")

Called = tuple[tuple[str, ...], ...]
"""Names of one product, in reading order; each the words behind "this" up to a function word, singular."""


def called(description: str) -> Called:
    """The names by which a description points at its product."""
    names = []
    for match in _POINTING.finditer(normalize(description)):
        words: list[str] = []
        for word in match[1].split():
            if word in FUNCTION_WORDS:
                break
            words.append(singular(word))
        if words:
            names.append(tuple(words))
    return tuple(names)


def known_name(names: Sequence[tuple[str, ...]], known: frozenset[str], longest: int = 3) -> str:
    """The first of some known types by which a product is called, the longest that begins there; "" when none is."""
    for name in names:
        for start in range(len(name)):
            for length in range(longest, 0, -1):
                words = " ".join(name[start : start + length])
                if words in known:
                    return words
    return ""
