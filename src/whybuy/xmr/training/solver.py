"""One-vs-rest squared-hinge SVMs for the children of a node, by dual coordinate descent (Hsieh et al., ICML 2008).

All children start at the solution of a child without positives, which nearly all instances agree with; see `dual`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.kernels import fast_kernel, kernel
from whybuy.xmr.simd import LANES
from whybuy.xmr.training.chunk import Chunk
from whybuy.xmr.training.dual import Descent, GroupState, Positives, Start, all_negative, descend
from whybuy.xmr.training.local_features import LocalRows, Rows, localize
from whybuy.xmr.training.ports import NodeTask


class Sparse(NamedTuple):
    """Weights of a node's children as triples."""

    features: NDArray[np.int32]
    children: NDArray[np.uint16]
    weights: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SvmRanker:
    """Linear SVMs by dual coordinate descent; a `Ranker`.

    Minimizes |weights - prior|^2 / 2 + cost * sum of max(0, 1 - side * margin)^2 for each child; the bias is the weight
    of a constant feature 1 and held small like the others.
    """

    cost: float = 1.0  # of a negative, > 0; positives: times their own
    tolerance: float = 0.05  # largest projected gradient that may be left
    iterations: int = 100  # sweeps over the instances, at most
    threshold: float = 0.1  # weights below are left out; the bias stays
    max_weights: int = 0  # of a child, the largest are kept; 0: no bound
    seed: int = 0  # of the order in which instances are visited

    def __post_init__(self) -> None:
        if not (self.cost > 0 and self.tolerance > 0):
            raise InputError(f"cost is {self.cost} and tolerance {self.tolerance}; both must be above 0.")
        if not self.threshold >= 0:
            raise InputError(f"threshold is {self.threshold}; allowed: 0 (all weights are kept) or more.")

    def __call__(self, features: csr_matrix, task: NodeTask) -> Chunk:
        """Train all children of the task; the same whatever else is trained beside."""
        rows = Rows(features.indptr, features.indices, features.data)
        descent = Descent(np.float32(0.5 / self.cost), np.float32(self.tolerance), self.iterations, self.seed)
        order = np.random.default_rng(self.seed).permutation(len(task.instances))
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        local = localize(rows, task.instances[order], features.shape[1], 2)
        sides = Sides(task.positive_start, place[task.positives], task.costs)
        offsets = _offsets(features, task, order)
        groups = solve(local, sides, offsets, descent)
        sparse = gather(local, groups, _prior(task), len(task.positive_start) - 1, np.float32(self.threshold))
        return chunk_of(_largest(sparse, self.max_weights), groups.bias.ravel()[: len(task.positive_start) - 1])


class Sides(NamedTuple):
    """The positives of each child."""

    starts: NDArray[np.int64]  # shape (children + 1,)
    rows: NDArray[np.int32]
    costs: NDArray[np.float32]


def _prior(task: NodeTask) -> Sparse:
    if task.prior is None:
        return Sparse(np.empty(0, np.int32), np.empty(0, np.uint16), np.empty(0, np.float32))
    triples = task.prior.tocoo()
    return Sparse(triples.col.astype(np.int32), triples.row.astype(np.uint16), triples.data.astype(np.float32))


