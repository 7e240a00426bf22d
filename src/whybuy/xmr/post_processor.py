"""From a margin to the factor of a child in the score of a path; PECOS calls this the post-processor."""

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel


class PostProcessor(Enum):
    """How the margin of a child becomes its factor in the score of a path (PECOS: `post_processor`).

    The score of a label is the product of the factors from the root down to it or, with the log forms, the sum of their
    logarithms. Hinge forms: exp(-max(0, 1 - margin)**power), in (0, 1]. Sigmoid: 1 / (1 + exp(-margin)).
    """

    L1_HINGE = "l1-hinge"
    L2_HINGE = "l2-hinge"
    L3_HINGE = "l3-hinge"
    L4_HINGE = "l4-hinge"
    SIGMOID = "sigmoid"
    LOG_L1_HINGE = "log-l1-hinge"
    LOG_L2_HINGE = "log-l2-hinge"
    LOG_L3_HINGE = "log-l3-hinge"
    LOG_L4_HINGE = "log-l4-hinge"
    LOG_SIGMOID = "log-sigmoid"

    def __init__(self, name: str) -> None:
        """Parse the name once: every search reads whether scores stay logarithms, and the power of the hinge."""
        self.is_log = name.startswith("log-")
        form = name.removeprefix("log-")
        self.power = 0 if form == "sigmoid" else int(form[1])  # 0 is the sigmoid


@kernel
def log_factor(margin: np.float32, power: int) -> np.float32:
    """The logarithm of a child's factor: -max(0, 1 - margin)**power; power 0: of the sigmoid."""
    if power == 0:
        return np.float32(min(margin, np.float32(0)) - np.log1p(np.exp(-np.abs(margin))))
    gap = max(np.float32(1) - margin, np.float32(0))
    product = gap
    for _ in range(power - 1):
        product *= gap
    return -product


@kernel
def log_factors(
    sums: NDArray[np.float32],
    bias: NDArray[np.float32],
    scale: NDArray[np.float32],
    power: int,
    factors: NDArray[np.float32],
) -> None:
    """Write the `log_factor` of each child of a node into `factors`; its margin is bias + scale * sum.

    All arrays have the shape (children,). What `sums` holds is lost.
    """
    if power == 0:
        for child in range(len(bias)):
            factors[child] = log_factor(bias[child] + scale[child] * sums[child], 0)
        return
    for place in range(len(bias)):
        at = np.uint64(place)  # an unsigned index is not looked at for being negative: so the loop becomes vectors
        gap = np.float32(1) - (bias[at] + scale[at] * sums[at])
        sums[at] = np.float32(0) if gap < np.float32(0) else gap
        factors[at] = -sums[at]
    for _ in range(power - 1):
        for place in range(len(bias)):
            factors[np.uint64(place)] *= sums[np.uint64(place)]
