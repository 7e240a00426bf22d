"""An index of texts by each of their words: the heaviest that have some words, in whatever order."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.completion.best_first import Weights, best_first, index_weights
from whybuy.completion.prefix_index import PrefixIndex
from whybuy.completion.sorted_texts import END, SortedTexts, beginning, from_each_word
from whybuy.kernels import kernel
from whybuy.xmr.simd import prefetch

MAX_WORDS = 6  # of a prefix, among which the rarest is chosen
AHEAD = 8  # texts of which the letters are fetched ahead of their use
MAX_SCANNED = 120  # texts with the rarest word that are tested for the other words


class WordIndex:
    """The texts of a `PrefixIndex` from each of their words on; text t of that index is row t."""

    def __init__(self, whole: PrefixIndex, words: PrefixIndex) -> None:
        """whole: the index of the texts. words: the index of their parts, over the same letters."""
        self._whole_starts, (self._space, *_), self._words = whole.texts.starts, whole.encode(" "), words

    @classmethod
    def build(cls, whole: PrefixIndex) -> Self:
        """Index the words of an index's texts."""
        texts, rows = from_each_word(whole.texts, whole.alphabet)
        return cls(whole, PrefixIndex(whole.alphabet, texts, rows, index_weights(whole.weights.weights[rows])))

    def having(self, words: NDArray[np.uint16], limit: int, *, begun: bool) -> NDArray[np.int32]:
        """The heaviest rows that have some words, heaviest first, out of the `MAX_SCANNED` heaviest with the rarest.

        words: codes, a space between and none behind. begun: whether the last word is still being typed.
        """
        index = self._words
        return _having(*index.texts, *index.weights, index.rows, self._whole_starts, words, self._space, begun, limit)

    def beginning(self, prefix: NDArray[np.uint16], limit: int) -> NDArray[np.int32]:
        """The heaviest rows of which some word, and what follows it, begins with a prefix."""
        return self._words.beginning(prefix, limit)

    def leave_out(self, blocked: NDArray[np.bool_]) -> None:
        """Never return some rows again. blocked: by row."""
        self._words.leave_out(blocked)

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The arrays of the index that the index of whole texts does not have, from which `of` makes it again."""
        arrays = self._words.arrays(name)
        return {part: array for part, array in arrays.items() if part not in {f"{name}_codes", f"{name}_letters"}}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], name: str, whole: PrefixIndex) -> Self:
        """The index of some `arrays`. whole: the index of the same texts."""
        shared: dict[str, NDArray[Any]]
        shared = {f"{name}_codes": whole.texts.codes, f"{name}_letters": whole.alphabet.letters}
        return cls(whole, PrefixIndex.of(arrays | shared, name))


@kernel
def _having(  # noqa: PLR0913, PLR0917 - see `prefix_index`
    codes: NDArray[np.uint16],
    starts: NDArray[np.int32],
    firsts: NDArray[np.int32],
    weights: NDArray[np.float32],
    best: NDArray[np.int32],
    rows: NDArray[np.int32],
    wholes: NDArray[np.int32],
    words: NDArray[np.uint16],
    space: int,
    begun: bool,
    limit: int,
) -> NDArray[np.int32]:
    spans = np.empty((1, 2), np.int64)
    spans[0] = _rarest(SortedTexts(codes, starts, firsts), words, space)
    among = rows[best_first(Weights(weights, best), spans, MAX_SCANNED)]
    begins = wholes[among]
    taken, kept = 0, np.empty(limit, np.int32)
    for place in range(len(among)):
        if place + AHEAD < len(among):
            prefetch(codes, np.int64(codes.itemsize) * begins[place + AHEAD])
        if has_words(codes, begins[place], words, space, begun) and not (kept[:taken] == among[place]).any():
            if taken == limit:
                break
            kept[taken] = among[place]
            taken += 1
    return kept[:taken]


@kernel
def _rarest(texts: SortedTexts, words: NDArray[np.uint16], space: int) -> tuple[int, int]:
    """The span of texts that begin with a word, of the word with the fewest of them."""
    low, high, begin = 0, len(texts.starts), 0
    for _ in range(MAX_WORDS):
        if begin >= len(words):
            break
        end = begin
        while end < len(words) and words[end] != space:
            end += 1
        first, last = beginning(texts, words[begin:end])
        if last - first < high - low:
            low, high = first, last
        begin = end + 1
    return low, high


@kernel
def has_words(codes: NDArray[np.uint16], start: int, words: NDArray[np.uint16], space: int, begun: bool) -> bool:
    """Whether the text that begins at a place has each of some words, in whatever order.

    begun: whether it is enough that it has a word that begins with the last one.
    """
    begin = 0
    while begin < len(words):
        end = begin
        while end < len(words) and words[end] != space:
            end += 1
        if not _has_word(codes, start, words[begin:end], space, begun and end == len(words)):
            return False
        begin = end + 1
    return True


@kernel
def _has_word(codes: NDArray[np.uint16], at: int, word: NDArray[np.uint16], space: int, begun: bool) -> bool:
    while codes[at] != END:
        same = 0
        while same < len(word) and codes[at + same] == word[same]:
            same += 1
        if same == len(word) and (begun or codes[at + same] == space or codes[at + same] == END):
            return True
        at += same
        while codes[at] != space and codes[at] != END:
            at += 1
        at += codes[at] == space
    return False
