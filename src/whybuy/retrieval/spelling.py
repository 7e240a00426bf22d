"""Reads misspelled words of queries as words of the catalog: a noisy channel (Kernighan, Church & Gale, COLING 1990).

How likely a word was meant is how many products have it, how many letters the typed word is away from it, and how well
it goes with the other words of the query: "step latter" is a ladder, though "letter" is as near. The weights are ours.
"""

import functools
import heapq
import operator
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.text import FUNCTION_WORDS, is_dictionary_word

SHORTEST = 3
LONGEST = 24
READINGS = 4  # of one word at most
RARE = 5  # products: a word of so few may be a misspelling that the catalog has, too
MORE_FREQUENT = 50  # times as many products as a rare word have the word that it may stand for
RARE_WEIGHT = 0.5  # of what a rare word may stand for, beside itself
_NEAREST = 20  # known words that are weighed against each other
_SLIP = 2.5  # natural logarithm of how unlikely one wrong letter is
_OTHER_START = 1.2  # added where the first letter is wrong, which people seldom get wrong
_RUN_ON = 1.5  # the same for a missing space
_CAUTION = 3  # products without the other words that are added to those of each candidate
_FITTING = (-1.5, 4.0)  # the least and the most that one other word of the query may count
_CUT_SHORT = 4.0  # the same for the end of a word left out: "galv" for "galvanized"
_SHORTEST_CUT = 4  # letters
_OWN = -7.5  # a word of the dictionary is taken for another only where that is likelier than this, as a logarithm
_UNHEARD, _PER_LETTER = -9.0, -0.6  # likewise any other word: a shorter one is near to another by chance
_DOUBTFUL = 0.5  # weight of what is not that likely, beside the word itself
_SOFTNESS = 3.0  # the larger, the more the less likely readings count
_LEAST_WEIGHT = 0.15


@dataclass(frozen=True, slots=True)
class Correction:
    """A known word near an unknown one."""

    word: str
    edits: int  # insertions, deletions, replacements and swaps of neighbors


@dataclass(frozen=True, slots=True)
class Reading:
    """What a word of a query may have been meant to be."""

    words: tuple[str, ...]  # one, or the two that were written as one
    weight: float = 1.0  # in (0, 1]: 1 is the likeliest


def edits_allowed(word: str) -> int:
    """How many letters of a word may be wrong: none below 4 letters, 1 below 6, else 2."""
    return 0 if len(word) < 4 else 1 if len(word) < 6 else 2


