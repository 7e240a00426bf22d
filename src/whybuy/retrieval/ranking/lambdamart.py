"""A trained LambdaMART model (Burges, MSR-TR-2010-82): features of candidates → their order."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.errors import InputError
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.ranking.boosted_trees import BoostedTrees, evaluate

_SAVED = ArrayFolder("reranker model", 1, "reranker_model.json")


class LambdaMART:
    """Boosted regression trees that score candidates; immutable, safe for many threads."""

    def __init__(self, features: Sequence[str], trees: BoostedTrees, importance: Mapping[str, float]) -> None:
        """importance: share of each feature in the gain of all splits."""
        self.features = tuple(features)
        self.importance = dict(sorted(importance.items(), key=lambda pair: -pair[1]))  # the highest first
        self._trees = trees

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of the candidates of one query, comparable within it. features: shape (n, len(self.features)).

        Raises:
            InputError: there are more or fewer features than the model was trained on.
        """
        if features.ndim != 2 or features.shape[1] != len(self.features):
            raise InputError(
                f"The reranker was trained on {len(self.features)} features, what came has the shape {features.shape}. "
                "Run `whybuy build` to train it anew."
            )
        return evaluate(self._trees, features).astype(np.float32)

    def rank(self, candidates: NDArray[np.int32], features: NDArray[np.float32]) -> Ranked:
        """Candidates, distinct, with their features: best first, equals in the order in which they come."""
        scores = self.score(features)
        order = np.argsort(-scores, kind="stable")
        return Ranked(candidates[order], scores[order])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open the folder that `save` wrote; LightGBM is not needed.

        Raises:
            ArtifactError: the folder holds no such model, one of another format version, or a damaged one.
        """
        arrays, facts = _SAVED.load(folder)
        return cls(facts["features"], BoostedTrees(**arrays), facts["importance"])

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        _SAVED.save(folder, self._trees._asdict(), features=list(self.features), importance=self.importance)
