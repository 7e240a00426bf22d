"""Shrunken lift and its significance, over arrays of counts."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, xlogy

Floats = NDArray[np.float64]


def shrunken_lift(observed: Floats, expected: Floats, *, prior: float = 1.0, towards: Floats | float = 1.0) -> Floats:
    """Observed over expected counts, shrunken towards a lift (1: chance) by as much as `prior` expected events weigh.

    The posterior mean of a Poisson rate ratio under a Gamma(prior * towards, prior) prior (the gamma-Poisson shrinker
    used for adverse drug reports, DuMouchel 1999).

    observed, expected: shape (n,), counts >= 0. Returns: shape (n,), > 0.
    """
    return (observed + prior * towards) / (expected + prior)


def significance(observed: Floats, expected: Floats, trials: Floats) -> Floats:
    """Signed square root of the binomial log-likelihood ratio: about standard normal under independence.

    Dunning 1993, one-sided use. observed, expected: shape (n,), counts in [0, trials]. Returns: shape (n,).
    """
    expected = np.clip(expected, 1e-9, trials - 1e-9)
    missed = trials - observed
    deviance = 2.0 * (xlogy(observed, observed / expected) + xlogy(missed, missed / (trials - expected)))
    z: Floats = np.sign(observed - expected) * np.sqrt(np.maximum(deviance, 0.0))
    return z


def plausibility(z: Floats, *, midpoint: float = 2.0) -> Floats:
    """Evidence statistics as a score in [0, 1]: one half at `midpoint` standard deviations, towards 1 above.

    Our design, in place of a critic while there are no judgments; not a calibrated probability.
    """
    return np.asarray(ndtr(z - midpoint), dtype=np.float64)
