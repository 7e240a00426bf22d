"""Label trees for completion: a trie of the first letters, and clusters below (fact sheet §4.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training.paths import paths_of, tree_of_paths
from whybuy.xmr.training.ports import Indexer

_ENDED = -1  # stands for every letter behind the last one


@dataclass(frozen=True, slots=True)
class HybridIndex:
    """A node for each letter up to a depth, then the clusters of what begins alike; an `Indexer`.

    Short texts go on in nodes of one child, so that all leaves lie on one level. Yadav et al., KDD 2021.
    """

    texts: Sequence[str]  # of the labels
    depth: int  # letters
    below: Indexer | None = None  # None: what begins alike is one leaf

    def __call__(self, embeddings: csr_matrix, *, threads: int = 1) -> LabelTree:
        """embeddings: labels x features."""
        letters = _first_letters(self.texts, self.depth)
        if self.below is None:
            return tree_of_paths(letters)
        _, group, counts = np.unique(letters, axis=0, return_inverse=True, return_counts=True)
        members = np.split(np.argsort(group.ravel(), kind="stable"), np.cumsum(counts)[:-1])
        ways = [paths_of(self.below(embeddings[rows], threads=threads)) for rows in members]
        clusters = np.zeros((len(self.texts), max((way.shape[1] for way in ways), default=0)), np.int64)
        for rows, way in zip(members, ways, strict=True):
            clusters[rows, : way.shape[1]] = way
        return tree_of_paths(np.hstack([letters, clusters]))


@dataclass(frozen=True, slots=True)
class LinkedIndex:
    """Clusters that never part what begins with the same letters; an `Indexer`."""

    texts: Sequence[str]  # of the labels
    depth: int  # letters
    clusters: Indexer

    def __call__(self, embeddings: csr_matrix, *, threads: int = 1) -> LabelTree:
        """embeddings: labels x features."""
        _, group = np.unique(_first_letters(self.texts, self.depth), axis=0, return_inverse=True)
        labels = np.arange(len(self.texts))
        sums = csr_matrix((np.ones(len(labels), np.float32), (group.ravel(), labels))) @ embeddings
        return tree_of_paths(paths_of(self.clusters(csr_matrix(sums), threads=threads))[group.ravel()])


def _first_letters(texts: Sequence[str], depth: int) -> NDArray[np.int64]:
    """Code points, `_ENDED` behind the last. Shape (texts, depth)."""
    rows = [[*map(ord, text[:depth]), *[_ENDED] * (depth - len(text))] for text in texts]
    return np.array(rows, np.int64).reshape(len(texts), depth)
