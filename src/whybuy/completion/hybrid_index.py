"""A label tree for completion: a trie of the first letters, and clusters below (Yadav et al., KDD 2021)."""

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
    """A node for each letter up to a depth, then the clusters of the texts that share these letters; an `Indexer`.

    Shorter texts continue in nodes of one child, so that all leaves lie on one level.
    """

    texts: Sequence[str]  # of the labels
    depth: int  # letters
    below: Indexer | None = None  # None: the texts that share these letters are one leaf

    def __call__(self, embeddings: csr_matrix, *, threads: int = 1) -> LabelTree:
        """embeddings: labels x features."""
        letters = first_letters(self.texts, self.depth)
        if self.below is None:
            return tree_of_paths(letters)
        _, group, counts = np.unique(letters, axis=0, return_inverse=True, return_counts=True)
        members = np.split(np.argsort(group.ravel(), kind="stable"), np.cumsum(counts)[:-1])
        paths = [paths_of(self.below(embeddings[rows], threads=threads)) for rows in members]
        clusters = np.zeros((len(self.texts), max((path.shape[1] for path in paths), default=0)), np.int64)
        for rows, path in zip(members, paths, strict=True):
            clusters[rows, : path.shape[1]] = path
        return tree_of_paths(np.hstack([letters, clusters]))


def first_letters(texts: Sequence[str], depth: int) -> NDArray[np.int64]:
    """The code points of the first letters of texts, -1 behind the last. Shape (texts, depth)."""
    rows = [[*map(ord, text[:depth]), *[_ENDED] * (depth - len(text))] for text in texts]
    return np.array(rows, np.int64).reshape(len(texts), depth)
