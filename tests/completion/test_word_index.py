"""Texts by their words against looking at each text."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from whybuy.completion.prefix_index import PrefixIndex
from whybuy.completion.word_index import WordIndex

words = st.text(alphabet="ab猫", min_size=1, max_size=3)
phrases = st.lists(words, min_size=1, max_size=4).map(" ".join)


@given(st.lists(phrases, max_size=30, unique=True).map(sorted), st.lists(words, min_size=1, max_size=3), st.booleans())
def test_the_heaviest_with_all_words_are_found(known: list[str], asked: list[str], begun: bool) -> None:
    weights = np.random.default_rng(len(known)).permutation(len(known)).astype(np.float32)
    whole = PrefixIndex.build(known, np.arange(len(known)), weights)
    index = WordIndex.build(whole)
    *others, last = asked

    def has_all(text: str) -> bool:
        has = text.split()
        return set(others) <= set(has) and (last in has or (begun and any(word.startswith(last) for word in has)))

    having = [row for row, text in enumerate(known) if has_all(text)]
    best = sorted(having, key=lambda row: -weights[row])
    for limit in (2, 100):
        assert index.having(whole.encode(" ".join(asked)), limit, begun=begun).tolist() == best[:limit]
    starting = {row for row, text in enumerate(known) if any(word.startswith(last) for word in text.split())}
    assert set(index.beginning(whole.encode(last), 1000).tolist()) == starting


def test_what_is_left_out_is_not_found() -> None:
    known = ["red hat", "red shoes"]
    whole = PrefixIndex.build(known, np.arange(2), np.ones(2, np.float32))
    index = WordIndex.build(whole)
    index.leave_out(np.array([True, False]))
    assert index.beginning(whole.encode("re"), 5).tolist() == [1]
    assert index.having(whole.encode("hat red"), 5, begun=True).tolist() == []


def test_of_many_texts_those_with_the_rarest_word_are_looked_at() -> None:
    known = sorted([f"hat {number:05}" for number in range(9_000)] + ["hat zz"])
    weights = np.arange(len(known), 0, -1).astype(np.float32)
    whole = PrefixIndex.build(known, np.arange(len(known)), weights)
    index = WordIndex.build(whole)
    assert index.having(whole.encode("hat"), 3, begun=True).tolist() == [0, 1, 2]
    assert index.having(whole.encode("zz hat"), 3, begun=True).tolist() == [len(known) - 1]
