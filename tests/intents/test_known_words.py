"""A guess needs words that the shop knows for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from whybuy.intents.known_words import KnownWords, telling_words

TEXTS = ["shoes for flat feet", "insole for flat feet", "flat tires"]
KNOWN = KnownWords.of([(TEXTS, csr_matrix(np.array([[1, 0], [1, 0], [0, 1]], np.float32)))])


@pytest.mark.parametrize(
    ("query", "supported"),
    [
        ("insoles for flat feet", True),
        ("flat shoe", True),
        ("flat", False),  # of a tire as well
        ("gluten free", False),
        ("flat feet gluten free bread", False),  # most of it is unknown
        ("flat tire", False),  # known for another reason
        ("", False),
    ],
)
def test_most_words_of_a_query_must_be_known_for_the_reason(query: str, supported: bool) -> None:
    assert KNOWN.support(0, telling_words(query)) is supported


def test_a_reason_without_words_is_never_guessed() -> None:
    none = KnownWords.of([(["lamp"], csr_matrix((1, 3), dtype=np.float32))])
    assert not none.support(2, telling_words("desk lamp"))


@given(st.lists(st.sampled_from("flat feet shoe insole tire bread".split()), max_size=5))
def test_as_counted_word_by_word(words: list[str]) -> None:
    own = [
        {word for text, reasons in zip(TEXTS, ([0], [0], [1]), strict=True) if at in reasons for word in text.split()}
        for at in (0, 1)
    ]
    singular = {"shoes": "shoe", "feet": "foot", "tires": "tire"}
    own = [{singular.get(word, word) for word in each} - {"for"} for each in own]
    asked = {singular.get(word, word) for word in words}
    for reason in (0, 1):
        known = len(asked & own[reason])
        assert KNOWN.support(reason, telling_words(" ".join(words))) is (known >= 2 and 2 * known > len(asked))
