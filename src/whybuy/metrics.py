"""Ranking metrics as small pure function objects, each with its name, unit, range and direction."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError


class Direction(Enum):
    """Whether a larger value is better."""

    HIGHER_IS_BETTER = 1
    LOWER_IS_BETTER = -1


@dataclass(frozen=True, slots=True)
class _AtCutoff:
    """A ratio over the first ranks; larger is better."""

    at: int

    key: ClassVar[str]
    unit: ClassVar[str] = "ratio"
    value_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    direction: ClassVar[Direction] = Direction.HIGHER_IS_BETTER

    def __post_init__(self) -> None:
        if self.at < 1:
            raise InputError(
                f"The cutoff of {self.key} must be at least 1, not {self.at}. Use 10, as in {self.key}@10."
            )

    @property
    def name(self) -> str:
        """The key in reports."""
        return f"{self.key}@{self.at}"


class NDCG(_AtCutoff):
    """Normalized discounted cumulative gain, `sum gain_i / log2(i + 1)` over that of the ideal order.

    The gain is linear; 0 when no judged product has a gain. Järvelin and Kekäläinen, TOIS 2002.
    """

    __slots__ = ()
    key = "ndcg"

    def __call__(self, gains: Sequence[float], judged: Sequence[float]) -> float:
        """gains: >= 0, of the ranked products, 0 for unjudged ones; judged: of all judged products."""
        ideal = _discounted(sorted(judged, reverse=True)[: self.at])
        return _discounted(gains[: self.at]) / ideal if ideal > 0 else 0.0


class Recall(_AtCutoff):
    """The share of the relevant products that stand among the first ranks; 0 when nothing is relevant."""

    __slots__ = ()
    key = "recall"

    def __call__(self, gains: Sequence[float], judged: Sequence[float]) -> float:
        """gains, judged: > 0 for a relevant product, else 0."""
        relevant = np.count_nonzero(np.asarray(gains[: self.at]) > 0)
        return share(int(relevant), int(np.count_nonzero(np.asarray(judged) > 0)))


class MRR(_AtCutoff):
    """One over the rank of the first relevant product, 0 when none stands among the first ranks."""

    __slots__ = ()
    key = "mrr"

    def __call__(self, gains: Sequence[float], judged: Sequence[float]) -> float:
        """gains: > 0 for a relevant product, else 0; judged: not looked at."""
        hits = np.flatnonzero(np.asarray(gains[: self.at]) > 0)
        return float(1.0 / (hits[0] + 1)) if hits.size else 0.0


@dataclass(frozen=True, slots=True)
class ZeroResults:
    """1 for a query that found nothing, else 0; its mean is the zero-result share."""

    unit: ClassVar[str] = "ratio"
    value_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    direction: ClassVar[Direction] = Direction.LOWER_IS_BETTER
    name: ClassVar[str] = "zero_results"

    def __call__(self, gains: Sequence[float], judged: Sequence[float]) -> float:
        """gains: one number per ranked product; judged: not looked at."""
        return float(len(gains) == 0)


CALIBRATION_BINS = 10


def calibration_bins(confidence: NDArray[np.float64], bins: int = CALIBRATION_BINS) -> NDArray[np.int64]:
    """The bin of equal width of each confidence in [0, 1], from 0. Returns: the shape of confidence."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def calibration_error(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], *, bins: int = CALIBRATION_BINS
) -> float:
    """Expected calibration error: the mean gap, by bin of equal width, between confidence and share of right answers.

    confidence: shape (answers,), in [0, 1]; right: of the same shape. In [0, 1], lower is better; 0 of no answers.
    Naeini et al., AAAI 2015.
    """
    gaps = np.bincount(calibration_bins(confidence, bins), confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / max(1, len(confidence)))


def confusion(actual: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """How often each class was taken for each. Both of shape (answers,). Returns: shape (actual, predicted)."""
    counts = np.bincount(actual * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.float64)


def macro_f1(confusions: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over classes of the harmonic mean of precision and recall, in [0, 1], higher is better.

    A class that neither occurs nor is predicted counts 0, so the number of classes is that of the task, not of a draw.

    confusions: shape (..., actual, predicted), see `confusion`. Returns: shape (...).
    """
    right = np.diagonal(confusions, axis1=-2, axis2=-1)
    both = confusions.sum(axis=-1) + confusions.sum(axis=-2)
    return np.asarray((2 * right / np.maximum(both, np.finfo(float).tiny)).mean(axis=-1), np.float64)


def micro_f1(confusions: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of right answers, in [0, 1], higher is better: with one class an answer, micro-F1 is accuracy.

    confusions: shape (..., actual, predicted), see `confusion`. Returns: shape (...).
    """
    right = np.diagonal(confusions, axis1=-2, axis2=-1).sum(axis=-1)
    return np.asarray(right / np.maximum(confusions.sum(axis=(-2, -1)), np.finfo(float).tiny), np.float64)


def roc_auc(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The chance that a positive has a higher score than a negative, ties counting half: in [0, 1], higher is better.

    scores, positive: shape (rows,). weights: shape (draws, rows), how often each row counts. Returns: shape (draws,),
    .5 where a draw has rows of one kind alone. Hanley and McNeil, Radiology 1982.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    above, below = weights[:, order] * positive[order], weights[:, order] * ~positive[order]
    if not len(starts):
        return np.full(len(weights), 0.5)
    tied_above, tied_below = np.add.reduceat(above, starts, axis=1), np.add.reduceat(below, starts, axis=1)
    won = (tied_above * (np.cumsum(tied_below, axis=1) - tied_below / 2)).sum(axis=1)
    pairs = above.sum(axis=1) * below.sum(axis=1)
    return np.where(pairs > 0, won / np.maximum(pairs, np.finfo(float).tiny), 0.5)


def share(part: int, whole: int) -> float:
    """The ratio of a part to its whole, in [0, 1]; 0 of nothing."""
    return part / whole if whole else 0.0


def _discounted(gains: Sequence[float]) -> float:
    values = np.asarray(gains, dtype=np.float64)
    return float(values @ (1.0 / np.log2(np.arange(2, values.size + 2))))
