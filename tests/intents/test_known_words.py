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
    ("query", "bare", "supported"),
    [
        ("insoles for flat feet", False, True),
        ("something for flat feet", False, True),
        ("flat shoe", True, True),
        ("flat", True, False),  # of a tire as well
        ("for feet", False, True),
        ("gluten free", True, False),
        ("flat feet gluten free bread", True, False),  # most of it is unknown
        ("flat tire", True, False),  # known for another reason
        ("", False, False),
    ],
)
def test_half_the_words_of_a_query_must_be_known_for_the_reason(query: str, bare: bool, supported: bool) -> None:
    assert KNOWN.support(0, telling_words(query), bare=bare) is supported


def test_a_reason_without_words_is_never_guessed() -> None:
    none = KnownWords.of([(["lamp"], csr_matrix((1, 3), dtype=np.float32))])
    assert not none.support(2, telling_words("desk lamp"), bare=False)


@given(st.lists(st.sampled_from("flat foot shoe insole tire bread".split()), max_size=5), st.booleans())
def test_as_counted_word_by_word(words: list[str], bare: bool) -> None:
    for reason, own in enumerate(({"shoe", "insole", "flat", "foot"}, {"flat", "tire"})):
        known, asked = len(own.intersection(words)), len(set(words))
        supported = known >= (2 if bare else 1) and 2 * known >= asked
        assert KNOWN.support(reason, telling_words(" ".join(words)), bare=bare) is supported
