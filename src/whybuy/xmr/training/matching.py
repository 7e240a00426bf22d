"""Matcher-aware negatives: a beam search through the levels of a tree that are trained already (PECOS)."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.post_processor import PostProcessor
from whybuy.xmr.search import BeamParams, beam_search, from_root
from whybuy.xmr.searched_tree import SearchedTree
from whybuy.xmr.sparse_rows import sparse_rows
from whybuy.xmr.training.chunk import Chunk
from whybuy.xmr.training.packing import pack


@dataclass(frozen=True, slots=True, eq=False)
class BeamMatcher:
    """Sends instances where a beam search would; a `Matcher`."""

    tree: LabelTree
    beam: int = 10  # nodes per instance
    post: PostProcessor = PostProcessor.L3_HINGE
    threads: int = 1

    def __call__(self, features: csr_matrix, chunks: list[Chunk], level: int) -> csr_matrix:
        """The nodes of a level that each instance reaches. Returns: instances x nodes of the level, ones."""
        upper = _cut(self.tree, level)
        searched = SearchedTree.of(upper, pack(chunks, upper, features.shape[1], bits=32))
        instances, nodes = features.shape[0], len(upper.labels)
        params = BeamParams(level, self.beam, min(self.beam, nodes), self.post.power)
        nodes_found = beam_search(
            searched, sparse_rows(features), from_root(instances), params, threads=self.threads
        ).labels
        reached = nodes_found >= 0
        starts = np.concatenate([[0], np.cumsum(reached.sum(axis=1))])
        matched = csr_matrix((np.ones(starts[-1], np.float32), nodes_found[reached], starts), shape=(instances, nodes))
        matched.sort_indices()
        return matched


def _cut(tree: LabelTree, level: int) -> LabelTree:
    """The tree down to a level, whose nodes, numbered from 0, become labels."""
    nodes, below = int(tree.level_start[level]), int(tree.level_start[level + 1])
    return LabelTree(
        tree.first_child[: nodes + 1], tree.level_start[: level + 1], np.arange(below - nodes, dtype=np.int32)
    )
