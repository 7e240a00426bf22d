"""Correction of unknown words."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from whybuy.retrieval.spelling import Correction, Reading, Speller, Spelling, edit_distances, edits_allowed

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
    likely = [2.5 * one.edits + 1.2 * (one.word[0] != word[0]) for one in found]
    assert likely == sorted(likely)


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


def test_two_slips_in_a_long_word_are_found() -> None:
    assert [one.word for one in Spelling({"varnish": 9}).nearest("barnisch", 3)] == ["varnish"]


def test_a_much_more_frequent_word_comes_before_a_nearer_misspelling_of_the_catalog() -> None:
    spelling = Spelling({"flourescent": 1, "fluorescent": 400})
    assert spelling.nearest("flourscent", 1)[0].word == "fluorescent"


def test_splits_are_all_pairs_of_known_words() -> None:
    spelling = Spelling({"kitchen": 9, "faucet": 7, "kit": 3, "chenfaucet": 1})
    assert spelling.splits("kitchenfaucet") == [("kit", "chenfaucet"), ("kitchen", "faucet")]


def test_a_split_needs_both_halves_and_letters_alone() -> None:
    assert Spelling({"kitchen": 9}).splits("kitchenfaucet") == []
    assert Spelling({"510": 9, "012": 9}).splits("510012") == []
    assert Spelling({}).splits("ab") == []


# ---------------------------------------------------------------- what a word of a query may mean
TITLES = (
    *(["step ladder"] * 30 + ["wall letter"] * 60 + ["fluorescent lamp"] * 300 + ["flourescent lamp", "zorbo step"]),
    *(["galvanized bolt"] * 30 + ["galley bolt", "gold paint", "cup holder", "board"] + ["modern lamp"] * 600),
    *(["rebar bender"] * 5),
)


def speller() -> Speller:
    words = {word for title in TITLES for word in title.split()}
    having = {word: np.packbits([word in title.split() for title in TITLES]) for word in words}

    def bits(word: str) -> NDArray[np.uint8]:
        return having.get(word, np.packbits(np.zeros(len(TITLES), np.bool_)))

    counts = {word: sum(word in title.split() for title in TITLES) for word in words}
    return Speller(Spelling(counts), bits, len(TITLES))


def first(word: str, *others: str) -> str:
    return " ".join(speller().readings(word, others)[0].words)


def test_other_words_of_the_query_tell_which_of_two_words_was_meant() -> None:
    assert first("latter", "step") == "ladder"
    assert first("lettre", "wall") == "letter"


def test_a_word_of_the_dictionary_is_kept_where_nothing_speaks_for_another() -> None:
    readings = speller().readings("beard", ())
    assert [one.words for one in readings] == [("beard",), ("board",)]
    assert readings[0].weight == 1.0 > readings[1].weight


def test_a_short_unknown_word_is_a_brand_rather_than_two_slips() -> None:
    assert first("korbos") == "korbos"


def test_a_run_on_word_is_read_as_the_two_that_stand_together() -> None:
    assert first("rebarbender") == "rebar bender"
    assert first("cupboard") == "cupboard"  # never together, and a word of its own


def test_a_word_cut_short_is_read_as_the_one_that_begins_so() -> None:
    assert first("galv", "bolt") == "galvanized"


def test_a_function_word_is_never_meant() -> None:
    counts = {"with": 50, "width": 2}
    none = np.packbits(np.zeros(60, np.bool_))
    assert Speller(Spelling(counts), lambda _: none, 60).readings("witth", ())[0].words != ("with",)


def test_a_rare_word_may_stand_for_a_frequent_one() -> None:
    assert speller().meant("flourescent", ()) == (Reading(("fluorescent",), 0.5),)


@pytest.mark.parametrize("word", ["fluorescent", "galley", "zorbo"])
def test_frequent_words_words_of_the_dictionary_and_far_ones_stand_for_themselves(word: str) -> None:
    assert speller().meant(word, ()) == ()


def test_no_words_at_all() -> None:
    assert Spelling({}).nearest("anything", 5) == ()
