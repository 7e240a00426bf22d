"""Turns the scores of a list of guesses into probabilities: a logistic regression, then an isotonic one.

Platt 1999; Zadrozny and Elkan, KDD 2002. `calibration_fitting` fits it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAST = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The probability that each of a list of guesses is right."""

    line: NDArray[np.float64]  # shape (features + 1,): weights of `features_of`, then the bias
    steps: NDArray[np.float64]  # shape (2, n): margins of the line, rising, and their probabilities; linear between

    def probabilities(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """The probability of each guess. scores: see `features_of`. Returns: of the shape of scores, in [0, 1]."""
        margins = features_of(scores) @ self.line[:-1] + self.line[-1]
        probabilities: NDArray[np.float64] = np.interp(margins, *self.steps)
        return probabilities

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """What is saved, by field."""
        return {"line": self.line, "steps": self.steps}


def features_of(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Features that distinguish right guesses from wrong ones: score, ratio to the best, share of all, is first.

    scores: of lists of guesses, best first, shape (..., guesses), in [0, 1], 0 past the end of a list.
    Returns: shape (..., guesses, 4); the first and third as log odds, the second as a logarithm.
    """
    known = np.maximum(scores.astype(np.float64), _LEAST)
    best, total = known[..., :1], np.maximum(scores.sum(axis=-1, keepdims=True), _LEAST)
    first = np.zeros_like(known)
    first[..., :1] = 1
    return np.stack([_odds(known), np.log(known / best), _odds(known / total), first], axis=-1)


def _odds(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(shares, _LEAST, 1 - _LEAST)
    odds: NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return odds
