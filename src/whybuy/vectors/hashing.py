"""Kernels that read words out of bytes and hash their n-grams: text to 64-bit numbers, no string in between.

An n-gram's lowest four bits are its set: 0 for letters, else how many words it has. Its other bits are spread evenly.
"""

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.vectors.texts import Texts

SETS = 16
SET_BITS = np.uint64(SETS - 1)
LETTERS = np.uint64(0)

_MARK = np.uint8(ord("#"))  # before, between and after words; never part of one
_SEED, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)  # FNV-1a
_MIX_1, _MIX_2, _MIX_SHIFT = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33)  # MurmurHash3

_DIGIT, _LETTER, _APOSTROPHE, _POINT = 1, 2, 3, 4


def _kinds() -> NDArray[np.uint8]:
    """What each ASCII character is to the word pattern of `text.tokenize`; 0: it ends a word."""
    kinds = np.zeros(256, np.uint8)
    for kind, characters in [
        (_DIGIT, b"0123456789"),
        (_LETTER, b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        (_APOSTROPHE, b"'`"),
        (_POINT, b".,"),
    ]:
        kinds[list(characters)] = kind
    return kinds


_KIND = _kinds()
_FOLDED = np.frombuffer(bytes(range(256)).lower().replace(b"`", b"'"), np.uint8)


@kernel
def ngrams_of(text: NDArray[np.uint8], tokenized: bool, words: int, characters: int) -> NDArray[np.uint64]:
    """The n-grams of one text in reading order, with repetition: those of words, then those of letters."""
    marked = _mark_tokens(text) if tokenized else _mark_words(text)
    hashes = np.empty(words * (len(marked) // 2) + len(marked), np.uint64)
    count = 0
    if words > 0:
        count = _hash_words(marked, words, hashes)
    if characters > 0:
        count = _hash_letters(marked, characters, hashes, count)
    return hashes[:count]


@kernel
def sort(ngrams: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The same ascending, in linear time: hashes are even, so their highest bits say about where each belongs."""
    bits = 1
    while (1 << bits) < len(ngrams):
        bits += 1
    shift = np.uint64(64 - bits)
    ends = np.zeros((1 << bits) + 1, np.int32)
    for at in range(len(ngrams)):
        ends[(ngrams[at] >> shift) + np.uint64(1)] += 1
    for bucket in range(1 << bits):
        ends[bucket + 1] += ends[bucket]
    ascending = np.empty_like(ngrams)
    for at in range(len(ngrams)):
        bucket = ngrams[at] >> shift
        ascending[ends[bucket]] = ngrams[at]
        ends[bucket] += 1
    for at in range(1, len(ascending)):
        ngram = ascending[at]
        place = at
        while place > 0 and ascending[place - 1] > ngram:
            ascending[place] = ascending[place - 1]
            place -= 1
        ascending[place] = ngram
    return ascending


@kernel
def distinct_ngrams(texts: Texts, words: int, characters: int, shift: int) -> NDArray[np.uint64]:
    """Each text's n-grams, shifted right by `shift` bits, each once a text; of all texts, one after the other."""
    distinct = np.empty(4 * (texts.offsets[-1] - texts.offsets[0]) + 16, np.uint64)
    count = 0
    for row in range(len(texts.tokenized)):
        text = texts.data[texts.offsets[row] : texts.offsets[row + 1]]
        hashes = sort(ngrams_of(text, texts.tokenized[row], words, characters)) >> np.uint64(shift)
        if count + len(hashes) > len(distinct):
            wider = np.empty(2 * (count + len(hashes)), np.uint64)
            wider[:count] = distinct[:count]
            distinct = wider
        for at in range(len(hashes)):
            if at == 0 or hashes[at] != hashes[at - 1]:
                distinct[count] = hashes[at]
                count += 1
    return distinct[:count].copy()


@kernel
def _mark_tokens(text: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`a bc` as `#a#bc#`."""
    marked = np.empty(len(text) + 2, np.uint8)
    marked[0] = marked[-1] = _MARK
    for at in range(len(text)):
        marked[at + 1] = _MARK if text[at] == ord(" ") else text[at]
    return marked if len(text) > 0 else marked[:1]


@kernel
def _mark_words(text: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`A's 2.5 B` as `#a#2.5#b#`: the words that `text.tokenize` finds in an ASCII text."""
    marked = np.empty(2 * len(text) + 2, np.uint8)
    marked[0] = _MARK
    size = 1
    at = 0
    while at < len(text):
        end = _end_of_word(text, at)
        last = end
        if end - at > 2 and _FOLDED[text[end - 1]] == ord("s") and _KIND[text[end - 2]] == _APOSTROPHE:
            last = end - 2
        for letter in range(at, last):
            marked[size] = _FOLDED[text[letter]]
            size += 1
        if last > at:
            marked[size] = _MARK
            size += 1
        at = max(end, at + 1)
    return marked[:size]


@kernel
def _end_of_word(text: NDArray[np.uint8], start: int) -> int:
    """Where the word that starts here ends; `start` when none does. The pattern is that of `text.tokenize`."""
    end = _end_of_run(text, start, _LETTER)
    if end == start:
        return start
    while end + 1 < len(text):
        joint, after = _KIND[text[end]], _KIND[text[end + 1]]
        if joint == _POINT and after == _DIGIT:
            end = _end_of_run(text, end + 1, _DIGIT)
        elif joint == _APOSTROPHE and after == _LETTER:
            end = _end_of_run(text, end + 1, _LETTER)
        else:
            break
    return end


@kernel
def _end_of_run(text: NDArray[np.uint8], start: int, highest: int) -> int:
    """The first place that is no digit and, with `highest`, no letter either."""
    end = start
    while end < len(text) and 0 < _KIND[text[end]] <= highest:
        end += 1
    return end


@kernel
def _hash_words(marked: NDArray[np.uint8], longest: int, hashes: NDArray[np.uint64]) -> int:
    """All n-grams of 1 to `longest` words, from left to right, the shorter first. Returns: how many."""
    words = np.empty(len(marked) // 2, np.uint64)
    total = 0
    word = _SEED
    for at in range(1, len(marked)):
        if marked[at] == _MARK:
            words[total] = word
            total += 1
            word = _SEED
        else:
            word = (word ^ np.uint64(marked[at])) * _PRIME
    count = 0
    for start in range(total):
        ngram = _SEED
        for end in range(start, min(start + longest, total)):
            ngram = _mix(ngram ^ words[end])
            hashes[count] = (ngram & ~SET_BITS) | np.uint64(end - start + 1)
            count += 1
    return count


@kernel
def _hash_letters(marked: NDArray[np.uint8], length: int, hashes: NDArray[np.uint64], count: int) -> int:
    """All n-grams of `length` characters of each marked word; a shorter marked word whole. Returns: the new count."""
    opening = 0
    for closing in range(1, len(marked)):
        if marked[closing] != _MARK:
            continue
        start = end = opening
        taken = 0
        while end <= closing:
            end = _next_character(marked, end)
            taken += 1
            if taken >= length:
                hashes[count] = _hash_span(marked, start, end)
                count += 1
                start = _next_character(marked, start)
        if taken < length:
            hashes[count] = _hash_span(marked, opening, closing + 1)
            count += 1
        opening = closing
    return count


@kernel
def _next_character(marked: NDArray[np.uint8], at: int) -> int:
    """Where the next character of UTF-8 starts."""
    at += 1
    while at < len(marked) and (marked[at] & 0xC0) == 0x80:
        at += 1
    return at


@kernel
def _hash_span(marked: NDArray[np.uint8], start: int, end: int) -> np.uint64:
    span = _SEED
    for at in range(start, end):
        span = (span ^ np.uint64(marked[at])) * _PRIME
    return (_mix(span) & ~SET_BITS) | LETTERS


@kernel
def _mix(bits: np.uint64) -> np.uint64:
    bits = (bits ^ (bits >> _MIX_SHIFT)) * _MIX_1
    bits = (bits ^ (bits >> _MIX_SHIFT)) * _MIX_2
    return bits ^ (bits >> _MIX_SHIFT)