def _offsets(features: csr_matrix, task: NodeTask, order: NDArray[np.int64]) -> NDArray[np.float32]:
    """Margins that the prior alone gives. Returns: shape (groups, instances, LANES), no instances without a prior."""
    groups = -(-(len(task.positive_start) - 1) // LANES)
    if task.prior is None:
        return np.empty((groups, 0, LANES), np.float32)
    children = task.prior.shape[0]
    margins = np.zeros((len(order), groups * LANES), np.float32)
    margins[:, :children] = (features[task.instances[order]] @ task.prior.T).toarray()
    return np.ascontiguousarray(margins.reshape(len(order), groups, LANES).transpose(1, 0, 2))


def _largest(sparse: Sparse, most: int) -> Sparse:
    """Keep the largest weights of each child; of equal ones those of lower features."""
    if most <= 0:
        return sparse
    order = np.lexsort((sparse.features, -np.abs(sparse.weights), sparse.children))
    counts = np.bincount(sparse.children)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = np.sort(order[rank < most])
    return Sparse(sparse.features[kept], sparse.children[kept], sparse.weights[kept])


def chunk_of(sparse: Sparse, bias: NDArray[np.float32]) -> Chunk:
    """A chunk of triples in ascending order of features, then children."""
    first = np.ones(len(sparse.features), bool)
    first[1:] = sparse.features[1:] != sparse.features[:-1]
    begins = np.flatnonzero(first)
    return Chunk(
        bias=bias,
        features=sparse.features[begins],
        starts=np.append(begins, len(sparse.features)),
        children=sparse.children,
        weights=sparse.weights,
    )


class Groups(NamedTuple):
    """`LANES` children each."""

    weights: NDArray[np.float32]  # shape (groups, local features, LANES)
    bias: NDArray[np.float32]  # shape (groups, LANES)
    duals: NDArray[np.float32]  # shape (groups, instances, LANES)


@fast_kernel
def solve(local: LocalRows, sides: Sides, offsets: NDArray[np.float32], descent: Descent) -> Groups:
    """Train the children of a node. offsets: shape (groups, instances or 0, LANES)."""
    count = len(local.squares)
    groups = len(offsets)
    weights = np.zeros((groups, len(local.names), LANES), np.float32)
    bias = np.zeros((groups, LANES), np.float32)
    duals = np.zeros((groups, count, LANES), np.float32)
    start = all_negative(local, descent)
    for group in range(groups):
        moves = np.zeros(LANES, np.float32)
        for child in range(group * LANES, min((group + 1) * LANES, len(sides.starts) - 1)):
            moves[child % LANES] = sides.starts[child + 1] > sides.starts[child]
        state = GroupState(weights[group], bias[group], duals[group], moves, offsets[group])
        _begin(state, start)
        if moves.any():
            positives = _by_instance(sides, group, count)
            _take_out(local, positives, state)
            descend(local, positives, state, descent)
    return Groups(weights, bias, duals)


@kernel
def _begin(state: GroupState, start: Start) -> None:
    """Put each lane at the all-negative solution."""
    state.bias[:] = start.bias
    for feature in range(len(start.weights)):
        state.weights[feature, :] = start.weights[feature]
    for row in range(len(start.duals)):
        state.duals[row, :] = start.duals[row]


@kernel
def _by_instance(sides: Sides, group: int, count: int) -> Positives:
    """The positives of a group's children, by instance."""
    low = group * LANES
    high = min(low + LANES, len(sides.starts) - 1)
    starts = np.zeros(count + 2, np.int32)
    for entry in range(sides.starts[low], sides.starts[high]):
        starts[sides.rows[entry] + 2] += 1
    starts = np.cumsum(starts).astype(np.int32)
    total = sides.starts[high] - sides.starts[low]
    lanes = np.empty(total, np.uint8)
    costs = np.empty(total, np.float32)
    for child in range(low, high):
        for entry in range(sides.starts[child], sides.starts[child + 1]):
            place = starts[sides.rows[entry] + 1]
            lanes[place] = child - low
            costs[place] = sides.costs[entry]
            starts[sides.rows[entry] + 1] += 1
    return Positives(starts[:-1], lanes, costs)


@kernel
def _take_out(local: LocalRows, positives: Positives, state: GroupState) -> None:
    """Take each lane's positives out of the all-negative solution, where they stood as negatives."""
    for row in range(len(local.squares)):
        for place in range(positives.starts[row], positives.starts[row + 1]):
            lane = positives.lanes[place]
            dual = state.duals[row, lane]
            state.duals[row, lane] = 0
            state.bias[lane] -= dual
            for entry in range(local.starts[row], local.starts[row + 1]):
                state.weights[local.features[entry], lane] -= dual * local.values[entry]


@kernel
def gather(local: LocalRows, groups: Groups, prior: Sparse, children: int, threshold: np.float32) -> Sparse:
    """All weights of at least the threshold in ascending order of features, then children; none is 0."""
    shared, alone = len(local.names), len(local.alone_names)
    names = np.concatenate((local.names, local.alone_names, prior.features))
    owners = np.empty(alone, np.int32)
    for row in range(len(local.squares)):
        owners[local.alone_starts[row] : local.alone_starts[row + 1]] = row
    order = np.argsort(names, kind="mergesort")
    room = 1024
    features, numbers, weights = np.empty(room, np.int32), np.empty(room, np.uint16), np.empty(room, np.float32)
    line = np.zeros(len(groups.bias) * LANES, np.float32)
    count = 0
    for place in range(len(order)):
        item = order[place]
        if item < shared:
            for group in range(len(groups.bias)):
                line[group * LANES : (group + 1) * LANES] += groups.weights[group, item]
        elif item < shared + alone:
            owner, value = owners[item - shared], local.alone_values[item - shared]
            for group in range(len(groups.bias)):
                for lane in range(LANES):
                    line[group * LANES + lane] += value * groups.duals[group, owner, lane]
        else:
            line[prior.children[item - shared - alone]] += prior.weights[item - shared - alone]
        if place + 1 < len(order) and names[order[place + 1]] == names[item]:
            continue
        if count + children > room:
            room = 2 * room + children
            features = np.concatenate((features, np.empty(room - len(features), np.int32)))
            numbers = np.concatenate((numbers, np.empty(room - len(numbers), np.uint16)))
            weights = np.concatenate((weights, np.empty(room - len(weights), np.float32)))
        for child in range(children):
            if line[child] != 0 and abs(line[child]) >= threshold:
                features[count], numbers[count], weights[count] = names[item], child, line[child]
                count += 1
        line[:] = 0
    return Sparse(features[:count].copy(), numbers[:count].copy(), weights[:count].copy())
