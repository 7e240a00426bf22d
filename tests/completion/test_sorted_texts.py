"""Sorted texts against looking at each text, and range maxima against sorting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.completion.best_first import BLOCK, SCANNED, best_first, heaviest, index_weights
from whybuy.completion.sorted_texts import (
    MAX_DIGITS,
    Alphabet,
    SortedTexts,
    beginning,
    from_each_word,
    nearly,
    shared,
    sort_texts,
)
from whybuy.completion.word_index import has_words
from whybuy.errors import InputError

MANY = "".join(map(chr, range(0x4E00, 0x4E00 + 2 * MAX_DIGITS)))
letters = st.text(alphabet="abcß é猫🧦", max_size=6) | st.text(alphabet=f"a{MANY}", max_size=4)
texts = st.lists(letters, max_size=40).map(sorted)


def held(known: list[str], others: str = "") -> tuple[SortedTexts, Alphabet]:
    alphabet = Alphabet.of([*known, others])
    return sort_texts(known, alphabet), alphabet


def mistakes(typed: str, firm: int, alphabet: str) -> set[str]:
    """All that a shopper may have meant who made one mistake between the firm letters and the last one."""
    meant = {typed[:at] + letter + typed[at:] for at in range(firm, len(typed)) for letter in alphabet}
    for at in range(firm, len(typed) - 1):
        meant.add(typed[:at] + typed[at + 1 :])
        meant.add(typed[:at] + typed[at + 1] + typed[at] + typed[at + 2 :])
        meant |= {typed[:at] + letter + typed[at + 1 :] for letter in alphabet}
    return meant - {typed}


@given(texts, letters, st.sampled_from(["", MANY]))
def test_texts_with_a_prefix_are_those_that_begin_with_it(known: list[str], prefix: str, others: str) -> None:
    sorted_texts, alphabet = held(known, others)
    low, high = beginning(sorted_texts, alphabet.encode(prefix))
    assert [known[row] for row in range(low, high)] == [text for text in known if text.startswith(prefix)]


@given(texts, letters, st.sampled_from(["", MANY]))
def test_texts_nearly_with_a_prefix_are_those_with_one_mistake(known: list[str], prefix: str, others: str) -> None:
    sorted_texts, alphabet = held(known, others)
    spans = nearly(sorted_texts, alphabet.encode(prefix), 1)
    found = {known[row] for low, high in spans for row in range(low, high)}
    meant = mistakes(prefix, 1, "".join({letter for text in known for letter in text}))
    assert found == {text for text in known if any(text.startswith(one) for one in meant)}


@given(texts)
def test_texts_from_each_word_are_sorted_and_lead_to_their_text(known: list[str]) -> None:
    sorted_texts, alphabet = held(known)
    parts, rows = from_each_word(sorted_texts, alphabet)
    words = [(text[at:], row) for row, text in enumerate(known) for at in range(len(text))
             if text[at] != " " and text[:at].endswith(("", " ")[at > 0])]  # fmt: skip
    alike = [beginning(parts, alphabet.encode(text)) for text, _ in sorted(words)]
    assert rows.tolist() == [row for _, row in sorted(words)]
    assert all(low <= place < high for place, (low, high) in enumerate(alike))


phrases = st.lists(st.text(alphabet="ab é", max_size=6).map(lambda text: " ".join(text.split())), max_size=20)


@given(phrases, st.lists(st.text(alphabet="abé猫", min_size=1, max_size=3), min_size=1, max_size=3))
def test_texts_with_some_words_are_those_whose_words_are_among_them(known: list[str], words: list[str]) -> None:
    texts = sorted([*known, "a b"])
    sorted_texts, alphabet = held(texts)
    asked, space = alphabet.encode(" ".join(words)), int(alphabet.encode(" ")[0])
    whole, begun = (
        [has_words(sorted_texts.codes, start, asked, space, begun) for start in sorted_texts.starts.tolist()]
        for begun in (False, True)
    )
    assert whole == [set(words) <= set(text.split()) for text in texts]
    *others, last = words
    assert begun == [
        set(others) <= set(text.split()) and any(word.startswith(last) for word in text.split()) for text in texts
    ]


def test_many_mistakes_have_room() -> None:
    known = sorted({f"aa{chr(letter)}{end}" for letter in range(200, 900) for end in ("ab", "bab")})
    sorted_texts, alphabet = held(known)
    spans = nearly(sorted_texts, alphabet.encode("aabab"), 1)
    found = {known[row] for low, high in spans for row in range(low, high)}
    assert found == set(known)


@given(texts, letters)
def test_as_much_as_any_text_begins_with_is_shared(known: list[str], prefix: str) -> None:
    sorted_texts, alphabet = held(known)
    begun = [end for end in range(1, len(prefix) + 1) if any(text.startswith(prefix[:end]) for text in known)]
    assert shared(sorted_texts, alphabet.encode(prefix)) == max(begun, default=0)


def test_texts_out_of_order_are_refused() -> None:
    with pytest.raises(InputError, match=r"have to be sorted, but 'a' comes too late"):
        held(["b", "a"])


def test_more_letters_than_codes_are_refused() -> None:
    with pytest.raises(InputError, match=r"65,537 different letters; at most 65,534"):
        Alphabet.of(map(chr, range(0x10000, 0x20000)))


# ---------------------------------------------------------------- best first
weights = st.lists(st.one_of(st.integers(0, 9), st.just(-np.inf)), min_size=1, max_size=5 * BLOCK)


@given(weights, st.data())
def test_the_heaviest_of_any_span_is_found(values: list[float], data: st.DataObject) -> None:
    low = data.draw(st.integers(0, len(values) - 1))
    high = data.draw(st.integers(low + 1, len(values)))
    index = index_weights(np.array(values, np.float32))
    assert heaviest(index, low, high) == max(range(low, high), key=lambda row: (values[row], -row))


@given(weights, st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=6), st.integers(0, 30))
def test_rows_of_spans_come_heaviest_first_and_once(
    values: list[float], spans: list[tuple[int, int]], count: int
) -> None:
    within = [(min(low, len(values)), min(high, len(values))) for low, high in spans]
    index = index_weights(np.array(values, np.float32))
    found = best_first(index, np.array(within, np.int64).reshape(-1, 2), count)
    rows = {row for low, high in within for row in range(low, high) if values[row] > -np.inf}
    assert found.tolist() == sorted(rows, key=lambda row: (-values[row], row))[:count]


@given(st.integers(0, 99), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=6), st.integers(0, 99))
def test_rows_of_long_spans_come_so_too(seed: int, spans: list[tuple[int, int]], count: int) -> None:
    values = np.random.default_rng(seed).integers(0, 5000, 6 * SCANNED).astype(np.float32)
    values[values < 2500] = -np.inf
    within = np.array([(step * SCANNED // 4, (step + 4 * length) * SCANNED // 4) for step, length in spans], np.int64)
    found = best_first(index_weights(values), within.reshape(-1, 2), count)
    inside = np.zeros(len(values), np.bool_)
    for low, high in within:
        inside[low:high] = True
    order = np.argsort(-values, kind="stable")
    assert found.tolist() == order[inside[order] & (values[order] > -np.inf)][:count].tolist()
