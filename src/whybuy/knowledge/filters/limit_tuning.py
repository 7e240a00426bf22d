"""Tunes the limit of a filter on judged reasons: the lowest that rejects few plausible ones."""

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.keys import SEPARATOR
from whybuy.knowledge.annotation.skipping import answers_to
from whybuy.knowledge.numbering import joined_heads
from whybuy.records import Question


@dataclass(frozen=True, slots=True)
class Aim:
    """What a tuned limit must guarantee (our design)."""

    most_lost: float = 0.01  # share of the plausible reasons, in [0, 1]
    least_judged: int = 100  # plausible ones that the filter scores; with fewer, its own limit stays


def tune(scores: NDArray[np.float64], plausible: NDArray[np.float64], limit: float, aim: Aim = Aim()) -> float:
    """The lowest limit above which few enough of the plausible reasons lie, and more of the others.

    Args:
        scores: of a filter, higher is worse, nan where it abstains. Shape (n,).
        plausible: 1, 0, or nan where nobody has judged. Shape (n,).
        limit: The filter's own, which stays when too few were judged, or when none does and nothing judged lies above.
        aim: What must be kept.

    Returns: infinity when no limit does, its own included.
    """
    good, bad = (np.sort(scores[(plausible == answer) & ~np.isnan(scores)]) for answer in (1, 0))
    if len(good) < aim.least_judged:
        return limit
    limits = np.unique(np.concatenate([good, bad]))
    lost, taken = (len(judged) - np.searchsorted(judged, limits, side="right") for judged in (good, bad))
    fitting = limits[(lost <= aim.most_lost * len(good)) & (taken > lost)]
    if len(fitting):
        return float(fitting[0])
    return math.inf if limits[-1] > limit else limit


def majority_answers(hypotheses: pa.Table, judgments: pa.Table, question: Question) -> NDArray[np.float64]:
    """The majority answer to a question about each hypothesis: 1, 0, or nan where nobody answered or they are split.

    A no to an earlier question is a no to this one. judgments: JUDGMENT_SCHEMA. Returns: shape (hypotheses,).
    """
    given = pc.cast(answers_to(judgments, question), pa.float64())
    answered = pc.is_valid(given)
    votes = pa.table([_keys(judgments).filter(answered), given.filter(answered)], names=["key", "yes"])
    means = votes.group_by("key").aggregate([("yes", "mean")])
    place = pc.index_in(_keys(hypotheses), value_set=means["key"])
    share = pc.fill_null(pc.take(means["yes_mean"], place), math.nan).to_numpy()
    return np.where(share == 0.5, np.nan, np.where(np.isnan(share), share, share > 0.5))


def _keys(table: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(joined_heads(table), table["relation"], table["tail"], SEPARATOR)
