"""The last resort of a search: the product type whose name looks most like a word of the query."""

from collections.abc import Iterable

import numpy as np

from whybuy.retrieval.spelling import edit_distances, letter_matrix
from whybuy.text import lemmas

SHORTEST = 4  # letters of a word that may name a type
FARTHEST = 0.4  # edits by letter at which a word is still near
LONGEST_QUERY = 200  # characters that are looked at


class TypeNames:
    """The words of the names of all product types."""

    def __init__(self, names: Iterable[str]) -> None:
        pairs = sorted({(name, word) for name in names for word in lemmas(name)})
        self._names = [name for name, _ in pairs]
        self._lengths = np.array([len(word) for _, word in pairs], np.int16)
        self._letters = letter_matrix([word for _, word in pairs])

    def nearest(self, query: str) -> str | None:
        """The type with a word that takes the fewest edits by letter to a word of the query; None when all are far."""
        asked = [word for word in lemmas(query[:LONGEST_QUERY]) if len(word) >= SHORTEST]
        near = [self._nearest(word) for word in asked] if self._names else []
        share, name = min(near, default=(1.0, ""))
        return name if share <= FARTHEST else None

    def _nearest(self, word: str) -> tuple[float, str]:
        edits = edit_distances(word, self._letters, self._lengths)
        shares = edits / np.maximum(self._lengths, len(word))
        at = int(np.argmin(shares))  # the first of equals: names are sorted
        return float(shares[at]), self._names[at]
