"""Arranges labels in a tree by hierarchical balanced spherical 2-means (PECOS, Yu et al., arXiv 2010.05878).

Labels are cut in two halves of equal size, those again, and so on; of the levels of that binary tree only each
log2(branching)-th is kept.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.kernels import fast_kernel
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training.chunk import MAX_CHILDREN
from whybuy.xmr.training.local_features import LocalRows, Rows, localize


@dataclass(frozen=True, slots=True)
class BalancedKMeans:
    """Cuts the labels in halves of similar embeddings until leaves are small; an `Indexer`."""

    branching: int = 32  # children of an inner node, a power of 2; the root may have fewer
    leaf_size: int = 100  # labels under a leaf, at most
    iterations: int = 20  # passes of one cut, at most
    seed: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.branching <= MAX_CHILDREN or self.branching & (self.branching - 1):
            raise InputError(
                f"branching is {self.branching}; allowed: a power of 2 up to {MAX_CHILDREN:,}, such as 16, 32 or 64."
            )
        if not 1 <= self.leaf_size <= MAX_CHILDREN:
            raise InputError(f"leaf_size is {self.leaf_size}; allowed: 1 to {MAX_CHILDREN:,} labels.")
        if self.iterations < 1:
            raise InputError(f"iterations is {self.iterations}; a cut takes 1 pass or more.")

    def __call__(self, embeddings: csr_matrix, *, threads: int = 1) -> LabelTree:
        """embeddings: labels x features; equal ones are separated by their number. The same for any `threads`."""
        labels, space = embeddings.shape
        if labels == 0:
            raise InputError("there are no labels; a tree needs 1 or more rows of embeddings.")
        depth = max(1, math.ceil(math.log2(labels / self.leaf_size)))
        rows = Rows(embeddings.indptr.astype(np.int64), embeddings.indices, embeddings.data.astype(np.float32))
        order = np.arange(labels, dtype=np.int32)
        bounds = np.array([0, labels], np.int64)
        with ThreadPoolExecutor(threads) as pool:
            for level in range(depth):
                cut = partial(self._cut, rows, space)
                parts = np.split(order, bounds[1:-1])
                nodes = range(2**level, 2 ** (level + 1))
                for _ in map(cut, parts, nodes) if len(parts) == 1 else pool.map(cut, parts, nodes):
                    pass
                middles = bounds[:-1] + np.diff(bounds) // 2
                bounds = np.sort(np.concatenate([bounds, middles]), kind="stable")
        return _tree(order, bounds, depth, self.branching)

    def _cut(self, rows: Rows, space: int, members: NDArray[np.int32], node: int) -> None:
        if len(members) > 1:
            seed = np.random.SeedSequence((self.seed, node)).generate_state(1)[0]
            members[:] = halves(rows, members, space, self.iterations, int(seed))


def _tree(order: NDArray[np.int32], bounds: NDArray[np.int64], depth: int, branching: int) -> LabelTree:
    """Keep every log2(branching)-th level of the binary tree, counted from its leaves."""
    step = branching.bit_length() - 1
    levels = [0, *range(depth - (depth - 1) // step * step, depth + 1, step)]
    level_start = np.cumsum([0] + [2**level for level in levels])
    inner = np.concatenate([np.full(2**high, 2 ** (low - high)) for high, low in pairwise(levels)])
    first_child = np.cumsum(np.concatenate([[1], inner, np.diff(bounds)]))
    return LabelTree(first_child.astype(np.int32), level_start.astype(np.int32), order)


@fast_kernel
def halves(rows: Rows, members: NDArray[np.int32], space: int, iterations: int, seed: int) -> NDArray[np.int32]:
    """Order members so that the first half and the second hold similar embeddings each.

    Two random members are the first centers; members are cut at the median of <second - first, member>; the centers
    become the directions of the halves' sums; until nothing moves. Returns: members, both halves ascending.
    """
    local = localize(rows, members, space, 1)
    count = len(members)
    np.random.seed(seed)
    first = np.random.randint(count)
    second = (first + 1 + np.random.randint(count - 1)) % count
    sides = np.full(count, -1, np.int8)
    sides[first] = 0
    sides[second] = 1
    for _ in range(iterations):
        scores = _scores(local, sides)
        order = np.argsort(scores, kind="mergesort")
        moved = False
        for rank in range(count):
            side = 0 if rank < count // 2 else 1
            moved |= sides[order[rank]] != side
            sides[order[rank]] = side
        if not moved:
            break
    return np.concatenate((members[sides == 0], members[sides == 1]))


@fast_kernel
def _scores(local: LocalRows, sides: NDArray[np.int8]) -> NDArray[np.float32]:
    """How much nearer each member is to the center of side 1 than to that of side 0; side -1 counts for neither."""
    sums = np.zeros((len(local.names), 2), np.float32)
    for member in range(len(sides)):
        if sides[member] >= 0:
            for entry in range(local.starts[member], local.starts[member + 1]):
                sums[local.features[entry], sides[member]] += local.values[entry]
    squares = np.zeros(2)
    for feature in range(len(sums)):
        squares[0] += sums[feature, 0] * sums[feature, 0]
        squares[1] += sums[feature, 1] * sums[feature, 1]
    scales = (1 / np.sqrt(np.maximum(squares, 1e-30))).astype(np.float32)
    difference = np.empty(len(sums), np.float32)
    for feature in range(len(sums)):
        difference[feature] = sums[feature, 1] * scales[1] - sums[feature, 0] * scales[0]
    scores = np.zeros(len(sides), np.float32)
    for member in range(len(sides)):
        for entry in range(local.starts[member], local.starts[member + 1]):
            scores[member] += local.values[entry] * difference[local.features[entry]]
    return scores
