"""From the scores of a list of guesses to probabilities: a logistic regression over what tells, then an isotonic one.

Platt 1999; Zadrozny and Elkan, KDD 2002.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

SIGNS = ("score", "to_best", "share", "first")
_LEAST = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """How sure to be of each of a list of guesses, best first."""

    line: NDArray[np.float64]  # shape (signs + 1,): weights and bias
    steps: NDArray[np.float64]  # shape (2, n): what the line says, rising, and the probability there; linear between

    @classmethod
    def learn(cls, scores: NDArray[np.float32], right: NDArray[np.bool_]) -> Self | None:
        """Learn from guesses of which it is known whether they are right; None when all are, or none is.

        scores: shape (lists, guesses), in [0, 1], non-increasing, 0 past the end of a list. right: of the same shape.
        """
        from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - slow, and only training needs it
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

        real = scores > 0
        answers = right[real]
        if answers.all() or not answers.any():
            return None
        signs = _signs(scores)[real]
        fitted = LogisticRegression(max_iter=1000).fit(signs, answers)
        line = np.append(fitted.coef_[0], fitted.intercept_[0])
        isotonic = IsotonicRegression(y_min=0, y_max=1).fit(signs @ line[:-1] + line[-1], answers)
        return cls(line, np.stack([isotonic.X_thresholds_, isotonic.y_thresholds_]))

    def probabilities(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of each guess of a list, or of lists. scores: of shape (..., guesses), as in `learn`."""
        margins = _signs(scores) @ self.line[:-1] + self.line[-1]
        probabilities: NDArray[np.float64] = np.interp(margins, *self.steps)
        return probabilities

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """What is saved, by field."""
        return {"line": self.line, "steps": self.steps}


def _signs(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Shape (..., guesses, signs)."""
    known = np.maximum(scores.astype(np.float64), _LEAST)
    best, total = known[..., :1], np.maximum(scores.sum(axis=-1, keepdims=True), _LEAST)
    first = np.zeros_like(known)
    first[..., :1] = 1
    return np.stack([_odds(known), np.log(known / best), _odds(known / total), first], axis=-1)


def _odds(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(shares, _LEAST, 1 - _LEAST)
    odds: NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return odds
