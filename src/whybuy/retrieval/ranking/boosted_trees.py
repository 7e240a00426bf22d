"""Boosted regression trees as bit masks: LightGBM trains them, a kernel evaluates them for all rows at once.

A split that sends a row to the right rules out the leaves on its left; the first leaf that no split rules out is where
the row ends (QuickScorer, Lucchese et al., SIGIR 2015). No branch depends on a feature, so that rows go in step.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.kernels import kernel

MAX_LEAVES = 32  # of one tree: bits of a mask
_EVERY_LEAF = np.uint32(0xFFFFFFFF)
_DE_BRUIJN = np.uint32(0x077CB531)  # times a power of two, its five highest bits are different for each power
_BIT = np.empty(32, np.int32)
_BIT[((np.uint64(_DE_BRUIJN) << np.arange(32, dtype=np.uint64)) & np.uint64(_EVERY_LEAF)) >> np.uint64(27)] = range(32)


class BoostedTrees(NamedTuple):
    """Splits and leaves of all trees; tree t has the splits from split_start[t] up to split_start[t + 1]."""

    split_start: NDArray[np.int32]  # shape (trees + 1,)
    feature: NDArray[np.int32]  # shape (splits,)
    threshold: NDArray[np.float32]  # shape (splits,): to the right when the feature is more than this
    stays: NDArray[np.uint32]  # shape (splits,): the leaves that a step to the right leaves possible
    leaf_start: NDArray[np.int32]  # shape (trees + 1,)
    value: NDArray[np.float64]  # shape (leaves,), from left to right within a tree


def from_lightgbm(model: Mapping[str, Any]) -> BoostedTrees:
    """The trees of `Booster.dump_model()`.

    Raises:
        InputError: a split is not of the form "at most", is about missing values, or a tree has more than 32 leaves.
    """
    splits: list[tuple[int, float, int]] = []
    values: list[float] = []
    split_start, leaf_start = [0], [0]
    for tree in model["tree_info"]:
        leaves = _place(tree["tree_structure"], 0, splits, values)
        if leaves > MAX_LEAVES:
            raise InputError(f"A tree of the model has {leaves} leaves; at most {MAX_LEAVES} can be evaluated.")
        split_start.append(len(splits))
        leaf_start.append(len(values))
    features, thresholds, stays = zip(*splits, strict=True) if splits else ((), (), ())
    return BoostedTrees(
        np.array(split_start, np.int32),
        np.array(features, np.int32),
        _rounded_down(np.array(thresholds, np.float64)),
        np.array(stays, np.uint32),
        np.array(leaf_start, np.int32),
        np.array(values, np.float64),
    )


def _place(node: Mapping[str, Any], first: int, splits: list[tuple[int, float, int]], values: list[float]) -> int:
    """Add a node with all below it, whose leaves are numbered from `first`. Returns: the number after the last."""
    if "leaf_value" in node:
        values.append(node["leaf_value"])
        return first + 1
    if node["decision_type"] != "<=" or node["missing_type"] != "None":
        raise InputError(
            f"A split of the model is {node['decision_type']!r} with missing values as {node['missing_type']!r}; only "
            "'<=' without missing values can be evaluated. Train on numbers alone, without NaN."
        )
    middle = _place(node["left_child"], first, splits, values)
    left = (1 << middle) - (1 << first)
    splits.append((node["split_feature"], node["threshold"], int(_EVERY_LEAF) & ~left))
    return _place(node["right_child"], middle, splits, values)


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest single-precision numbers not above: those compare with single-precision features just the same."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def evaluate(trees: BoostedTrees, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """The sum of all trees for each row. features: shape (rows, features). Returns: shape (rows,)."""
    return _evaluate(trees, np.ascontiguousarray(features.T, np.float32))


@kernel
def _evaluate(trees: BoostedTrees, row_by_feature: NDArray[np.float32]) -> NDArray[np.float64]:
    split_start, feature, threshold, stays, leaf_start, value = trees
    rows = row_by_feature.shape[1]
    scores = np.zeros(rows, np.float64)
    possible = np.empty(rows, np.uint32)
    for tree in range(len(split_start) - 1):
        possible[:] = _EVERY_LEAF
        for split in range(split_start[tree], split_start[tree + 1]):
            column, least, left_out = row_by_feature[feature[split]], threshold[split], stays[split]
            for row in range(rows):
                possible[row] &= left_out if column[row] > least else _EVERY_LEAF
        values = value[leaf_start[tree] :]
        for row in range(rows):
            first = possible[row] & (~possible[row] + np.uint32(1))
            scores[row] += values[_BIT[np.uint32(first * _DE_BRUIJN) >> np.uint32(27)]]
    return scores