class Spelling:
    """The alphabetic words of a catalog with the number of products that have each."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts
        self._words = [word for word in counts if word.isalpha() and SHORTEST <= len(word) <= LONGEST]
        self._frequency = np.array([counts[word] for word in self._words], np.int64)
        self._lengths = np.array([len(word) for word in self._words], np.int16)
        self._letters = letter_matrix(self._words)
        self._letter_sets = _letter_sets(self._letters)
        self.nearest = functools.lru_cache(maxsize=20_000)(self._nearest)

    def count(self, word: str) -> int:
        """Products that have this word; 0 when it is unknown."""
        return self._counts.get(word, 0)

    def _nearest(self, word: str, limit: int) -> tuple[Correction, ...]:
        """Known words within `edits_allowed`, by how likely each was meant where nothing else is known."""
        allowed = edits_allowed(word)
        if not allowed or not word.isalpha() or len(word) > LONGEST:
            return ()
        candidates = self._plausible(word, allowed)
        edits = edit_distances(word, self._letters[candidates], self._lengths[candidates])
        candidates, edits = candidates[edits <= allowed], edits[edits <= allowed]
        other_start = self._letters[candidates, 0] != ord(word[0])
        likely = np.log(self._frequency[candidates]) - _SLIP * edits - _OTHER_START * other_start
        order = np.lexsort((candidates, -likely))[:limit]
        return tuple(Correction(self._words[candidates[at]], int(edits[at])) for at in order)

    def _plausible(self, word: str, allowed: int) -> NDArray[np.intp]:
        """Words of a near length that differ in few letters: one edit changes the set of letters in two at most."""
        own = functools.reduce(operator.or_, (np.uint64(1 << ord(letter) % 64) for letter in word))
        near_length = np.abs(self._lengths - len(word)) <= allowed
        return np.flatnonzero(near_length & (np.bitwise_count(self._letter_sets ^ own) <= 2 * allowed))

    @functools.cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._words)

    def beginning(self, word: str) -> list[str]:
        """The most frequent known words that begin with an unknown one and are much longer."""
        if len(word) < _SHORTEST_CUT or not word.isalpha():
            return []
        start, end = bisect_left(self._sorted, word), bisect_left(self._sorted, word + chr(0x10FFFF))
        longer = [one for one in self._sorted[start:end] if len(one) > len(word) + edits_allowed(word)]
        return heapq.nlargest(READINGS, longer, key=self.count)

    def splits(self, word: str) -> list[tuple[str, str]]:
        """The pairs of known words that a word of letters is made of ("kitchenfaucet")."""
        if not word.isalpha():
            return []
        cuts = [(word[:at], word[at:]) for at in range(SHORTEST, min(len(word), LONGEST) - SHORTEST + 1)]
        return [(left, right) for left, right in cuts if self.count(left) and self.count(right)]


class Speller:
    """Chooses among known words by the other words of a query."""

    def __init__(self, spelling: Spelling, having: Callable[[str], NDArray[np.uint8]], products: int) -> None:
        """having: a bit for each product, set where it has a word; products: how many there are."""
        self._spelling, self._having, self._products = spelling, having, max(1, products)

    def readings(self, word: str, others: Sequence[str]) -> tuple[Reading, ...]:
        """What an unknown word may mean, likeliest first; itself first where it may be a thing that the shop lacks.

        others: known words of the query.
        """
        itself = Reading((word,))
        scored = self._scored(word, others)[:READINGS]
        if not scored:
            return (itself,)
        best = scored[0][0]
        weighed = [(known, float(np.exp((score - best) / _SOFTNESS))) for score, known in scored]
        likely = [Reading(known, weight) for known, weight in weighed if weight >= _LEAST_WEIGHT]
        if best >= (_OWN if is_dictionary_word(word) else _UNHEARD + _PER_LETTER * len(word)):
            return tuple(likely)
        return (itself, *(Reading(one.words, one.weight * _DOUBTFUL) for one in likely))

    def meant(self, word: str, others: Sequence[str]) -> tuple[Reading, ...]:
        """What a known but rare word may stand for: one that the catalog has far more often; else nothing."""
        rare = self._spelling.count(word)
        if not 0 < rare <= RARE or len(word) < 5 or not word.isalpha() or is_dictionary_word(word):
            return ()
        edits = 1 if len(word) < 8 else 2
        near = {one.word for one in self._spelling.nearest(word, _NEAREST) if 0 < one.edits <= edits}
        for _, known in self._scored(word, others):
            frequent = all(self._spelling.count(part) >= MORE_FREQUENT * rare for part in known)
            if frequent and (len(known) > 1 or known[0] in near):
                return (Reading(known, RARE_WEIGHT),)
        return ()

    def _scored(self, word: str, others: Sequence[str]) -> list[tuple[float, tuple[str, ...]]]:
        """Candidates with the logarithm of how likely each is, best first."""
        context = [self._having(other) for other in others]
        shares = [_count(having) / self._products for having in context]
        scored: list[tuple[float, tuple[str, ...]]] = []
        for one in self._spelling.nearest(word, _NEAREST):
            if one.edits and one.word not in FUNCTION_WORDS:
                penalty = _SLIP * one.edits + _OTHER_START * (one.word[0] != word[0])
                scored.append(
                    (self._prior(one.word) + self._fit(self._having(one.word), context, shares) - penalty, (one.word,))
                )
        for whole in self._spelling.beginning(word):
            fit = self._fit(self._having(whole), context, shares)
            scored.append((self._prior(whole) + fit - _CUT_SHORT, (whole,)))
        for pair in self._spelling.splits(word):
            if not FUNCTION_WORDS.isdisjoint(pair):
                continue
            left, right = map(self._having, pair)
            both = left & right
            by_chance = _count(left) * _count(right) / self._products
            prior = float(np.log(max(_count(both), by_chance) / self._products))
            scored.append((prior + self._fit(both, context, shares) - _RUN_ON, pair))
        return sorted(scored, reverse=True)

    def _prior(self, word: str) -> float:
        return float(np.log(self._spelling.count(word) / self._products))

    def _fit(self, having: NDArray[np.uint8], context: Sequence[NDArray[np.uint8]], shares: Sequence[float]) -> float:
        """How much more often other words stand with a candidate than anywhere, as a logarithm."""
        count, score = _count(having), 0.0
        for other, share in zip(context, shares, strict=True):
            together = (_count(having & other) + _CAUTION * share) / ((count + _CAUTION) * share)
            score += float(np.clip(np.log(together), *_FITTING))
        return score


def _count(bits: NDArray[np.uint8]) -> int:
    return int(np.bitwise_count(bits).sum())


def edit_distances(word: str, letters: NDArray[np.uint32], lengths: NDArray[np.int16]) -> NDArray[np.int16]:
    """Optimal string alignment distance of one word to many; rapidfuzz takes a fifth longer on so few.

    letters: shape (n, longest), code points, 0 beyond the end; lengths: shape (n,). Returns: shape (n,).
    """
    return _edit_distances(np.array([*map(ord, word)], np.uint32), letters, lengths)


@kernel
def _edit_distances(
    word: NDArray[np.uint32], letters: NDArray[np.uint32], lengths: NDArray[np.int16]
) -> NDArray[np.int16]:
    width = len(word)
    edits = np.empty(len(lengths), np.int16)
    rows = np.empty((3, width + 1), np.int16)  # of the table of distances: this one and the two above
    for other in range(len(lengths)):
        rows[0] = np.arange(width + 1)
        for at in range(1, lengths[other] + 1):
            row, above, before = rows[at % 3], rows[(at - 1) % 3], rows[(at - 2) % 3]
            letter = letters[other, at - 1]
            row[0] = at
            for column in range(1, width + 1):
                replaced = above[column - 1] + (word[column - 1] != letter)
                least = min(above[column] + 1, row[column - 1] + 1, replaced)
                if at > 1 and column > 1 and word[column - 2] == letter and word[column - 1] == letters[other, at - 2]:
                    least = min(least, before[column - 2] + 1)
                row[column] = least
        edits[other] = rows[lengths[other] % 3, width]
    return edits


def letter_matrix(words: Sequence[str]) -> NDArray[np.uint32]:
    """Words as rows of code points, 0 beyond their ends. Shape (words, longest)."""
    longest = max(map(len, words), default=1)
    return np.array(words, dtype=f"<U{longest}").view(np.uint32).reshape(len(words), longest)


def _letter_sets(letters: NDArray[np.uint32]) -> NDArray[np.uint64]:
    bits = np.where(letters > 0, np.uint64(1) << (letters % 64).astype(np.uint64), np.uint64(0))
    return np.asarray(np.bitwise_or.reduce(bits, axis=1, initial=np.uint64(0)), np.uint64)
