"""Which texts stand in a public one."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.completion.public_texts import standing_in

TITLES = ["Iron Harvest: Siege of Marrow Collector's Edition", "X-Kart 360", "Fallout Bay", "Marble It Up"]


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("iron harvest", True),
        ("Siege of Marrow", True),
        ("harvest siege", True),
        ("collectors edition", True),
        ("xkart360", True),  # spaced otherwise
        ("x kart", True),
        ("iron marrow", False),  # what lies between is left out
        ("marrow siege", False),
        ("iron harvest jane doe", False),
        ("harv", False),  # a part of a word
        ("siege of", False),  # breaks off
        ("fall out", True),
        ("marble it up", True),
        ("marble it", False),
        ("iron harvest siege of marrow collector's edition", True),
        ("360", True),
        ("...", False),
    ],
)
def test_what_stands_in_a_title_word_for_word_is_public(text: str, public: bool) -> None:
    assert standing_in([text], TITLES) == ({text} if public else set())


WORDS = st.lists(st.sampled_from(["a1", "a", "1", "b", "ab", "c"]), min_size=1, max_size=5)


@given(st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=12))
def test_all_runs_of_words_are_found(titles: list[list[str]], texts: list[list[str]]) -> None:
    runs = {
        "".join(title[low:high])
        for title in titles
        for low, high in combinations(range(len(title) + 1), 2)
        if title[high - 1] != "a" or high == len(title)
    }
    expected = {" ".join(words) for words in texts if "".join(words) in runs}
    assert standing_in(map(" ".join, texts), map(" ".join, titles)) == expected
