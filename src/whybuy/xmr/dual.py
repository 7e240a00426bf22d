"""Dual coordinate descent for the squared-hinge SVMs of many children at once.

All children of a node see the same instances, nearly always as negatives. So their weights lie side by side, `LANES`
children to a cache line, and a visit of an instance reads each of its features once for all of them.

Duals carry their side's sign: alpha for a positive, -alpha for a negative; weights are the sum of dual * instance.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import fast_kernel
from whybuy.xmr.local import LocalRows

LANES = 16  # float32 numbers in a cache line
LONGEST_REST = 3  # sweeps


class Descent(NamedTuple):
    """How far to go."""

    slack: np.float32  # 1 / (2 * cost of a negative): what the squared hinge adds to the diagonal
    tolerance: np.float32  # largest projected gradient that may be left
    iterations: int  # most sweeps over the instances
    seed: int  # of the order of visits, drawn anew for each sweep: a fixed order converges many times slower


class Positives(NamedTuple):
    """Which lanes have an instance as a positive, by instance."""

    starts: NDArray[np.int32]  # shape (instances + 1,)
    lanes: NDArray[np.uint8]
    costs: NDArray[np.float32]


class Lanes(NamedTuple):
    """The state of `LANES` children."""

    weights: NDArray[np.float32]  # shape (local features, LANES)
    bias: NDArray[np.float32]  # shape (LANES,)
    duals: NDArray[np.float32]  # shape (instances, LANES)
    moves: NDArray[np.float32]  # shape (LANES,): 1, or 0 of children without positives, which stay where all start
    offsets: NDArray[np.float32]  # shape (instances, LANES), margins from the prior; (0, LANES) for none


class Start(NamedTuple):
    """Where all children of a node start."""

    weights: NDArray[np.float32]  # shape (local features,)
    bias: np.float32
    duals: NDArray[np.float32]  # shape (instances,)


class Visit(NamedTuple):
    """Scratch for one instance, by lane."""

    margins: NDArray[np.float32]
    steps: NDArray[np.float32]


@fast_kernel
def descend(local: LocalRows, positives: Positives, lanes: Lanes, descent: Descent) -> int:
    """Sweep over the instances until no gradient is left above the tolerance. Returns: visits made.

    An instance that was within the tolerance at its last visits rests for as many sweeps, up to a bound; once all that
    are awake are within it, all are visited.
    """
    np.random.seed(descent.seed)
    order = np.arange(len(local.squares))
    calm = np.zeros(len(order), np.uint8)
    wakes = np.zeros(len(order), np.int32)
    visit = Visit(np.empty(LANES, np.float32), np.empty(LANES, np.float32))
    small = descent.tolerance * np.float32(0.1)
    visits, all_awake = 0, True
    for sweep in range(descent.iterations):
        worst = np.float32(0)
        np.random.shuffle(order)
        for row in order:
            if wakes[row] > sweep and not all_awake:
                continue
            _margins(local, lanes, row, visit.margins)
            violation = _steps(local.squares[row], positives, lanes, row, visit, descent.slack)
            if violation > small:
                _move(local, lanes, row, visit.steps)
            calm[row] = min(calm[row] + 1, LONGEST_REST) if violation <= descent.tolerance else 0
            wakes[row] = sweep + 1 + calm[row]
            worst = max(worst, violation)
            visits += 1
        if worst <= descent.tolerance and all_awake:
            break
        all_awake = bool(worst <= descent.tolerance)
    return visits


@fast_kernel
def _margins(local: LocalRows, lanes: Lanes, row: np.int64, margins: NDArray[np.float32]) -> None:
    """Margins of one instance, four features at a time so that sums wait less for each other."""
    weights, features, values = lanes.weights, local.features, local.values
    alone = local.alone_squares[row]
    for lane in range(LANES):
        margins[lane] = lanes.bias[lane] + alone * lanes.duals[row, lane]
    if len(lanes.offsets):
        for lane in range(LANES):
            margins[lane] += lanes.offsets[row, lane]
    entry, end = local.starts[row], local.starts[row + 1]
    while entry + 4 <= end:
        f0, f1, f2, f3 = features[entry], features[entry + 1], features[entry + 2], features[entry + 3]
        v0, v1, v2, v3 = values[entry], values[entry + 1], values[entry + 2], values[entry + 3]
        for lane in range(LANES):
            near = v0 * weights[f0, lane] + v1 * weights[f1, lane]
            margins[lane] += near + (v2 * weights[f2, lane] + v3 * weights[f3, lane])
        entry += 4
    while entry < end:
        feature, value = features[entry], values[entry]
        for lane in range(LANES):
            margins[lane] += value * weights[feature, lane]
        entry += 1


@fast_kernel
def _steps(
    square: np.float32, positives: Positives, lanes: Lanes, row: np.int64, visit: Visit, slack: np.float32
) -> np.float32:
    """The step of each lane to its minimum along one instance.

    Returns: length of the projected gradient over lanes.
    """
    margins, steps = visit
    one, nothing = np.float32(1), np.float32(0)
    diagonal = square + one + slack
    inverse = one / diagonal
    for lane in range(LANES):
        dual = lanes.duals[row, lane]
        step = min(dual - (margins[lane] + one + slack * dual) * inverse, nothing) - dual
        steps[lane] = step * lanes.moves[lane]
    for entry in range(positives.starts[row], positives.starts[row + 1]):
        lane = positives.lanes[entry]
        dual = lanes.duals[row, lane]
        softness = slack / positives.costs[entry]
        gradient = margins[lane] - one + softness * dual
        steps[lane] = max(dual - gradient / (square + one + softness), nothing) - dual
    moved = nothing
    for lane in range(LANES):
        moved += steps[lane] * steps[lane]
    return np.float32(np.sqrt(moved) * diagonal)


@fast_kernel
def _move(local: LocalRows, lanes: Lanes, row: np.int64, steps: NDArray[np.float32]) -> None:
    weights, features, values = lanes.weights, local.features, local.values
    for lane in range(LANES):
        lanes.duals[row, lane] += steps[lane]
        lanes.bias[lane] += steps[lane]
    for entry in range(local.starts[row], local.starts[row + 1]):
        feature, value = features[entry], values[entry]
        for lane in range(LANES):
            weights[feature, lane] += value * steps[lane]


@fast_kernel
def all_negative(local: LocalRows, descent: Descent) -> Start:
    """The solution of a child without positives."""
    one = np.float32(1)
    weights = np.zeros(len(local.names), np.float32)
    bias = np.float32(0)
    duals = np.zeros(len(local.squares), np.float32)
    np.random.seed(descent.seed)
    order = np.arange(len(duals))
    for _ in range(descent.iterations):
        worst = np.float32(0)
        np.random.shuffle(order)
        for row in order:
            start, end = local.starts[row], local.starts[row + 1]
            dual = duals[row]
            margin = bias + local.alone_squares[row] * dual
            for entry in range(start, end):
                margin += local.values[entry] * weights[local.features[entry]]
            diagonal = local.squares[row] + one + descent.slack
            step = min(dual - (margin + one + descent.slack * dual) / diagonal, np.float32(0)) - dual
            duals[row] += step
            bias += step
            for entry in range(start, end):
                weights[local.features[entry]] += local.values[entry] * step
            worst = max(worst, abs(step) * diagonal)
        if worst <= descent.tolerance:
            break
    return Start(weights, bias, duals)
