"""Words and needs together: one order out of several rankers (our design until judgments teach a better one)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whybuy.retrieval.ranked import Ranked


@dataclass(frozen=True, slots=True)
class FusionConfig:
    """How much needs count beside words; tuned on the looked-at demo and Home Depot's training queries."""

    always: float = 0.1  # weight of needs in any query
    unsaid: float = 5.0  # further weight, times the share of the query that names needs which no product says


def fuse(words: Ranked, needs: Ranked, *, unsaid: float, config: FusionConfig) -> Ranked:
    """Products of both rankings: scaled word score + weight x need score, where needs speak up as words fall silent.

    words, needs: best first. unsaid: share of the query's words that name needs and that the best lexical hit lacks, in
    [0, 1].
    """
    if not len(words.rows):
        return needs
    words = Ranked(words.rows, words.scores / words.scores[0])
    if not len(needs.rows):
        return words
    rows, place = np.unique(np.concatenate([words.rows, needs.rows]), return_inverse=True)
    scores = np.zeros(len(rows), dtype=np.float32)
    np.add.at(scores, place[: len(words.rows)], words.scores)
    np.add.at(scores, place[len(words.rows) :], (config.always + config.unsaid * unsaid) * needs.scores)
    order = np.lexsort((_first_seen(place, len(rows)), -scores))
    return Ranked(rows[order].astype(np.int32), scores[order])


def _first_seen(place: NDArray[np.intp], count: int) -> NDArray[np.int64]:
    """Ties go to the better place in the rankings themselves."""
    first = np.full(count, len(place), dtype=np.int64)
    np.minimum.at(first, place, np.arange(len(place)))
    return first
