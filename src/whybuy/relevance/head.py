"""The multinomial logistic regression that turns features of a pair into probabilities, kept as plain arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Standardized features, one linear layer, a softmax."""

    center: NDArray[np.float32]  # shape (features,)
    scale: NDArray[np.float32]  # shape (features,), > 0
    weights: NDArray[np.float32]  # shape (features, classes)
    biases: NDArray[np.float32]  # shape (classes,)

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """features: shape (rows, features). Returns: shape (rows, classes)."""
        return np.asarray((features - self.center) / self.scale @ self.weights + self.biases, np.float64)

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """features: shape (rows, features). Returns: shape (rows, classes), rows that sum to 1."""
        return softmax(self.logits(features))

    def cooled(self, temperature: float) -> Self:
        """The same order of classes, less sure of it above a temperature of 1 (Guo et al., ICML 2017)."""
        divisor = np.float32(temperature)
        return type(self)(self.center, self.scale, self.weights / divisor, self.biases / divisor)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """By name, for a folder."""
        return {"center": self.center, "scale": self.scale, "weights": self.weights, "biases": self.biases}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.float32]]) -> Self:
        """The head of these `arrays`.

        Raises:
            KeyError: one is missing.
        """
        return cls(*(arrays[name] for name in ("center", "scale", "weights", "biases")))


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities by row. Shape (rows, classes)."""
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), np.float64)
