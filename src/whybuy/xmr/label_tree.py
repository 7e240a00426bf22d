"""The label tree: clusters of clusters of labels, as two flat arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class LabelTree:
    """A tree over labels. Nodes are numbered level by level from the root, 0; all leaves stand on one level.

    The children of node n are `first_child[n]` up to `first_child[n + 1]`. A child below `nodes` is a node, the others
    are labels: child `nodes + p` is the label `labels[p]`, the one at position p.
    """

    first_child: NDArray[np.int32]  # shape (nodes + 1,), non-decreasing, first_child[0] = 1
    level_start: NDArray[np.int32]  # shape (levels + 1,): nodes of level t are level_start[t] up to level_start[t + 1]
    labels: NDArray[np.int32]  # shape (labels,): a permutation

    @property
    def nodes(self) -> int:
        """How many nodes there are, the root and the leaves among them."""
        return len(self.first_child) - 1

    @property
    def levels(self) -> int:
        """How many levels of nodes there are; labels hang under those of the last."""
        return len(self.level_start) - 1

    @property
    def leaves(self) -> range:
        """The nodes of the last level."""
        return range(int(self.level_start[-2]), int(self.level_start[-1]))

    def position_of_label(self) -> NDArray[np.int32]:
        """Where each label stands. Returns: shape (labels,), the inverse of `labels`."""
        positions = np.empty_like(self.labels)
        positions[self.labels] = np.arange(len(self.labels), dtype=np.int32)
        return positions

    def parents(self) -> NDArray[np.int32]:
        """The node above each child. Returns: shape (nodes + labels,), -1 for the root."""
        counts = np.diff(self.first_child)
        below = np.repeat(np.arange(self.nodes, dtype=np.int32), counts)
        return np.concatenate([np.array([-1], np.int32), below])
