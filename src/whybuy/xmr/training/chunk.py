"""The chunk of a node: the linear rankers of all of its children, feature by feature (MSCM, Etter et al., WWW 2022)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_CHILDREN = 1 << 16  # of one node: they are numbered in 16 bits


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Linear rankers of the children of one node as they are trained; `packing` makes them bytes."""

    bias: NDArray[np.float32]  # shape (children,), the weight of the constant feature 1
    features: NDArray[np.int32]  # shape (rows,), ascending: features with a weight in any child
    starts: NDArray[np.int64]  # shape (rows + 1,): entries of row r are starts[r] up to starts[r + 1]
    children: NDArray[np.uint16]  # shape (entries,), ascending within a row: number of the child within the node
    weights: NDArray[np.float32]  # shape (entries,), none is 0
