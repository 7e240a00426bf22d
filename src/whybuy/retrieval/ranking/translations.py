"""Which words of titles answer which words of queries, counted in past queries (after Berger & Lafferty, SIGIR 1999).

Shoppers and sellers name the same thing differently: who asks for a "fridge" is content with a "refrigerator".
"""

from enum import IntEnum, auto
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.kernels import kernel
from whybuy.retrieval.ranking.match_features import stands_in, word_weights
from whybuy.retrieval.ranking.product_terms import QueryTerms, TermTable

_SAVED = ArrayFolder("translations", 1, "translations.json")


class Translated(IntEnum):
    """Columns of `Translations.features`; shares are in [0, 1]."""

    COVERED = 0  # share of the query's rarity in the title, each word itself or a word that answers it
    OTHERWISE = auto()  # the part of it that other words answer
    EXPECTED = auto()  # lift of the title's words, over the query's rarity
    SIMILARITY = auto()  # cosine of the title's words and those expected


class Answers(NamedTuple):
    """Terms of titles by word of queries: those of word w are entries starts[w] up to starts[w + 1]."""

    starts: NDArray[np.int64]  # shape (words + 1,)
    terms: NDArray[np.int32]  # shape (entries,), as in `TermTable`
    shares: NDArray[np.float32]  # shape (entries,): how often a good product has the term in its title, in (0, 1)
    lifts: NDArray[np.float32]  # shape (entries,): share times logarithm of the share over that in the whole catalog


class Translations:
    """Title words that answer query words; memory-mapped, immutable."""

    def __init__(self, stems: NDArray[np.uint64], answers: Answers) -> None:
        """stems: shape (words,), ascending, as in `QueryTerms`."""
        self._stems, self._answers = stems, answers

    def __len__(self) -> int:
        return len(self._stems)

    def features(self, query: QueryTerms, table: TermTable, candidates: NDArray[np.int32]) -> NDArray[np.float32]:
        """Compare what a query's words let expect with the titles of candidates.

        Returns: shape (candidates, len(Translated)).
        """
        features = np.zeros((len(candidates), len(Translated)), np.float32)
        places = np.searchsorted(self._stems, query.stems)
        known = places < len(self._stems)
        known[known] = self._stems[places[known]] == query.stems[known]
        if len(query.terms):
            _translate(query, np.where(known, places, -1), self._answers, table, candidates, features)
        return features

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        _SAVED.save(folder, self._answers._asdict() | {"stems": self._stems})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved folder, memory-mapped.

        Raises:
            ArtifactError: the folder holds no translations, those of another format version, or damaged ones.
        """
        arrays, _ = _SAVED.load(folder)
        stems = arrays.pop("stems")
        return cls(stems, Answers(**arrays))


@kernel
def _translate(
    query: QueryTerms,
    places: NDArray[np.int64],
    answers: Answers,
    table: TermTable,
    candidates: NDArray[np.int32],
    features: NDArray[np.float32],
) -> None:
    """places: of each word in the answers, -1 where no query has it."""
    title, title_start, rarity = table.title, table.title_start, table.rarity
    starts, terms, shares, lifts = answers
    weights = word_weights(query, rarity)
    whole = weights.sum()
    share, expected = np.zeros(len(rarity), np.float32), np.zeros(len(rarity), np.float32)
    length = np.float32(0)  # of what is expected, squared
    for word in range(len(weights)):
        first, last = (starts[places[word]], starts[places[word] + 1]) if places[word] >= 0 else (0, 0)
        for entry in range(first, last):
            term, lift = terms[entry], weights[word] * lifts[entry]
            share[term] = shares[entry]
            length += (2 * expected[term] + lift) * lift
            expected[term] += lift
        for at in range(len(candidates)):
            itself, best = False, np.float32(0)
            for place in range(title_start[candidates[at]], title_start[candidates[at] + 1]):
                itself |= title[place] == query.terms[word]
                best = max(best, share[title[place]])
            part = weights[word] / whole
            features[at, Translated.COVERED] += part if itself else part * best
            features[at, Translated.OTHERWISE] += 0 if itself else part * best
        for entry in range(first, last):
            share[terms[entry]] = 0
    for at in range(len(candidates)):
        met, both, squares = np.float32(0), np.float32(0), np.float32(0)
        words = title[title_start[candidates[at]] : title_start[candidates[at] + 1]]
        for place, term in enumerate(words):
            if stands_in(words[:place], term):
                continue
            met += expected[term]
            both += expected[term] * rarity[term]
            squares += rarity[term] * rarity[term]
        features[at, Translated.EXPECTED] = met / whole
        if both > 0:
            features[at, Translated.SIMILARITY] = both / np.sqrt(length * squares)
