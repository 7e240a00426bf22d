"""How nearly many pairs of texts are the same, in compiled code."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel

Letters = NDArray[np.uint32]
Numbers = NDArray[np.int64]


class _Spelled(NamedTuple):
    """Texts letter by letter; text i is letters[starts[i] : starts[i + 1]]."""

    letters: Letters
    starts: Numbers


def closeness(tails: Sequence[str], texts: Sequence[str], tail: Numbers, text: Numbers) -> NDArray[np.float64]:
    """Of each pair, 1 - edits / length of the longer; 0 for whatever is below 0.5.

    Args:
        tails: Any texts.
        texts: Others.
        tail: Place in `tails`, by pair.
        text: Place in `texts`, by pair.

    Returns: shape (pairs,), in [0, 1].
    """
    return _closeness(_spell(tails), _spell(texts), tail, text)


def _spell(texts: Sequence[str]) -> _Spelled:
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return _Spelled(letters, np.cumsum([0, *map(len, texts)], dtype=np.int64))


@kernel
def _closeness(tails: _Spelled, texts: _Spelled, tail: Numbers, text: Numbers) -> NDArray[np.float64]:
    ones, one_starts = tails
    others, other_starts = texts
    found = np.zeros(len(tail))
    for pair in range(len(tail)):
        one = ones[one_starts[tail[pair]] : one_starts[tail[pair] + 1]]
        other = others[other_starts[text[pair]] : other_starts[text[pair] + 1]]
        found[pair] = _close(one, other)
    return found


@kernel
def _close(one: Letters, other: Letters) -> float:
    longer = max(len(one), len(other))
    if longer == 0:
        return 1.0
    if 2 * abs(len(one) - len(other)) > longer:
        return 0.0
    close = 1.0 - _edits(one, other) / longer
    return close if close >= 0.5 else 0.0


@kernel
def _edits(one: Letters, other: Letters) -> int:
    """Levenshtein distance, row by row in place."""
    row = np.arange(len(other) + 1)
    for at in range(len(one)):
        diagonal, row[0] = row[0], at + 1
        for place in range(len(other)):
            kept = diagonal + (one[at] != other[place])
            diagonal = row[place + 1]
            row[place + 1] = min(kept, diagonal + 1, row[place] + 1)
    return int(row[len(other)])
