"""Fits heads on features of judged pairs, and says how sure they may be."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whybuy.relevance.head import Head, softmax

_ROUNDS = 200  # of the optimizer, at most
_WIDTH = 384.0  # of a block whose standardized features are penalized as they are
_TEMPERATURES = np.geomspace(0.5, 20, 60)


def fit_head(blocks: Sequence[NDArray[np.float32]], classes: NDArray[np.int64], names: int, penalty: float) -> Head:
    """Fit on blocks of features that count alike, however many features each has.

    Without that, nine numbers about reasons are lost beside hundreds of a vector (our design). A class that no pair
    has gets the probability of one pair in all.

    blocks: each of shape (rows, its features). classes: shape (rows,), numbers below names. penalty: on squared
    weights, by pair.
    """
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - slow, and only training needs it
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    features = np.hstack(blocks)
    width = np.concatenate([np.full(block.shape[1], block.shape[1]) for block in blocks])
    center, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > 1e-6, spread, 1.0) * np.sqrt(width / _WIDTH)
    weights, biases = np.zeros((len(center), names)), np.full(names, -np.log(len(classes) + names))
    seen = np.unique(classes)
    biases[seen] = 0
    if len(seen) > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # rounds are bounded on purpose
            scaled = ((features - center) / scale).astype(np.float32)
            strength = 1 / (penalty * len(classes))
            fitted = LogisticRegression(C=strength, max_iter=_ROUNDS, tol=1e-3).fit(scaled, classes)
        margins, offsets = fitted.coef_, fitted.intercept_
        if len(seen) == 2:  # one margin of the second class against the first
            margins, offsets = np.vstack([-margins / 2, margins / 2]), np.hstack([-offsets / 2, offsets / 2])
        weights[:, seen] = margins.T
        biases[seen] = offsets - (offsets.max() if len(seen) < names else 0)
    return Head(*(array.astype(np.float32) for array in (center, scale, weights, biases)))


def best_temperature(logits: NDArray[np.float64], classes: NDArray[np.int64]) -> tuple[float, float]:
    """The temperature of a softmax that makes these classes most likely, on pairs that the head was not fitted on.

    Returns: the temperature, and the mean negative log-likelihood there.
    """
    rows = np.arange(len(classes))
    losses = [-np.log(softmax(logits / one)[rows, classes] + 1e-12).mean() for one in _TEMPERATURES]
    best = int(np.argmin(losses))
    return float(_TEMPERATURES[best]), float(losses[best])
