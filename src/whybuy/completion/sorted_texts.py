"""Many texts in sorted arrays: which begin with a prefix, or nearly so, without a node for each letter.

A trie lies in sorted texts already: the texts that share a prefix stand side by side, and one letter more narrows that
span by bisection (our design).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.kernels import kernel

END = -1  # before every letter: where a text is over
UNKNOWN = 0xFFFF  # a letter that no text has
MOST_LETTERS = UNKNOWN


class SortedTexts(NamedTuple):
    """Texts by rising letters; those of text i are codes[starts[i]] up to codes[starts[i + 1]]."""

    alphabet: NDArray[np.uint32]  # the letters that occur (code points), rising: their places are the codes
    codes: NDArray[np.uint16]
    starts: NDArray[np.int64]  # shape (texts + 1,)

    def encoder(self) -> Callable[[str], NDArray[np.uint16]]:
        """What tells the codes of a text's letters; an array of shape (letters,) for each text."""
        codes = _codes(self.alphabet)
        return lambda text: codes[np.minimum(_letters(text, "surrogatepass"), len(codes) - 1)]


def sort_texts(texts: Sequence[str]) -> SortedTexts:
    """Texts that are sorted (`sorted`), in arrays.

    Raises:
        InputError: they are not sorted, or have more than 65,535 different letters.
    """
    wrong = next((after for before, after in pairwise(texts) if after < before), None)
    if wrong is not None:
        raise InputError(f"Texts have to be sorted, but {wrong!r} comes too late.")
    letters = _letters("".join(texts))
    occurs = np.zeros(int(letters.max(initial=0)) + 1, np.bool_)
    occurs[letters] = True
    alphabet = np.flatnonzero(occurs).astype(np.uint32) if len(letters) else np.empty(0, np.uint32)
    if len(alphabet) > MOST_LETTERS:
        raise InputError(f"The texts have {len(alphabet):,} different letters; at most {MOST_LETTERS:,} are allowed.")
    starts = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    return SortedTexts(alphabet, _codes(alphabet)[letters], starts)


def _codes(alphabet: NDArray[np.uint32]) -> NDArray[np.uint16]:
    """The code of each letter up to the last of the alphabet; the one behind it stands for all later ones."""
    codes = np.full(int(alphabet.max(initial=0)) + 2, UNKNOWN, np.uint16)
    codes[alphabet] = np.arange(len(alphabet))
    return codes


def _letters(text: str, surrogates: str = "replace") -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", surrogates), "<u4")


@kernel
def _letter(texts: SortedTexts, row: int, depth: int) -> int:
    """The code of a letter of a text, END where the text is over."""
    at = texts.starts[row] + depth
    return int(texts.codes[at]) if at < texts.starts[row + 1] else END


