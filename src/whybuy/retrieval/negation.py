"""Words of a query that a product must not have: "wine glasses without stem", "running shoe -red" (our design)."""

import re
from collections.abc import Iterator, Sequence

from tantivy import Occur
from tantivy import Query as Search

from whybuy.retrieval.terms import is_function_word, stem
from whybuy.retrieval.word_documents import SCHEMA

WITHOUT = "without"
LONGEST = 3  # words that one "without" leaves out
_MINUS = re.compile(r"(?<=\s)-(?=[^\W\d])")
_BEFORE = (WITHOUT, "no", "not", "non", "zero")  # the word that a product lacks
_BEHIND = ("free", "less")
_BETWEEN = 1  # words at most: "no added sugar"
_ABOUT_ITSELF = ("title", "product_type", "attributes")  # a description says what a product can do without, too


def spelled_out(text: str) -> str:
    """A query with "-red" as "without red"."""
    return _MINUS.sub(f"{WITHOUT} ", text)


def split_excluded(typed: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of a query that are asked for, and those that are left out; all are asked for where none would be.

    What "without" leaves out ends before a function word: "lights without wiring with switch".
    """
    asked: list[str] = []
    excluded: list[str] = []
    left = 0  # how many of the next words are left out
    for word in typed:
        if word == WITHOUT:
            left = LONGEST
        elif left and not is_function_word(word):
            excluded.append(word)
            left -= 1
        else:
            asked.append(word)
            left = 0
    some_left = any(not is_function_word(word) for word in asked)
    return (asked, excluded) if excluded and some_left else (list(typed), [])


def saying_so(excluded: Sequence[str], fields: Sequence[str]) -> Search:
    """Products that say of themselves that they lack something: "stemless", "no added sugar", "sugar-free".

    excluded: words as the catalog spells them.
    """
    return _any(clause for word in excluded for name in fields for clause in _denials(name, word))


def having_all(excluded: Sequence[str], fields: Sequence[str]) -> Search:
    """Products that have all that a query leaves out, and do not say that they lack it."""
    about = [name for name in _ABOUT_ITSELF if name in fields]
    each = [(Occur.Must, _any(Search.term_query(SCHEMA, name, stem(word)) for name in about)) for word in excluded]
    return Search.boolean_query([*each, (Occur.MustNot, saying_so(excluded, about))])


def _denials(name: str, word: str) -> Iterator[Search]:
    term = stem(word)
    for before in _BEFORE:
        yield Search.phrase_query(SCHEMA, name, [stem(before), term], slop=_BETWEEN)
    for behind in _BEHIND:
        yield Search.phrase_query(SCHEMA, name, [term, stem(behind)])
    for whole in {f"{word}less", f"{word.removesuffix('s')}less", f"{term}less"}:
        yield Search.term_query(SCHEMA, name, stem(whole))


def _any(searches: Iterator[Search]) -> Search:
    return Search.boolean_query([(Occur.Should, search) for search in searches])
