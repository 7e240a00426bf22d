"""What shoppers ask after what: a label tree over all suggestions, asked for those that begin with a prefix.

Extreme multi-label ranking with the previous query as context (Yadav et al., KDD 2021, arXiv 2012.07654). The prefix is
no feature here but a bound: the beam goes only where a suggestion begins with it, so none that fits is missed for one
that does not (our design).
"""

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.artifacts import write_json
from whybuy.completion.folding import fold
from whybuy.completion.hybrid_index import HybridIndex
from whybuy.errors import ArtifactError
from whybuy.kernels import kernel
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer
from whybuy.xmr.clustering import BalancedKMeans
from whybuy.xmr.embeddings import unit_rows
from whybuy.xmr.estimator import TrainingConfig, XMRTree
from whybuy.xmr.search import PostProcessor, log_share

Context = tuple[NDArray[np.int32], NDArray[np.float32]]
"""Features of what was asked before: columns, rising, and their values."""
LOOKED_BACK = 3  # queries of a session before one
LENGTHS = (3, 6)  # letters of a prefix up to which the first weights hold; the last one holds beyond
MOST_REMEMBERED = 10_000  # queries with their vectors: whoever types a word asks after the same ones at each letter
LOWEST = -30.0  # of logarithms of scores
_ABOUT = "session.json"
_SCORES = PostProcessor.LOG_L3_HINGE
_POWER = _SCORES.power


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """How a shop learns what is asked after what; chosen on the demo shop's training sessions."""

    least_pairs: int = 200  # of a query and the one after it that teach; with fewer, nothing is learned
    trie_depth: int = 3  # letters by which the tree branches before it clusters
    branching: int = 16
    leaf_size: int = 100  # suggestions
    prior: float = 1.0  # how far the weights of a suggestion are drawn to its own words
    decay: float = 0.5  # how much each query before the previous one counts of the one after it
    threads: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """What was asked after what."""

    previous: Sequence[tuple[str, ...]]  # queries, the one just before first
    rows: NDArray[np.int64]  # of the suggestions that were then asked


class SessionRanker:
    """A trained tree over the suggestions of a shop; immutable, safe for many threads."""

    def __init__(self, vectorizer: NgramVectorizer, tree: XMRTree, *, decay: float, weights: Sequence[float]) -> None:
        """weights: of the logarithm of a score beside that of how often a suggestion is asked; see `LENGTHS`."""
        self._vectorizer, self._tree, self._decay, self.weights = vectorizer, tree, decay, tuple(weights)
        self._vector = lru_cache(MOST_REMEMBERED)(lambda query: vectorizer.vector(fold(query)))

    @classmethod
    def fit(cls, keys: Sequence[str], lessons: Lessons, config: SessionConfig) -> Self:
        """keys: of all suggestions, sorted. What it learned has no weight yet; see `trusted`."""
        asked = [query for queries in lessons.previous for query in queries]
        vectorizer = NgramVectorizer.fit([*asked, *keys], NgramConfig(words=1, characters=0), threads=config.threads)
        features = contexts(vectorizer, lessons.previous, config.decay)
        count = len(lessons.rows)
        labels = csr_matrix((np.ones(count, np.float32), (np.arange(count), lessons.rows)), shape=(count, len(keys)))
        clusters = BalancedKMeans(branching=config.branching, leaf_size=config.leaf_size)
        tree = XMRTree.fit(
            features,
            labels,
            label_texts=vectorizer.transform(list(keys), threads=config.threads),
            config=TrainingConfig(indexer=HybridIndex(keys, config.trie_depth, clusters), prior=config.prior),
            threads=config.threads,
        )
        return cls(vectorizer, tree, decay=config.decay, weights=[0.0] * (len(LENGTHS) + 1))

    def context(self, previous: Sequence[str]) -> Context | None:
        """Queries of the session, one or more, the one just before first; None when nothing of them is known.

        As a row of `contexts`, which takes a millisecond for a single one.
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
        rows, scores = self._tree.search_within(*context, span, beam=beam, limit=limit, post=_SCORES)
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
        scores[at] = max(ways[at] + log_share(margins[at] + biases[at], power), np.float32(LOWEST))
    return scores


def contexts(vectorizer: NgramVectorizer, previous: Sequence[tuple[str, ...]], decay: float) -> csr_matrix:
    """Sums of the vectors of queries, each further one counting `decay` of the one after it; rows of length 1."""
    queries = [fold(query) for of_one in previous for query in of_one]
    row = np.repeat(np.arange(len(previous)), [len(of_one) for of_one in previous])
    weight = np.array([decay**back for of_one in previous for back in range(len(of_one))], np.float32)
    shape = len(previous), len(queries)
    sums = csr_matrix((weight, (row, np.arange(len(queries)))), shape=shape) @ vectorizer.transform(queries)
    return unit_rows(csr_matrix(sums))
