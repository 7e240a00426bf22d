"""Queries that arrive while the shop is served."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggestions import vocabulary_of
from whybuy.completion.completer import Completer, CompletionConfig
from whybuy.completion.folding import fold
from whybuy.completion.limits import LONGEST, Thresholds
from whybuy.completion.live_queries import LiveQueries, LoggedQuery

COUNTS = {"tent": 9.0, "tent stakes": 4.0, "lamp": 2.0}


def live_of(completer: Completer, unfound: str = "nothing") -> LiveQueries:
    return LiveQueries(lambda text: unfound not in text, completer.weight, Thresholds(2, 3, "en"))


def add(completer: Completer, live: LiveQueries, *queries: tuple[str, str]) -> bool:
    """queries: text and shopper."""
    changed = live.add([LoggedQuery(text, shopper, f"{shopper} {text}") for text, shopper in queries])
    completer.refresh(live.vocabulary())
    return changed


def texts(completer: Completer, typed: str) -> list[str]:
    return [one.text for one in completer.complete(typed)]


def test_a_query_is_suggested_as_soon_as_enough_shoppers_asked_it() -> None:
    completer = Completer.build(vocabulary_of(COUNTS))
    live = live_of(completer)
    assert not add(completer, live, ("tent pegs", "a"), ("tent pegs", "b"), ("tent pegs", "b"))
    assert texts(completer, "tent p") == ["tent stakes"]  # begins alike
    assert add(completer, live, ("Tent  Peg", "c"))  # the same words
    assert texts(completer, "tent p") == ["tent pegs", "tent peg"]
    assert texts(completer, "t") == ["tent", "tent stakes", "tent pegs", "tent peg"]


def test_what_is_known_rises_and_stands_once() -> None:
    completer = Completer.build(vocabulary_of(COUNTS))
    add(completer, live_of(completer), *[("tent stakes", shopper) for shopper in "abcdefgh"])
    assert texts(completer, "t") == ["tent stakes", "tent"]
    assert completer.complete("t")[0].score == 12.0


def test_of_one_word_key_the_known_spelling_stays_with_the_higher_count() -> None:
    completer = Completer.build(vocabulary_of(COUNTS))
    add(completer, live_of(completer), *[("tents", shopper) for shopper in "abc"])
    shown = completer.complete("tent", distinct=True)
    assert [(one.text, one.score) for one in shown] == [("tent", 9.0), ("tent stakes", 4.0)]
    assert [one.text for one in completer.complete("tent")] == ["tent", "tent stakes", "tents"]


@pytest.mark.parametrize("text", ["nothing like it", "x" * (LONGEST + 1), "...", "bad tent"])
def test_what_the_shop_does_not_answer_or_blocks_is_not_suggested(text: str) -> None:
    completer = Completer.build(vocabulary_of(COUNTS), config=CompletionConfig(blocked=("bad",)))
    add(completer, live_of(completer), *[(text, shopper) for shopper in "abcd"])
    assert fold(text) not in map(fold, texts(completer, text[:3]))


@given(
    st.lists(st.tuples(st.sampled_from(["tent", "tents", "red tent", "stove"]), st.sampled_from("abcd")), max_size=12)
)
def test_below_the_thresholds_nothing_is_shown(queries: list[tuple[str, str]]) -> None:
    completer = Completer.build(vocabulary_of({}))
    live = live_of(completer)
    add(completer, live, *queries)
    means = {"tent": "tent", "tents": "tent", "red tent": "red tent", "stove": "stove"}
    shoppers = {meant: {shopper for text, shopper in queries if means[text] == meant} for meant in means.values()}
    allowed = {text for text, _ in queries if len(shoppers[means[text]]) >= 3}
    assert {one.text for typed in "trs" for one in completer.complete(typed, limit=50)} == allowed


def test_thresholds_are_saved(tmp_path: Path) -> None:
    Completer.build(vocabulary_of(COUNTS), thresholds=Thresholds(5, 7, "de")).save(tmp_path)
    assert Completer.open(tmp_path).thresholds == Thresholds(5, 7, "de")
