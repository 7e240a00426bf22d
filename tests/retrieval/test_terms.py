"""Terms of the lexical index: what is written differently and means the same becomes alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.retrieval.terms import LONGEST_WORD, stem, words


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("2x4", "2 x 4"),
        ("24 in. x 36 in.", "24inx36in"),
        ('5" pipe', "5 inch pipe"),
        ("5 gal.", "5-gallon"),
        ("1/2 in.", ".5 inches"),
        ("6' ladder", "6 ft ladder"),
        ("12V", "12 volts"),
        ("1,000 watts", "1000w"),
        ("50lb", "50 pounds"),
        ("Shopper's", "shopper"),
    ],
)
def test_written_differently_means_the_same(left: str, right: str) -> None:
    assert words(left) == words(right)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("slip-on shoes", ["slip", "on", "shoes"]),
        ("50028044a", ["50028044a"]),
        ("1/0", ["1", "0"]),
        ("box of x", ["box", "of", "x"]),
        ("9/11/2001", ["9", "11", "2001"]),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_overlong_words_are_dropped() -> None:
    assert words("a" * (LONGEST_WORD + 1)) == []


@pytest.mark.parametrize(("left", "right"), [("faucets", "faucet"), ("café", "cafe"), ("blinds", "blind")])
def test_stems_meet(left: str, right: str) -> None:
    assert stem(left) == stem(right)


@given(st.text())
def test_any_text_gives_words_without_spaces(text: str) -> None:
    assert all(word and not any(map(str.isspace, word)) for word in words(text))


@given(st.text())
def test_any_word_has_one_stem(text: str) -> None:
    assert all(stem(word) == stem(word).strip() for word in words(text))


@pytest.mark.parametrize(
    ("plural", "singular"),
    [("shelves", "shelf"), ("knives", "knife"), ("women", "woman"), ("mice", "mouse"), ("boxes", "box")],
)
def test_plurals_and_singulars_are_one_term(plural: str, singular: str) -> None:
    assert stem(plural) == stem(singular)
