"""Correction of unknown words."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.retrieval.spelling import Correction, Spelling, edit_distances, edits_allowed

typed_words = st.text("abcd", min_size=1, max_size=10)


def slow_distance(left: str, right: str) -> int:
    """Optimal string alignment, straight from its recursive definition."""

    @cache
    def distance(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        best = min(
            distance(i - 1, j) + 1, distance(i, j - 1) + 1, distance(i - 1, j - 1) + (left[i - 1] != right[j - 1])
        )
        if i > 1 and j > 1 and left[i - 1] == right[j - 2] and left[i - 2] == right[j - 1]:
            best = min(best, distance(i - 2, j - 2) + 1)
        return best

    return distance(len(left), len(right))


@given(word=typed_words, others=st.lists(typed_words, min_size=1, max_size=6))
def test_edit_distances_equal_the_recursive_definition(word: str, others: list[str]) -> None:
    letters = np.array(others, dtype="<U10").view(np.uint32).reshape(len(others), 10)
    lengths = np.array([len(other) for other in others], np.int16)
    assert edit_distances(word, letters, lengths).tolist() == [slow_distance(word, other) for other in others]


@given(word=st.text("abcdef", min_size=1, max_size=10), known=st.sets(st.text("abcdef", min_size=3, max_size=10)))
def test_nearest_finds_what_a_look_at_every_word_finds(word: str, known: set[str]) -> None:
    found = Spelling(dict.fromkeys(known, 1)).nearest(word, 1000)
    expected = {other: slow_distance(word, other) for other in known}
    allowed = edits_allowed(word)
    assert {one.word: one.edits for one in found} == {
        other: edits for other, edits in expected.items() if allowed and edits <= allowed
    }
    assert [one.edits for one in found] == sorted(one.edits for one in found)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("faucte", "faucet"), ("refridgerator", "refrigerator"), ("toilett", "toilet"), ("zoilet", "toilet")],
)
def test_nearest_knows_swapped_missing_added_and_wrong_letters(typed: str, meant: str) -> None:
    spelling = Spelling({"faucet": 5, "refrigerator": 5, "toilet": 5})
    assert [one.word for one in spelling.nearest(typed, 3)] == [meant]


def test_the_more_frequent_word_comes_first() -> None:
    assert Spelling({"boot": 2, "boat": 9}).nearest("boet", 2) == (Correction("boat", 1), Correction("boot", 1))


def test_the_same_first_letter_comes_before_frequency() -> None:
    assert Spelling({"light": 90, "might": 2}).nearest("mlght", 1)[0].word == "might"


def test_short_and_numeric_words_are_left_alone() -> None:
    spelling = Spelling({"tap": 9, "1234": 9})
    assert spelling.nearest("tip", 3) == ()
    assert spelling.nearest("1235", 3) == ()


def test_split_takes_the_most_frequent_halves() -> None:
    spelling = Spelling({"kitchen": 9, "faucet": 7, "kit": 3, "chenfaucet": 1})
    assert spelling.split("kitchenfaucet") == ("kitchen", "faucet")


def test_split_needs_both_halves() -> None:
    assert Spelling({"kitchen": 9}).split("kitchenfaucet") is None
    assert Spelling({}).split("ab") is None


def test_no_words_at_all() -> None:
    assert Spelling({}).nearest("anything", 5) == ()
