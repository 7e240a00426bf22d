"""A weighted sum of the rankings of words and intents: the order of a shop that has no reranker (our design)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whybuy.retrieval.ranked import Ranked


@dataclass(frozen=True, slots=True)
class FusionConfig:
    """Weights of intents beside words, small since words know what types imply; tuned on the demo without its logs."""

    always: float = 0.02  # of intents, for any query
    unmet_share: float = (
        2.0  # of intents, times the share of the query that names intents which the best lexical hit lacks
    )


def fuse(words: Ranked, intents: Ranked, *, unmet_share: float, config: FusionConfig) -> Ranked:
    """Products of both rankings by (word score / best word score) + weight * intent score.

    The weight is `always + config.unmet_share * unmet_share`: intents count for more where words alone miss what is
    asked for. words, intents: best first. unmet_share: share of the query's words that name intents and that the best
    lexical hit lacks, in [0, 1].
    """
    if not len(words.rows):
        return intents
    words = Ranked(words.rows, words.scores / words.scores[0])
    if not len(intents.rows):
        return words
    rows, place = np.unique(np.concatenate([words.rows, intents.rows]), return_inverse=True)
    scores = np.zeros(len(rows), dtype=np.float32)
    np.add.at(scores, place[: len(words.rows)], words.scores)
    np.add.at(scores, place[len(words.rows) :], (config.always + config.unmet_share * unmet_share) * intents.scores)
    order = np.lexsort((_first_seen(place, len(rows)), -scores))
    return Ranked(rows[order].astype(np.int32), scores[order])


def _first_seen(place: NDArray[np.intp], count: int) -> NDArray[np.int64]:
    """The first place of each product in the two rankings, for ties. Returns: shape (count,)."""
    first = np.full(count, len(place), dtype=np.int64)
    np.minimum.at(first, place, np.arange(len(place)))
    return first
