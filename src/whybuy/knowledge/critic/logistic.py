"""Logistic regressions kept as plain numbers, and the quality of probabilities."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.metrics import calibration_error


@dataclass(frozen=True, slots=True, eq=False)
class LogisticModel:
    """A logistic regression: weights and a bias."""

    weights: NDArray[np.float64]  # shape (features,)
    bias: float

    @classmethod
    def fit(cls, features: NDArray[np.float32] | csr_matrix, answers: NDArray[np.float32]) -> Self:
        """Fit with a unit penalty on the weights of features as they come. answers: 1 or 0 by row, both there."""
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow, and only training needs it

        fitted = LogisticRegression(max_iter=1000).fit(features, answers > 0.5)
        return cls(fitted.coef_[0].astype(np.float64), float(fitted.intercept_[0]))

    @classmethod
    def fit_scaled(cls, features: NDArray[np.float32], answers: NDArray[np.float32]) -> Self:
        """The same with the penalty on standardized features; the weights are for features as they come."""
        center, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
        scaled = cls.fit((features - center) / scale, answers)
        weights = scaled.weights / scale
        return cls(weights, scaled.bias - float(weights @ center))

    def margins(self, features: NDArray[np.float32] | csr_matrix) -> NDArray[np.float64]:
        """Log odds. Returns: shape (rows,)."""
        return np.asarray(features @ self.weights + self.bias, np.float64)

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns: shape (rows,), in (0, 1)."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.margins(features), -50, 50))), np.float64)


def quality(probabilities: NDArray[np.float64], answers: NDArray[np.float32]) -> dict[str, float]:
    """How good predicted probabilities are.

    probabilities: in [0, 1]; answers: 1 or 0; both of shape (rows,). Returns: area under the ROC curve, average
    precision, expected calibration error, and precision and recall of those from 0.5 on; the first two are NaN where
    all answers are the same.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score  # noqa: PLC0415 - slow, only measuring needs it

    right, kept = answers > 0.5, probabilities >= 0.5
    both = 0 < np.count_nonzero(right) < len(right)
    figures = {
        "auc": roc_auc_score(right, probabilities) if both else np.nan,
        "average_precision": average_precision_score(right, probabilities) if both else np.nan,
        "calibration_error": calibration_error(probabilities, right),
        "precision": right[kept].mean() if kept.any() else 0.0,
        "recall": kept[right].mean() if right.any() else 0.0,
        "share_yes": right.mean(),
    }
    return {name: round(float(figure), 4) for name, figure in figures.items()}
