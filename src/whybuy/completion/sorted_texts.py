"""Many texts in sorted arrays: which of them begin with a prefix, exactly or but for one typing error.

Sorted texts serve as a trie without nodes: texts that share a prefix are neighbors, and each further letter narrows
their span by bisection (our design).
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.kernels import kernel

END = 0  # closes a text, before every letter
UNKNOWN = 0xFFFF  # a letter that no text has
MAX_LETTERS = UNKNOWN - 1
MAX_CODES = 2**31 - 1
FIRST = 3  # letters that the table of first texts covers
MAX_DIGITS = 64  # of that table; letters of higher codes share the last one


class Alphabet:
    """The letters of some texts, numbered from 1 on by code point."""

    def __init__(self, letters: NDArray[np.uint32]) -> None:
        """letters: code points, rising.

        Raises:
            InputError: there are more than 65,534.
        """
        count = len(letters)
        if count > MAX_LETTERS:
            raise InputError(f"The texts have {count:,} different letters; at most {MAX_LETTERS:,} are allowed.")
        self.letters = letters
        self._codes = np.full(int(letters.max(initial=0)) + 2, UNKNOWN, np.uint16)  # the last for all later letters
        self._codes[letters] = np.arange(1, count + 1)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Alphabet":
        """The letters that occur, and the space."""
        letters = _code_points("".join([" ", *texts]), "replace")
        occurs = np.zeros(int(letters.max(initial=0)) + 1, np.bool_)
        occurs[letters] = True
        return cls(np.flatnonzero(occurs).astype(np.uint32))

    def encode(self, text: str) -> NDArray[np.uint16]:
        """The codes of the letters of a text, shape (letters,)."""
        return self._codes.take(_code_points(text, "surrogatepass"), mode="clip")

    def write(self, texts: Sequence[str]) -> NDArray[np.uint16]:
        """The codes of texts of this alphabet, one after the other, each closed by END."""
        ends = np.cumsum([len(text) + 1 for text in texts], dtype=np.int64) - 1
        codes = np.zeros(int(ends[-1]) + 1 if len(ends) else 0, np.uint16)
        inside = np.ones(len(codes), np.bool_)
        inside[ends] = False
        codes[inside] = self._codes[_code_points("".join(texts), "replace")]
        return codes


class SortedTexts(NamedTuple):
    """Texts by rising letters; text i goes from codes[starts[i]] on up to the next END.

    For the table `firsts`, the first `FIRST` codes of a text are the digits of its number; codes too high share the
    last digit.
    """

    codes: NDArray[np.uint16]
    starts: NDArray[np.int32]  # shape (texts,)
    firsts: NDArray[np.int32]  # shape (digits, digits**2): the first text of each number or a higher one

    @classmethod
    def of(cls, codes: NDArray[np.uint16], starts: NDArray[np.int32], letters: int) -> "SortedTexts":
        """Where sorted texts begin, and the table. letters: of the alphabet."""
        digits = min(letters + 1, MAX_DIGITS)
        counts = np.bincount(_numbers(codes, starts, digits), minlength=digits**FIRST)
        firsts = np.concatenate([[0], counts.cumsum()[:-1]]).astype(np.int32)
        return cls(codes, starts, firsts.reshape(digits, -1))


def sort_texts(texts: Sequence[str], alphabet: Alphabet) -> SortedTexts:
    """Texts that are sorted (`sorted`), in arrays.

    Raises:
        InputError: they are not sorted, or have more than 2**31 letters.
    """
    wrong = next((after for before, after in pairwise(texts) if after < before), None)
    if wrong is not None:
        raise InputError(f"Texts have to be sorted, but {wrong!r} comes too late.")
    codes = alphabet.write(texts)
    if len(codes) > MAX_CODES:
        raise InputError(f"The texts have {len(codes):,} letters; at most {MAX_CODES:,} are allowed.")
    starts = np.concatenate([[0], np.flatnonzero(codes == END)[:-1] + 1]) if len(codes) else np.empty(0)
    return SortedTexts.of(codes, starts.astype(np.int32), len(alphabet.letters))


def from_each_word(texts: SortedTexts, alphabet: Alphabet) -> tuple[SortedTexts, NDArray[np.int32]]:
    """The parts of texts from each of their words on, sorted, in the same memory, and the text of each part."""
    space = alphabet.encode(" ")[0]
    parted = (texts.codes == END) | (texts.codes == space)
    begins = np.flatnonzero(~parted & np.concatenate([[True], parted[:-1]])).astype(np.int32)
    starts = in_order(texts.codes, begins)
    parts = SortedTexts.of(texts.codes, starts, len(alphabet.letters))
    return parts, (np.searchsorted(texts.starts, starts, "right") - 1).astype(np.int32)


def _code_points(text: str, surrogates: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", surrogates), "<u4")


@kernel
def in_order(codes: NDArray[np.uint16], starts: NDArray[np.int32]) -> NDArray[np.int32]:
    """Where texts begin, by rising letters, equal texts as they come: a merge sort."""
    before, after, width = starts.copy(), np.empty_like(starts), 1
    while width < len(starts):
        for low in range(0, len(starts), 2 * width):
            left, middle = low, min(low + width, len(starts))
            right, high = middle, min(low + 2 * width, len(starts))
            for place in range(low, high):
                if left < middle and (right == high or not _precedes(codes, before[right], before[left])):
                    after[place] = before[left]
                    left += 1
                else:
                    after[place] = before[right]
                    right += 1
        before, after, width = after, before, 2 * width
    return before


@kernel
def _numbers(codes: NDArray[np.uint16], starts: NDArray[np.int32], digits: int) -> NDArray[np.int64]:
    """The number of each text."""
    numbers = np.zeros(len(starts), np.int64)
    for row in range(len(starts)):
        at = starts[row]
        for _ in range(FIRST):
            numbers[row] = digits * numbers[row] + min(codes[at], digits - 1)
            at += codes[at] != END
    return numbers


@kernel
def _precedes(codes: NDArray[np.uint16], one: int, other: int) -> bool:
    """Whether the text that begins at one place comes before that at another."""
    while codes[one] == codes[other] and codes[one] != END:
        one += 1
        other += 1
    return bool(codes[one] < codes[other])


@kernel
def _above(texts: SortedTexts, low: int, high: int, depth: int, code: int) -> int:
    """The first of the texts from low up to high, equal up to a depth, whose letter there is a code or a later one."""
    while low < high:
        middle = (low + high) // 2
        if texts.codes[texts.starts[middle] + depth] < code:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _behind(texts: SortedTexts, low: int, high: int, depth: int, code: int) -> int:
    """Where the texts end that have a code at a depth, the first of which is `low`; quick where these are few."""
    step = 1
    while low + step < high and texts.codes[texts.starts[low + step] + depth] == code:
        step *= 2
    return _above(texts, low + step // 2, min(low + step, high), depth, code + 1)


@kernel
def _first(texts: SortedTexts, number: int) -> int:
    """The first text of a number or a higher one."""
    lead, rest = divmod(number, texts.firsts.shape[1])
    return texts.firsts[lead, rest] if lead < len(texts.firsts) else len(texts.starts)


@kernel
def beginning(texts: SortedTexts, codes: NDArray[np.uint16]) -> tuple[int, int]:
    """The texts that begin with some codes: from which up to which."""
    digits, number, known = len(texts.firsts), 0, 0
    while known < min(FIRST, len(codes)) and codes[known] < digits - 1:
        number = digits * number + codes[known]
        known += 1
    width = digits ** (FIRST - known)  # numbers of texts that begin with the known letters
    low, high = _first(texts, number * width), _first(texts, (number + 1) * width)
    return narrow(texts, low, high, known, codes)


@kernel
def narrow(texts: SortedTexts, low: int, high: int, depth: int, codes: NDArray[np.uint16]) -> tuple[int, int]:
    """Of the texts from low up to high, which begin with the codes up to a depth, those that begin with all of them."""
    end = high
    while low < end:
        middle = (low + end) // 2
        if _compare(texts, middle, depth, codes) < 0:
            low = middle + 1
        else:
            end = middle
    step, end = 1, low
    while end < high and _compare(texts, end, depth, codes) == 0:
        end, step = min(end + step, high), 2 * step
    last = max(low, end - step // 2)
    while last < end:
        middle = (last + end) // 2
        if _compare(texts, middle, depth, codes) == 0:
            last = middle + 1
        else:
            end = middle
    return low, end


@kernel
def _compare(texts: SortedTexts, row: int, depth: int, codes: NDArray[np.uint16]) -> int:
    """0 when a text goes on with the codes from a depth on, -1 when it comes before all that do so, 1 when after."""
    at = texts.starts[row] + depth
    for place in range(depth, len(codes)):
        if texts.codes[at] != codes[place]:  # at the latest where the text ends
            return -1 if texts.codes[at] < codes[place] else 1
        at += 1
    return 0


@kernel
def shared(texts: SortedTexts, codes: NDArray[np.uint16]) -> int:
    """How many of the codes, from the first on, some text begins with."""
    low, high = 0, len(texts.starts)
    for depth in range(len(codes)):
        low, high = narrow(texts, low, high, depth, codes[: depth + 1])
        if low >= high:
            return depth
    return len(codes)


@kernel
def nearly(texts: SortedTexts, codes: NDArray[np.uint16], firm: int) -> NDArray[np.int64]:
    """Spans of texts that begin with the codes but for one mistake: a letter too many or too few, another, two swapped.

    The letters before `firm` are right, and so is the last: whoever types on has not mistyped that yet.
    Returns: shape (spans, 2), low and high of each, overlapping ones possible.
    """
    spans, count = np.empty((64, 2), np.int64), 0
    letters = len(codes)
    more, other = np.empty(letters + 1, np.uint16), np.empty(letters, np.uint16)  # with a letter more, with another
    low, high = beginning(texts, codes[: min(firm, letters)])
    for at in range(firm, letters):
        if low >= high:
            break
        last = at == letters - 1
        other[:] = codes
        if not last:
            more[:at], more[at : letters - 1] = codes[:at], codes[at + 1 :]
            spans, count = _with(spans, count, _going_on(texts, low, high, at, more[: letters - 1]))
            if codes[at] != codes[at + 1]:
                other[at], other[at + 1] = codes[at + 1], codes[at]
                spans, count = _with(spans, count, _going_on(texts, low, high, at, other))
                other[at + 1] = codes[at + 1]
        more[:at], more[at + 1 :] = codes[:at], codes[at:]
        child, right = _above(texts, low, high, at, END + 1), (low, low)
        while child < high:
            code = texts.codes[texts.starts[child] + at]
            more[at], other[at] = code, code
            after = beginning(texts, more[: at + 1])[1] if at < FIRST else _behind(texts, child, high, at, code)
            spans, count = _with(spans, count, _going_on(texts, child, after, at + 1, more))
            if code == codes[at]:
                right = child, after
            elif not last:
                spans, count = _with(spans, count, _going_on(texts, child, after, at + 1, other))
            child = after
        low, high = right
    return spans[:count]


@kernel
def _going_on(texts: SortedTexts, low: int, high: int, depth: int, codes: NDArray[np.uint16]) -> tuple[int, int]:
    """Of the texts from low up to high, which begin with the codes up to a depth, those that begin with all of them."""
    return beginning(texts, codes) if depth < FIRST else narrow(texts, low, high, depth, codes)


@kernel
def _with(spans: NDArray[np.int64], count: int, span: tuple[int, int]) -> tuple[NDArray[np.int64], int]:
    """Spans with one more, unless it is empty; in twice the room when it is full."""
    if span[0] >= span[1]:
        return spans, count
    if count == len(spans):
        spans = np.concatenate((spans, np.empty_like(spans)))
    spans[count] = span
    return spans, count + 1
