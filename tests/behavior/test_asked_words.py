"""Words that searches ask of product types unsaid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.behavior.asked import LEAST_LIFT, AskedWord, asked_words

Said = list[set[str]]


PENS = 40


def asked(
    searches: list[list[str]],
    chosen: list[list[int]],
    types: list[str],
    said: Said,
    *,
    least_choices: int = 3,
    least_searches: int = 2,
) -> list[AskedWord]:
    """Among searches for pens, so that nothing else is chosen by chance."""
    searches, chosen = [*searches, ["pen"]], [*chosen, list(range(len(types), len(types) + PENS))]
    types, said = [*types, *["pen"] * PENS], [*said, *[{"pen"}] * PENS]
    table = np.zeros((len(searches), len(types)), np.float32)
    for search, products in enumerate(chosen):
        table[search, products] = 1

    def has(word: str) -> NDArray[np.bool_]:
        return np.array([word in words for words in said], np.bool_)

    least = {"least_choices": least_choices, "least_searches": least_searches}
    return list(asked_words(searches, csr_matrix(table), np.array(types, dtype=object), has, **least))


def test_a_type_answers_what_its_chosen_products_do_not_say() -> None:
    searches = [["bathroom", "vanity"], ["vanity", "bathroom"], ["oak", "vanity"], ["oak", "vanity", "drawer"]]
    said = [{"vanity", "oak"}, {"vanity", "oak"}, {"vanity"}, {"vanity"}]
    found = asked(searches, [[0, 2], [1, 3], [0, 1], [0, 1]], ["vanity"] * 4, said)
    assert [(one.word, one.product_type, one.searches) for one in found] == [("bathroom", "vanity", (0, 1))]
    assert found[0].weight == pytest.approx(4.5 / 5)
    assert found[0].last == 0.5


def test_what_people_choose_by_is_no_word_of_the_type() -> None:
    """Three of ten products are red, and those who ask for red choose these, but for one time in seven."""
    said = [{"red"} if at < 3 else set() for at in range(10)]
    searches = [["red", "lamp"]] * 7
    found = asked(searches, [[0, 1, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2], [0, 9], [1, 8], [2, 7]], ["lamp"] * 10, said)
    assert {one.word: one.weight for one in found}["red"] == pytest.approx((3.5 / 19) / 0.7)


def test_what_is_chosen_as_often_for_any_search_answers_none() -> None:
    searches = [["hot"], ["hot"], ["cold"], ["cold"], ["warm"], ["new"]]
    assert asked(searches, [[0, 1]] * 6, ["heater"] * 2, [set(), set()]) != []
    assert asked(searches * 20, [[0, 1]] * 120, ["heater"] * 2, [set(), set()]) == []


def test_a_word_stands_alone_where_products_say_what_is_beside_it() -> None:
    searches = [["flat", "feet", "shoe"], ["shoe", "feet"], ["red", "feet", "shoe"]]
    found = asked(searches, [[0, 1]] * 3, ["shoe"] * 2, [{"shoe", "red"}] * 2)
    assert {one.word: one.alone for one in found} == {"feet": 2}


def test_what_a_single_choice_shows_weighs_three_quarters() -> None:
    one = asked([["hot", "heater"]], [[0]], ["heater"], [{"heater"}], least_choices=1, least_searches=1)
    assert [(word.word, word.product_type, word.weight) for word in one] == [("hot", "heater", 0.75)]


def test_several_searches_and_products_can_be_asked_for() -> None:
    assert asked([["hot", "heater"]], [[0, 1, 2]], ["heater"] * 3, [{"heater"}] * 3) == []
    assert asked([["hot"], ["hot"]], [[0], [1]], ["heater"] * 2, [set(), set()]) == []
    assert asked([["hot"], ["hot"]], [[0, 1], [1]], ["", ""], [set(), set()]) == []


_WORDS = st.sampled_from("abcd")
_PRODUCTS = st.lists(st.tuples(st.sampled_from(("", "x", "y")), st.sets(_WORDS)), min_size=1, max_size=6)


_LOG = st.lists(st.tuples(st.lists(_WORDS, min_size=1, max_size=3), st.sets(st.integers(0, 5))), max_size=8)


@given(_PRODUCTS, _LOG, st.integers(1, 3), st.integers(1, 2))
def test_as_counted_one_by_one(
    products: list[tuple[str, set[str]]],
    log: list[tuple[list[str], set[int]]],
    least_choices: int,
    least_searches: int,
) -> None:
    types, said = [kind for kind, _ in products], [words for _, words in products]
    log = [(search, {row for row in chosen if row < len(products)}) for search, chosen in log]
    expected = {}
    for word in "abcd":
        for kind in ("x", "y"):
            pairs = [
                (at, row)
                for at, (search, chosen) in enumerate(log)
                if word in search
                for row in chosen
                if types[row] == kind
            ]
            lacking = [(at, row) for at, row in pairs if word not in said[row]]
            shown = {at for at, _ in lacking}
            every = [types[row] for _, chosen in log for row in chosen]
            of_word = sum(len(chosen) for search, chosen in log if word in search)
            by_chance = of_word * every.count(kind) / (len(every) + PENS)
            often = len(lacking) >= least_choices and len(shown) >= least_searches
            if often and len(pairs) >= LEAST_LIFT * by_chance:
                own = [words for one, words in products if one == kind]
                rate = sum(word not in words for words in own) / len(own)
                weight, lift = min(1.0, (len(lacking) + 0.5) / (len(pairs) + 1) / rate), len(pairs) / by_chance
                expected[word, kind] = (weight, lift, tuple(sorted(shown)))
    found = asked(
        [search for search, _ in log],
        [sorted(chosen) for _, chosen in log],
        types,
        said,
        least_choices=least_choices,
        least_searches=least_searches,
    )
    assert {(one.word, one.product_type): one.searches for one in found} == {
        key: shown for key, (_, _, shown) in expected.items()
    }
    for one in found:
        assert (one.weight, one.lift) == pytest.approx(expected[one.word, one.product_type][:2])
