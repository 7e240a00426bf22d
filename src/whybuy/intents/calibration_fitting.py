"""Fits a calibration: logistic regression over features of a guess, then isotonic regression.

Platt 1999; Zadrozny and Elkan, KDD 2002.
"""

import numpy as np
from numpy.typing import NDArray

from whybuy.intents.calibration import Calibration, features_of


def fit_calibration(scores: NDArray[np.float32], right: NDArray[np.bool_]) -> Calibration | None:
    """Fit to guesses of which it is known whether they are right; None when all are, or none is.

    scores: shape (lists, guesses), in [0, 1], non-increasing, 0 past the end of a list. right: of the same shape.
    """
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - slow, and only training needs it
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    real = scores > 0
    answers = right[real]
    if answers.all() or not answers.any():
        return None
    features = features_of(scores)[real]
    fitted = LogisticRegression(max_iter=1000).fit(features, answers)
    line = np.append(fitted.coef_[0], fitted.intercept_[0])
    isotonic = IsotonicRegression(y_min=0, y_max=1).fit(features @ line[:-1] + line[-1], answers)
    return Calibration(line, np.stack([isotonic.X_thresholds_, isotonic.y_thresholds_]))
