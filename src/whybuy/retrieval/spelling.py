"""Corrects words that the catalog does not have to the closest words that it has."""

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel

SHORTEST = 3
LONGEST = 24


@dataclass(frozen=True, slots=True)
class Correction:
    """A known word near an unknown one."""

    word: str
    edits: int  # insertions, deletions, replacements and swaps of neighbors


def edits_allowed(word: str) -> int:
    """How many letters of a word may be wrong: none below 4 letters, 1 below 8, else 2."""
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2


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
        """Known words within `edits_allowed`: fewest edits first, same first letter first, then the most frequent."""
        allowed = edits_allowed(word)
        if not allowed or not word.isalpha() or len(word) > LONGEST:
            return ()
        candidates = self._plausible(word, allowed)
        edits = edit_distances(word, self._letters[candidates], self._lengths[candidates])
        candidates, edits = candidates[edits <= allowed], edits[edits <= allowed]
        other_start = self._letters[candidates, 0] != ord(word[0])
        order = np.lexsort((-self._frequency[candidates], 2 * edits + other_start))[:limit]
        return tuple(Correction(self._words[candidates[at]], int(edits[at])) for at in order)

    def _plausible(self, word: str, allowed: int) -> NDArray[np.intp]:
        """Words of a near length that differ in few letters: one edit changes the set of letters in two at most."""
        own = functools.reduce(operator.or_, (np.uint64(1 << ord(letter) % 64) for letter in word))
        near_length = np.abs(self._lengths - len(word)) <= allowed
        return np.flatnonzero(near_length & (np.bitwise_count(self._letter_sets ^ own) <= 2 * allowed))

    def split(self, word: str) -> tuple[str, str] | None:
        """Two known words that an unknown one is made of ("kitchenfaucet"), the more frequent the better."""
        cuts = [(word[:at], word[at:]) for at in range(SHORTEST, min(len(word), LONGEST) - SHORTEST + 1)]
        support, best = max(
            ((min(self.count(left), self.count(right)), (left, right)) for left, right in cuts), default=(0, None)
        )
        return best if support else None


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
