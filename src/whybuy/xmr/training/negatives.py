"""Which instances the rankers of a node are trained on (PECOS, Yu et al., arXiv 2010.05878).

Teacher-forcing negatives: all instances with a right label below the node. Matcher-aware negatives: those as well that
a beam search sends there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from whybuy.xmr.label_tree import LabelTree


@dataclass(frozen=True, slots=True, eq=False)
class NodeInstances:
    """Which instances stand at each column (a node, or a label by position), with their weights."""

    starts: NDArray[np.int64]  # shape (columns + 1,)
    instances: NDArray[np.int32]  # ascending per column
    weights: NDArray[np.float32]  # in (0, 1]


def instances_by_level(labels: csr_matrix, tree: LabelTree) -> list[NodeInstances]:
    """Teacher forcing: an instance stands at all nodes above its labels.

    labels: instances x labels, weights > 0; what is not is left out. A row's largest weight counts as 1, the others in
    proportion; a node has the largest of those below it. Returns: one per level of nodes, then one for labels by
    position.
    """
    by_position = _by_position(labels, tree)
    levels = [by_position]
    for level in reversed(range(tree.levels)):
        nodes = tree.first_child[tree.level_start[level] : tree.level_start[level + 1] + 1]
        first = nodes[0]
        parents = np.repeat(np.arange(len(nodes) - 1, dtype=np.int32), np.diff(nodes))
        assert first + levels[-1].shape[1] == nodes[-1]
        levels.append(_lifted(levels[-1], parents, len(nodes) - 1))
    return [_columns(level) for level in reversed(levels)]


def with_matched(forced: NodeInstances, matched: csr_matrix) -> NodeInstances:
    """Instances by teacher forcing, and those of a `Matcher` (instances x nodes of the level)."""
    columns = csc_matrix(matched)
    ones = np.ones(len(forced.instances), np.float32)
    return _columns((columns + csc_matrix((ones, forced.instances, forced.starts), shape=columns.shape)).tocsr())


def _by_position(labels: csr_matrix, tree: LabelTree) -> csr_matrix:
    """Columns in the order of the tree, each row's largest weight 1."""
    positions = tree.position_of_label()[labels.indices]
    known = csr_matrix((labels.data.astype(np.float32), positions, labels.indptr.copy()), shape=labels.shape)
    known.sum_duplicates()
    known.data[~(known.data > 0)] = 0
    known.eliminate_zeros()
    counts = np.diff(known.indptr)
    filled = known.indptr[:-1][counts > 0]
    if len(filled):
        known.data /= np.repeat(np.maximum.reduceat(known.data, filled), counts[counts > 0])
    return known


def _lifted(below: csr_matrix, parents: NDArray[np.int32], nodes: int) -> csr_matrix:
    """Each row's nodes one level up; several children of a node become one entry with the largest weight."""
    above = parents[below.indices]
    row_of_entry = np.repeat(np.arange(below.shape[0]), np.diff(below.indptr))
    first = np.ones(len(above), bool)
    first[1:] = (above[1:] != above[:-1]) | (row_of_entry[1:] != row_of_entry[:-1])
    begins = np.flatnonzero(first)
    weights = np.maximum.reduceat(below.data, begins) if len(begins) else below.data
    starts = np.concatenate([[0], np.cumsum(np.bincount(row_of_entry[begins], minlength=below.shape[0]))])
    return csr_matrix((weights, above[begins], starts), shape=(below.shape[0], nodes))


def _columns(level: csr_matrix) -> NodeInstances:
    columns = csc_matrix(level)
    columns.sort_indices()
    return NodeInstances(columns.indptr.astype(np.int64), columns.indices, columns.data)
