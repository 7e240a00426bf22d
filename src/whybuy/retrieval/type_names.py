"""The last resort of a search: the product type whose name is closest in letters to a word of the query."""

from collections.abc import Iterable

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from whybuy.text import lemmas

SHORTEST = 4  # letters of a word that may name a type
FARTHEST = 0.4  # edits by letter at which a word is still near
LONGEST_QUERY = 200  # characters that are looked at


class TypeNames:
    """The words of the names of all product types."""

    def __init__(self, names: Iterable[str]) -> None:
        pairs = sorted({(name, word) for name in names for word in lemmas(name)})
        self._names = [name for name, _ in pairs]
        self._words = [word for _, word in pairs]
        self._lengths = np.array([len(word) for word in self._words], np.int16)

    def nearest(self, query: str) -> str | None:
        """The type with a word that takes the fewest edits by letter to a word of the query; None when all are far."""
        query_words = [word for word in lemmas(query[:LONGEST_QUERY]) if len(word) >= SHORTEST]
        near = [self._nearest(word) for word in query_words] if self._names else []
        share, name = min(near, default=(1.0, ""))
        return name if share <= FARTHEST else None

    def _nearest(self, word: str) -> tuple[float, str]:
        (edits,) = cdist([word], self._words, scorer=OSA.distance, dtype=np.int16)
        shares = edits / np.maximum(self._lengths, len(word))
        at = int(np.argmin(shares))  # the first of equals: names are sorted
        return float(shares[at]), self._names[at]
