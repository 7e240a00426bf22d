"""The three parts of training that can be replaced: indexer (makes the tree), matcher (negatives), ranker (weights)."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training.chunk import Chunk


@dataclass(frozen=True, slots=True, eq=False)
class NodeTask:
    """What the rankers of a node's children (or of some of them) are trained on."""

    instances: NDArray[np.int32]  # shape (n,), ascending rows of the features: positives and negatives together
    positive_start: NDArray[np.int64]  # shape (children + 1,): positives of child c are positive_start[c] up to [c + 1]
    positives: NDArray[np.int32]  # numbers within `instances`, ascending per child
    costs: NDArray[np.float32]  # of each positive, > 0; a negative costs 1
    prior: csr_matrix | None = None  # children x features: what weights are drawn to instead of 0


class Indexer(Protocol):
    """Arranges labels in a tree."""

    def __call__(self, embeddings: csr_matrix, *, threads: int = 1) -> LabelTree:
        """embeddings: labels x features."""
        ...


class Matcher(Protocol):
    """Finds the nodes of a level that an instance should be ranked under."""

    def __call__(self, features: csr_matrix, chunks: list[Chunk], level: int) -> csr_matrix:
        """features: instances x features. chunks: of all nodes above the level. Returns: instances x nodes of level."""
        ...


class Ranker(Protocol):
    """Trains the linear classifiers of the children of a node."""

    def __call__(self, features: csr_matrix, task: NodeTask) -> Chunk:
        """features: all instances x features; the task selects those of this node."""
        ...