@kernel
def _above(texts: SortedTexts, low: int, high: int, depth: int, code: int) -> int:
    """The first of the texts from low up to high, alike up to a depth, whose letter there is a code or a later one."""
    while low < high:
        middle = (low + high) // 2
        if _letter(texts, middle, depth) < code:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _behind(texts: SortedTexts, low: int, high: int, depth: int, code: int) -> int:
    """Where the texts end that have a code at a depth, the first of which is `low`; quick where these are few."""
    step = 1
    while low + step < high and _letter(texts, low + step, depth) == code:
        step *= 2
    return _above(texts, low + step // 2, min(low + step, high), depth, code + 1)


@kernel
def narrow(
    texts: SortedTexts, low: int, high: int, depth: int, codes: NDArray[np.uint16], first: int
) -> tuple[int, int]:
    """Of the texts from low up to high, alike up to a depth, those that go on with the codes from `first` on."""
    end = high
    while low < end:
        middle = (low + end) // 2
        if _compare(texts, middle, depth, codes, first) < 0:
            low = middle + 1
        else:
            end = middle
    step, end = 1, low
    while end < high and _compare(texts, end, depth, codes, first) == 0:
        end, step = min(end + step, high), 2 * step
    last = max(low, end - step // 2)
    while last < end:
        middle = (last + end) // 2
        if _compare(texts, middle, depth, codes, first) == 0:
            last = middle + 1
        else:
            end = middle
    return low, end


@kernel
def _compare(texts: SortedTexts, row: int, depth: int, codes: NDArray[np.uint16], first: int) -> int:
    """0 when a text goes on with the codes behind a depth, -1 when it comes before all that do so, 1 when after."""
    at, end = texts.starts[row] + depth, texts.starts[row + 1]
    for place in range(first, len(codes)):
        if at >= end or texts.codes[at] < codes[place]:
            return -1
        if texts.codes[at] > codes[place]:
            return 1
        at += 1
    return 0


@kernel
def shared(texts: SortedTexts, codes: NDArray[np.uint16]) -> int:
    """How many of the codes, from the first on, some text begins with."""
    low, high = 0, len(texts.starts) - 1
    for depth in range(len(codes)):
        low, high = narrow(texts, low, high, depth, codes[: depth + 1], depth)
        if low >= high:
            return depth
    return len(codes)


@kernel
def have_words(
    texts: SortedTexts, rows: NDArray[np.int32], words: NDArray[np.uint16], space: int, begun: bool
) -> NDArray[np.bool_]:
    """Which of some texts have each of some words, in whatever order. words: codes, a space between. Shape (rows,).

    begun: whether it is enough that a text has a word that begins with the last one.
    """
    found = np.ones(len(rows), np.bool_)
    for place, row in enumerate(rows):
        begin = 0
        while found[place] and begin < len(words):
            end = begin
            while end < len(words) and words[end] != space:
                end += 1
            found[place] = _has_word(texts, row, words[begin:end], space, begun and end == len(words))
            begin = end + 1
    return found


@kernel
def _has_word(texts: SortedTexts, row: int, word: NDArray[np.uint16], space: int, begun: bool) -> bool:
    codes = texts.codes[texts.starts[row] : texts.starts[row + 1]]
    for at in range(len(codes) - len(word) + 1):
        begins = at == 0 or codes[at - 1] == space
        ends = begun or at + len(word) == len(codes) or codes[at + len(word)] == space
        if begins and ends and np.array_equal(codes[at : at + len(word)], word):
            return True
    return False


@kernel
def nearly(texts: SortedTexts, codes: NDArray[np.uint16], firm: int) -> NDArray[np.int64]:
    """Spans of texts that begin with the codes but for one mistake: a letter too many or too few, another, two swapped.

    The letters before `firm` are right, and so is the last: whoever types on has not mistyped that yet.
    Returns: shape (spans, 2), low and high of each, overlapping ones possible.
    """
    spans, count = np.empty((64, 2), np.int64), 0
    rest = np.empty(len(codes), np.uint16)
    for at in range(firm, len(codes)):
        low, high = narrow(texts, 0, len(texts.starts) - 1, 0, codes[:at], 0)
        if low >= high:
            break
        if at < len(codes) - 1:
            rest[:] = codes
            rest[at], rest[at + 1] = codes[at + 1], codes[at]
            spans, count = _with(spans, count, narrow(texts, low, high, at, codes, at + 1))
            if codes[at] != codes[at + 1]:
                spans, count = _with(spans, count, narrow(texts, low, high, at, rest, at))
        child = _above(texts, low, high, at, 0)
        while child < high:
            code = _letter(texts, child, at)
            after = _behind(texts, child, high, at, code)
            spans, count = _with(spans, count, narrow(texts, child, after, at + 1, codes, at))
            if code != codes[at] and at < len(codes) - 1:
                spans, count = _with(spans, count, narrow(texts, child, after, at + 1, codes, at + 1))
            child = after
    return spans[:count]


@kernel
def _with(spans: NDArray[np.int64], count: int, span: tuple[int, int]) -> tuple[NDArray[np.int64], int]:
    """Spans with one more, unless it is empty; in twice the room when it is full."""
    if span[0] >= span[1]:
        return spans, count
    if count == len(spans):
        spans = np.concatenate((spans, np.empty_like(spans)))
    spans[count] = span
    return spans, count + 1
