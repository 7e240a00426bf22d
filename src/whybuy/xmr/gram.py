"""Dual coordinate descent over inner products: for nodes of few instances, whose products fit the processor's cache.

Looking at an instance then costs nothing and only a step costs a row of products, child by child.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import fast_kernel, kernel
from whybuy.xmr.dual import Descent
from whybuy.xmr.local import LocalRows


@fast_kernel
def inner_products(local: LocalRows) -> NDArray[np.float32]:
    """Products of all pairs of rows, the constant feature 1 included. Returns: shape (rows, rows)."""
    count = len(local.squares)
    products = np.ones((count, count), np.float32)
    ends = np.zeros(len(local.names) + 1, np.int64)
    for feature in local.features:
        ends[feature + 1] += 1
    ends = np.cumsum(ends)
    starts = ends[:-1].copy()
    rows = np.empty(len(local.features), np.int32)
    values = np.empty(len(local.features), np.float32)
    filled = starts.copy()
    for row in range(count):
        products[row, row] += local.squares[row]
        for entry in range(local.starts[row], local.starts[row + 1]):
            feature, value = local.features[entry], local.values[entry]
            for place in range(starts[feature], filled[feature]):
                products[row, rows[place]] += value * values[place]
            rows[filled[feature]] = row
            values[filled[feature]] = value
            filled[feature] += 1
    for row in range(count):
        for other in range(row):
            products[other, row] = products[row, other]
    return products


@kernel
def orders_of_visits(count: int, seed: int) -> NDArray[np.int32]:
    """A few random orders, shared by the children of a node. Returns: shape (8, count)."""
    np.random.seed(seed)
    orders = np.empty((8, count), np.int32)
    for order in orders:
        order[:] = np.random.permutation(count)
    return orders


class Child(NamedTuple):
    """The state of one child, by instance."""

    signs: NDArray[np.float32]  # 1 of positives, -1 of negatives
    slacks: NDArray[np.float32]  # 1 / (2 * cost)
    margins: NDArray[np.float32]
    duals: NDArray[np.float32]


@fast_kernel
def relax(products: NDArray[np.float32], orders: NDArray[np.int32], child: Child, descent: Descent) -> int:
    """Step one child's duals to the minimum; margins follow. Returns: sweeps made.

    orders: shape (several, rows), orders of visits that sweeps take in turn.
    """
    small = descent.tolerance * np.float32(0.1)
    for sweep in range(descent.iterations):
        worst = np.float32(0)
        for row in orders[sweep % len(orders)]:
            sign, slack = child.signs[row], child.slacks[row]
            alpha = child.duals[row] * sign
            diagonal = products[row, row] + slack
            gradient = child.margins[row] * sign - np.float32(1) + slack * alpha
            step = max(alpha - gradient / diagonal, np.float32(0)) - alpha
            violation = abs(step) * diagonal
            if violation > small:
                child.duals[row] += step * sign
                _shift(child.margins, products[row], step * sign)
                worst = max(worst, violation)
        if worst <= descent.tolerance:
            return sweep + 1
    return descent.iterations


@fast_kernel
def _shift(margins: NDArray[np.float32], products: NDArray[np.float32], step: np.float32) -> None:
    for row in range(len(margins)):
        margins[row] += step * products[row]
