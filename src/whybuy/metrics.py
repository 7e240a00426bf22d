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


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], *, bins: int = 10) -> float:
    """Expected calibration error: the mean gap, by bin of equal width, between confidence and share of right answers.

    confidence: shape (answers,), in [0, 1]; right: of the same shape. In [0, 1], lower is better; 0 of no answers.
    Naeini et al., AAAI 2015.
    """
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(places, confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / max(1, len(confidence)))


def share(part: int, whole: int) -> float:
    """The ratio of a part to its whole, in [0, 1]; 0 of nothing."""
    return part / whole if whole else 0.0


def _discounted(gains: Sequence[float]) -> float:
    values = np.asarray(gains, dtype=np.float64)
    return float(values @ (1.0 / np.log2(np.arange(2, values.size + 2))))
