"""A trigram model fitted on a shop's own texts, with Kneser-Ney smoothing (Kneser & Ney 1995)."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.text import tokenize

LONGEST = 3  # words of an n-gram
DISCOUNT = 0.75  # taken from each count and given to the shorter n-gram
_BITS = 21  # of a word's number: three of them fill 63
_UNKNOWN, _END = 0, 1
_PHRASE_END = re.compile(r"[.;:!?()\[\]|•*\"]+(?:\s|$)|[,;!?()\[\]|•*\"]|\s-\s")
_SAVED = ArrayFolder("n-gram model", 1, "ngram_fluency.json")

Numbers = NDArray[np.int64]


class _Order(NamedTuple):
    """N-grams of one length, keys ascending: discounted probability of each, and the weight of the shorter n-grams."""

    grams: Numbers
    shares: NDArray[np.float64]  # discounted, by gram
    contexts: Numbers
    rest: NDArray[np.float64]  # what the discounts left over, by context


class NgramFluency:
    """Scores a text by its least expected word: unigram probability / probability after the two words before it.

    Interpolated Kneser-Ney over words: a unigram counts the different words before it. The end of a phrase counts as a
    word, so a text that breaks off scores high; a rare word alone does not (as in Lau, Clark & Lappin 2017).
    Words that occur only once in the texts are unknown.
    """

    limit: ClassVar[float] = 12.0

    def __init__(self, words: Sequence[str], single: NDArray[np.float64], orders: Sequence[_Order]) -> None:
        """single: unigram probabilities, those of the unknown word and the end first. orders: bigrams, trigrams."""
        self._words, self._single, self._orders = list(words), single, tuple(orders)
        self._number = {word: number for number, word in enumerate(words, _END + 1)}

    @classmethod
    def fit(cls, texts: Iterable[str]) -> Self:
        """Fit on descriptions, titles and queries, cut into phrases at punctuation."""
        phrases = [words for text in texts for part in _PHRASE_END.split(text) if (words := tokenize(part))]
        counts = Counter(chain.from_iterable(phrases))
        kept = sorted(counts, key=lambda word: (-counts[word], word))[: (1 << _BITS) - 2]
        words = [word for word in kept if counts[word] > 1]
        empty = cls(words, np.ones(len(words) + 2), ())
        numbers, starts = empty._read(phrases)
        grams, times = _count(numbers, starts, LONGEST)
        orders: list[_Order] = []
        for length in range(LONGEST, 1, -1):
            orders.append(_discounted(grams, times))
            shorter = grams & _mask(length - 1)  # without the first word
            grams, times = np.unique(shorter, return_counts=True)
        behind = np.bincount(grams, weights=times, minlength=len(words) + 2) + 1.0
        return cls(words, behind / behind.sum(), orders[::-1])

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """See `Fluency`; at least 1, NaN for a text of fewer than two words."""
        numbers, starts = self._read([tokenize(text) for text in texts])
        less_likely = self._single[numbers] / self._probabilities(numbers, starts)
        worst = np.maximum.reduceat(less_likely, starts[:-1]) if len(texts) else np.zeros(0)
        return np.where(np.diff(starts) > 2, worst, np.nan)

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        arrays = {
            f"{name}_{at}": array for at, order in enumerate(self._orders) for name, array in order._asdict().items()
        }
        spelled = np.frombuffer("\n".join(self._words).encode(), np.uint8)
        _SAVED.save(folder, {"words": spelled, "single": self._single, **arrays})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved folder.

        Raises:
            ArtifactError: the folder holds no model, one of another format version, or a damaged one.
        """
        arrays, _ = _SAVED.load(folder)
        words = arrays["words"].tobytes().decode().split("\n") if len(arrays["words"]) else []
        orders = [_Order(*(arrays[f"{name}_{at}"] for name in _Order._fields)) for at in range(LONGEST - 1)]
        return cls(words, arrays["single"], orders)

    def _read(self, phrases: Sequence[Sequence[str]]) -> tuple[Numbers, Numbers]:
        """Word numbers of all phrases, each followed by the end mark, and their starts, shape (phrases + 1,)."""
        known = self._number
        numbers = [number for words in phrases for number in (*(known.get(word, _UNKNOWN) for word in words), _END)]
        lengths = [len(words) + 1 for words in phrases]
        return np.array(numbers, np.int64), np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])

    def _probabilities(self, numbers: Numbers, starts: Numbers) -> NDArray[np.float64]:
        """Probability of each word after those before it in its phrase."""
        place = np.arange(len(numbers)) - np.repeat(starts[:-1], np.diff(starts))
        likely = self._single[numbers]
        for length, order in enumerate(self._orders, 2):
            grams = _grams(numbers, length)
            whole = place >= length - 1
            rest = _look_up(order.contexts, order.rest, grams >> _BITS, 1.0)
            share = _look_up(order.grams, order.shares, grams, 0.0)
            likely = np.where(whole, share + rest * likely, likely)
        return likely


def _grams(numbers: Numbers, length: int) -> Numbers:
    """The n-gram that ends at each word, packed into one number; at the start of a phrase it is shorter."""
    packed = numbers.copy()
    for back in range(1, length):
        packed[back:] |= numbers[:-back] << (_BITS * back)
    return packed


def _mask(length: int) -> np.int64:
    return np.int64((1 << (_BITS * length)) - 1)


def _count(numbers: Numbers, starts: Numbers, length: int) -> tuple[Numbers, Numbers]:
    place = np.arange(len(numbers)) - np.repeat(starts[:-1], np.diff(starts))
    grams, times = np.unique(_grams(numbers, length)[place >= length - 1], return_counts=True)
    return grams, times


def _discounted(grams: Numbers, times: Numbers) -> _Order:
    contexts, context = np.unique(grams >> _BITS, return_inverse=True)
    total = np.bincount(context, weights=times, minlength=len(contexts))
    left = DISCOUNT * np.bincount(context, minlength=len(contexts)) / np.maximum(total, 1)
    return _Order(grams, (times - DISCOUNT) / total[context], contexts, left)


def _look_up(keys: Numbers, values: NDArray[np.float64], wanted: Numbers, missing: float) -> NDArray[np.float64]:
    if not len(keys):
        return np.full(len(wanted), missing)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    looked_up: NDArray[np.float64] = np.where(keys[at] == wanted, values[at], missing)
    return looked_up
