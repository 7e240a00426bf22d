"""From the scores of a list of guesses to probabilities: a logistic regression over what tells, then an isotonic one.

Platt 1999; Zadrozny and Elkan, KDD 2002.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAST = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """How sure to be of each of a list of guesses, best first."""

    line: NDArray[np.float64]  # shape (features + 1,): weights and bias
    steps: NDArray[np.float64]  # shape (2, n): what the line says, rising, and the probability there; linear between

    def probabilities(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of each guess of a list, or of lists. scores: of shape (..., guesses), as in `calibration_fitting`."""
        margins = features_of(scores) @ self.line[:-1] + self.line[-1]
        probabilities: NDArray[np.float64] = np.interp(margins, *self.steps)
        return probabilities

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """What is saved, by field."""
        return {"line": self.line, "steps": self.steps}


def features_of(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """What tells whether guesses are right: shape (..., guesses, 4)."""
    known = np.maximum(scores.astype(np.float64), _LEAST)
    best, total = known[..., :1], np.maximum(scores.sum(axis=-1, keepdims=True), _LEAST)
    first = np.zeros_like(known)
    first[..., :1] = 1
    return np.stack([_odds(known), np.log(known / best), _odds(known / total), first], axis=-1)


def _odds(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(shares, _LEAST, 1 - _LEAST)
    odds: NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return odds
