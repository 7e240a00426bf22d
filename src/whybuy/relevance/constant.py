"""The answer that looks at nothing: how often each class was given, for every pair alike."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import ArtifactError
from whybuy.records import RelevancePair
from whybuy.relevance.model import MADE_BY, SAVED, JudgedPairs


class ConstantModel:
    """Gives the shares of the classes that it saw; what a model has to beat."""

    def __init__(self, shares: NDArray[np.float64], classes: Sequence[str]) -> None:
        """shares: shape (classes,), sum 1."""
        self._shares, self._classes = shares, tuple(classes)

    @classmethod
    def fit(cls, judged: JudgedPairs) -> Self:
        """The shares of the classes, each counted once more than it occurs."""
        counts = np.bincount(judged.classes, minlength=len(judged.names)) + 1.0
        return cls(counts / counts.sum(), judged.names)

    @property
    def classes(self) -> tuple[str, ...]:
        """See `RelevanceModel`."""
        return self._classes

    def probabilities(self, pairs: Sequence[RelevancePair]) -> NDArray[np.float64]:
        """See `RelevanceModel`."""
        return np.tile(self._shares, (len(pairs), 1))

    def save(self, folder: Path) -> None:
        """See `RelevanceModel`."""
        SAVED.save(folder, {"shares": self._shares}, kind="constant", classes=self._classes)

    @classmethod
    def of(cls, folder: Path, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> Self:
        """The model of a folder that was read.

        Raises:
            ArtifactError: it is damaged.
        """
        try:
            return cls(arrays["shares"], facts["classes"])
        except KeyError as error:
            raise ArtifactError(f"The relevance model in {folder} is damaged ({error}). Run `{MADE_BY}`.") from error
