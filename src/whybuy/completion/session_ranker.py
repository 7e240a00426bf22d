"""What shoppers ask after what: a label tree over all suggestions, asked for those that begin with a prefix.

Extreme multi-label ranking with the previous query as context (Yadav et al., KDD 2021, arXiv 2012.07654). The prefix is
no feature here but a bound: the beam goes only where a suggestion begins with it, so none that fits is missed for one
that does not (our design).
"""

import json
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import write_json
from whybuy.completion.folding import fold
from whybuy.completion.limits import LOOKED_BACK
from whybuy.errors import ArtifactError
from whybuy.kernels import kernel
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.search import PostProcessor, log_factor
from whybuy.xmr.tree import XMRTree

Context = tuple[NDArray[np.int32], NDArray[np.float32]]
"""Features of what was asked before: columns, rising, and their values."""
LENGTHS = (3, 6)  # letters of a prefix up to which the first weights hold; the last one holds beyond
MOST_REMEMBERED = 10_000  # queries with their vectors: whoever types a word asks after the same ones at each letter
LOWEST = -30.0  # of logarithms of scores
_ABOUT = "session.json"
_SCORES = PostProcessor.LOG_L3_HINGE
_POWER = _SCORES.power


class SessionRanker:
    """A trained tree over the suggestions of a shop; immutable, safe for many threads."""

    def __init__(self, vectorizer: NgramVectorizer, tree: XMRTree, *, decay: float, weights: Sequence[float]) -> None:
        """weights: of the logarithm of a score beside that of how often a suggestion is asked; see `LENGTHS`."""
        self._vectorizer, self._tree, self._decay, self.weights = vectorizer, tree, decay, tuple(weights)
        self._vector = lru_cache(MOST_REMEMBERED)(lambda query: vectorizer.vector(fold(query)))

    def context(self, previous: Sequence[str]) -> Context | None:
        """Queries of the session, one or more, the one just before first; None when nothing of them is known.

        As a row of `session_training.contexts`, which takes a millisecond for a single one.
        """
        (columns, values), *further = map(self._vector, previous[:LOOKED_BACK])
        if further:
            columns = np.concatenate([columns, *(others for others, _ in further)])
            values = np.concatenate([values, *(self._decay**back * of for back, (_, of) in enumerate(further, 1))])
            columns, values = _summed(columns, values)
        return (columns, values) if len(columns) else None

    def trusted(self, weights: Sequence[float]) -> Self:
        """The same with other weights."""
        return type(self)(self._vectorizer, self._tree, decay=self._decay, weights=weights)

    def weight(self, prefix: str) -> float:
        """How much a score counts for what begins with a prefix."""
        return self.weights[bisect_left(LENGTHS, len(prefix))]

    def find(
        self, context: Context, span: tuple[int, int], *, beam: int, limit: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The likeliest suggestions of a span, low and high, and the logarithms of their scores, at least `LOWEST`."""
        rows, scores = self._tree.search_span(*context, span, beam=beam, limit=limit, post=_SCORES)
        return rows, np.maximum(scores, np.float32(LOWEST))

    def score(self, context: Context, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """The logarithms of the scores of some suggestions, at least `LOWEST`."""
        return _path_scores(*self._tree.score(*context, rows, post=_SCORES), _POWER)

    def save(self, folder: Path) -> None:
        """Write the folder that `open` maps; it is made when missing."""
        self._vectorizer.save(folder / "vectorizer")
        self._tree.save(folder / "tree")
        write_json(folder / _ABOUT, {"decay": self._decay, "weights": self.weights})

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """What was saved in a folder; None when there is none.

        Raises:
            ArtifactError: it is damaged.
        """
        if not folder.is_dir():
            return None
        try:
            about = json.loads((folder / _ABOUT).read_text())
            decay, weights = float(about["decay"]), [float(weight) for weight in about["weights"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArtifactError(f"{folder} holds no readable session ranker ({error}). Run `whybuy build`.") from error
        vectorizer, tree = NgramVectorizer.load(folder / "vectorizer"), XMRTree.load(folder / "tree")
        return cls(vectorizer, tree, decay=decay, weights=weights)


@kernel
def _summed(columns: NDArray[np.int32], values: NDArray[np.float32]) -> Context:
    """A vector of length 1 with rising columns, each the sum of its values."""
    order, size = np.argsort(columns), 0
    distinct, sums = np.empty_like(columns), np.zeros_like(values)
    for at in order:
        if size == 0 or distinct[size - 1] != columns[at]:
            distinct[size] = columns[at]
            size += 1
        sums[size - 1] += values[at]
    length = np.float32(np.sqrt((sums * sums).sum()))
    return distinct[:size], sums[:size] / max(length, np.finfo(np.float32).tiny)


@kernel
def _path_scores(
    margins: NDArray[np.float32], biases: NDArray[np.float32], ways: NDArray[np.float32], power: int
) -> NDArray[np.float32]:
    """See `LabelScores`."""
    scores = np.empty_like(ways)
    for at in range(len(ways)):
        scores[at] = max(ways[at] + log_factor(margins[at] + biases[at], power), np.float32(LOWEST))
    return scores
