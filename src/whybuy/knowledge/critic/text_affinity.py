"""Regularized canonical correlation between the vectors of heads and those of their reasons.

Hotelling 1936; with a ridge, Vinod 1976. Two linear maps bring heads and their typical reasons into one space, each
direction weighted by the root of its correlation. Closed form: the same judgments give the same maps.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whybuy.vectors.unit import unit_vectors

RIDGE = 3.0  # times the mean variance of a direction; by cross-validation on IntentionQA's training pairs
DIMENSIONS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Affinity:
    """Two linear maps into one space."""

    head_mean: NDArray[np.float32]  # shape (head dimensions,)
    head_map: NDArray[np.float32]  # shape (head dimensions, common)
    reason_mean: NDArray[np.float32]  # shape (reason dimensions,)
    reason_map: NDArray[np.float32]  # shape (reason dimensions, common)

    @classmethod
    def fit(cls, heads: NDArray[np.float32], reasons: NDArray[np.float32]) -> "Affinity":
        """Fit on heads with a typical reason each. Both of shape (pairs, dimensions)."""
        head_mean, reason_mean = heads.mean(axis=0), reasons.mean(axis=0)
        centered_heads, centered_reasons = (heads - head_mean).astype(np.float64), (reasons - reason_mean).astype(float)
        white_heads, white_reasons = _whitening(centered_heads), _whitening(centered_reasons)
        across = centered_heads.T @ centered_reasons / len(heads)
        left, strength, right = np.linalg.svd(white_heads @ across @ white_reasons)
        common = min(DIMENSIONS, len(strength))
        weights = np.sqrt(strength[:common])
        return cls(
            head_mean,
            (white_heads @ left[:, :common] * weights).astype(np.float32),
            reason_mean,
            (white_reasons @ right[:common].T * weights).astype(np.float32),
        )

    def of_heads(self, heads: NDArray[np.float32]) -> NDArray[np.float32]:
        """Heads in the common space. Returns: shape (heads, common), rows of norm 1."""
        return unit_vectors((heads - self.head_mean) @ self.head_map)

    def of_reasons(self, reasons: NDArray[np.float32]) -> NDArray[np.float32]:
        """Reasons in the common space. Returns: shape (reasons, common), rows of norm 1."""
        return unit_vectors((reasons - self.reason_mean) @ self.reason_map)


def _whitening(centered: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse square root of the ridged covariance."""
    covariance = centered.T @ centered / len(centered)
    variances, directions = np.linalg.eigh(covariance)
    ridged = np.maximum(variances, 0) + RIDGE * max(float(variances.mean()), 1e-12)
    whitening: NDArray[np.float64] = directions * ridged**-0.5 @ directions.T
    return whitening
