"""Ranks suggestions by the previous queries of a session: a label tree over all suggestions of a shop.

Session-aware completion as extreme multi-label ranking (Yadav et al., KDD 2021, arXiv 2012.07654). There, the prefix is
a feature; here it bounds the beam search to the suggestions that begin with it, so that none of these is missed in
favor of others (our design). `session_training` trains it.
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
from whybuy.xmr.post_processor import PostProcessor, log_factor
from whybuy.xmr.tree import XMRTree

Context = tuple[NDArray[np.int32], NDArray[np.float32]]
"""The vector of the previous queries, of length 1: columns, rising, and their values."""
PREFIX_LENGTHS = (3, 6)  # letters up to which each weight holds; the last weight holds beyond
CACHED_QUERIES = 10_000  # vectors; a shopper who types letter by letter sends the same previous queries each time
MIN_LOG_SCORE = -30.0
_ABOUT = "session.json"
_SCORES = PostProcessor.LOG_L3_HINGE
_POWER = _SCORES.power


class SessionRanker:
    """A trained tree over the suggestions of a shop; immutable, safe for many threads."""

    def __init__(self, vectorizer: NgramVectorizer, tree: XMRTree, *, decay: float, weights: Sequence[float]) -> None:
        """decay: weight of each earlier query relative to the one after it.

        weights: of the logarithm of a score, which is added to that of the suggestion's count; one for each range of
        `PREFIX_LENGTHS` and one beyond.
        """
        self._vectorizer, self._tree, self._decay, self.weights = vectorizer, tree, decay, tuple(weights)
        self._vector = lru_cache(CACHED_QUERIES)(lambda query: vectorizer.vector(fold(query)))

    def context(self, previous: Sequence[str]) -> Context | None:
        """The vector of previous queries, the one just before first; None when none of their words is known.

        Equal to a row of `session_training.contexts`, which takes a millisecond for a single row.
        """
        (columns, values), *further = map(self._vector, previous[:LOOKED_BACK])
        if further:
            columns = np.concatenate([columns, *(others for others, _ in further)])
            values = np.concatenate([values, *(self._decay**back * of for back, (_, of) in enumerate(further, 1))])
            columns, values = _summed(columns, values)
        return (columns, values) if len(columns) else None

    def with_weights(self, weights: Sequence[float]) -> Self:
        """The same ranker with other weights."""
        return type(self)(self._vectorizer, self._tree, decay=self._decay, weights=weights)

    def weight(self, prefix: str) -> float:
        """The weight of scores for a prefix of this length."""
        return self.weights[bisect_left(PREFIX_LENGTHS, len(prefix))]

    def find(
        self, context: Context, span: tuple[int, int], *, beam: int, limit: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The best suggestions that a beam search finds in a span (low, high) of rows, with logarithms of scores.

        Scores are raised to at least `MIN_LOG_SCORE`.
        """
        rows, scores = self._tree.search_span(*context, span, beam=beam, limit=limit, post=_SCORES)
        return rows, np.maximum(scores, np.float32(MIN_LOG_SCORE))

    def score(self, context: Context, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """The logarithms of the scores of some suggestions, raised to at least `MIN_LOG_SCORE`."""
        return _path_scores(*self._tree.score(*context, rows, post=_SCORES), _POWER)

    def save(self, folder: Path) -> None:
        """Write the folder that `open` maps; it is made when missing."""
        self._vectorizer.save(folder / "vectorizer")
        self._tree.save(folder / "tree")
        write_json(folder / _ABOUT, {"decay": self._decay, "weights": self.weights})

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """Open what was saved in a folder; None when there is none.

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
    margins: NDArray[np.float32], biases: NDArray[np.float32], paths: NDArray[np.float32], power: int
) -> NDArray[np.float32]:
    """See `LabelScores`."""
    scores = np.empty_like(paths)
    for at in range(len(paths)):
        scores[at] = max(paths[at] + log_factor(margins[at] + biases[at], power), np.float32(MIN_LOG_SCORE))
    return scores
