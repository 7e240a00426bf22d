"""Labels added to a trained tree: kept beside it, each with the leaf that it was routed to."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class AddedLabels(NamedTuple):
    """Added labels as linked lists, one per leaf, the newest first.

    Whoever holds one of these sees the labels that were there when it was made: an addition only fills places that no
    list has reached yet, and puts a new `newest` in place of the old one.
    """

    newest: NDArray[
        np.int32
    ]  # shape (nodes,): the label last added to the leaf, -1 for none; empty when none was added
    older: NDArray[np.int32]  # shape (places,): the label added to the same leaf before, or -1
    starts: NDArray[np.int64]  # shape (places + 1,): weights of label i are starts[i] up to starts[i + 1]
    codes: NDArray[np.uint32]  # of the features, as in `weights`
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]  # shape (places,)


def no_labels() -> AddedLabels:
    """What a tree has to which none was added."""
    return AddedLabels(
        np.empty(0, np.int32),
        np.empty(0, np.int32),
        np.zeros(1, np.int64),
        np.empty(0, np.uint32),
        np.empty(0, np.float32),
        np.empty(0, np.float32),
    )
