"""Dual coordinate descent for the squared-hinge SVMs of many children at once (Hsieh et al., ICML 2008).

All children of a node see the same instances, nearly always as negatives. So their weights lie side by side, `LANES`
children to a cache line, and a visit of an instance reads each of its features once for all of them.

Duals carry their side's sign: alpha for a positive, -alpha for a negative; weights are the sum of dual * instance.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import fast_kernel
from whybuy.xmr.simd import LANES, add_to_lines, sum_lines
from whybuy.xmr.training.local_features import LocalRows

MAX_SKIPPED = 3  # sweeps that an instance is left out of


class Descent(NamedTuple):
    """When the descent ends."""

    slack: np.float32  # 1 / (2 * cost of a negative): what the squared hinge adds to the diagonal, D in the paper
    tolerance: np.float32  # largest projected gradient that may be left
    iterations: int  # most sweeps over the instances
    seed: int  # of the order of visits, drawn anew for each sweep: a fixed order converges many times slower


class Positives(NamedTuple):
    """Which lanes have an instance as a positive, by instance."""

    starts: NDArray[np.int32]  # shape (instances + 1,)
    lanes: NDArray[np.uint8]
    costs: NDArray[np.float32]


class GroupState(NamedTuple):
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


@fast_kernel
def descend(local: LocalRows, positives: Positives, state: GroupState, descent: Descent) -> int:
    """Sweep over the instances until no gradient is left above the tolerance. Returns: visits made.

    Shrinking: an instance that was within the tolerance at its last visits is left out of as many sweeps, up to
    `MAX_SKIPPED`; once all others are within it, all are visited again. Arrays are taken out of their tuples once: to
    do so in the loop costs more than the arithmetic.
    """
    starts, features, values = local.starts, local.features, local.values
    alone, squares, duals, offsets = local.alone_squares, local.squares, state.duals, state.offsets
    weights, bias, tolerance, slack = state.weights, state.bias, descent.tolerance, descent.slack
    positive_start, moves = positives.starts, state.moves
    np.random.seed(descent.seed)
    order = np.arange(len(squares), dtype=np.uint32)
    converged = np.zeros(len(order), np.uint8)
    next_visit = np.zeros(len(order), np.int32)
    margins, steps = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
    one, nothing = np.float32(1), np.float32(0)
    visits, visit_all = 0, True
    for sweep in range(descent.iterations):
        worst = nothing
        np.random.shuffle(order)
        for row in order:
            if next_visit[row] > sweep and not visit_all:
                continue
            start, end = starts[row], starts[row + 1]
            margins[:] = bias
            if len(offsets):
                margins += offsets[row]
            sum_lines(weights, features, values, start, end, margins)
            diagonal = squares[row] + one + slack
            inverse = one / diagonal
            for lane in range(LANES):
                dual = duals[row, lane]
                margins[lane] += alone[row] * dual
                steps[lane] = min(dual - (margins[lane] + one + slack * dual) * inverse, nothing) - dual
            if positive_start[row] < positive_start[row + 1]:
                _step_positives(positives, row, squares[row] + one, slack, duals[row], margins, steps)
            moved = nothing
            for lane in range(LANES):
                steps[lane] *= moves[lane]
                moved += steps[lane] * steps[lane]
            violation = np.sqrt(moved) * diagonal
            if violation > tolerance * np.float32(0.1):
                for lane in range(LANES):
                    duals[row, lane] += steps[lane]
                    bias[lane] += steps[lane]
                add_to_lines(weights, features, values, start, end, steps)
            converged[row] = min(converged[row] + 1, MAX_SKIPPED) if violation <= tolerance else 0
            next_visit[row] = sweep + 1 + converged[row]
            worst = max(worst, violation)
            visits += 1
        if worst <= tolerance and visit_all:
            break
        visit_all = bool(worst <= tolerance)
    return visits


@fast_kernel
def _step_positives(  # noqa: PLR0913, PLR0917 - one instance, taken out of its tuples
    positives: Positives,
    row: np.uint32,
    square: np.float32,
    slack: np.float32,
    duals: NDArray[np.float32],
    margins: NDArray[np.float32],
    steps: NDArray[np.float32],
) -> None:
    """Steps of the lanes that have the instance as a positive."""
    for entry in range(positives.starts[row], positives.starts[row + 1]):
        lane = positives.lanes[entry]
        softness = slack / positives.costs[entry]
        gradient = margins[lane] - np.float32(1) + softness * duals[lane]
        steps[lane] = max(duals[lane] - gradient / (square + softness), np.float32(0)) - duals[lane]


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
