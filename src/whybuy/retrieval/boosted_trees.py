"""Boosted regression trees as flat arrays: LightGBM trains them, a kernel evaluates them, no library is loaded."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.kernels import kernel


class BoostedTrees(NamedTuple):
    """Nodes of all trees; tree t starts at node `root[t]`, a child below 0 is the leaf `-child - 1`."""

    root: NDArray[np.int32]  # shape (trees,)
    feature: NDArray[np.int32]  # shape (nodes,)
    threshold: NDArray[np.float64]  # shape (nodes,): left when the feature is at most this
    left: NDArray[np.int32]  # shape (nodes,)
    right: NDArray[np.int32]  # shape (nodes,)
    value: NDArray[np.float64]  # shape (leaves,)


KINDS = dict(zip(BoostedTrees._fields, (np.int32, np.int32, np.float64, np.int32, np.int32, np.float64), strict=True))


def from_lightgbm(model: Mapping[str, Any]) -> BoostedTrees:
    """The trees of `Booster.dump_model()`.

    Raises:
        InputError: a split is not of the form "at most", or is about missing values.
    """
    nodes: list[tuple[int, float, int, int]] = []
    values: list[float] = []
    roots = [_place(tree["tree_structure"], nodes, values) for tree in model["tree_info"]]
    for at, root in enumerate(roots):
        if root < 0:  # a tree that is one leaf
            nodes.append((0, np.inf, root, root))
            roots[at] = len(nodes) - 1
    columns = zip(*nodes, strict=True) if nodes else ((), (), (), ())
    arrays = (roots, *columns, values)
    return BoostedTrees(*(np.array(array, kind) for array, kind in zip(arrays, KINDS.values(), strict=True)))


def _place(node: Mapping[str, Any], nodes: list[tuple[int, float, int, int]], values: list[float]) -> int:
    """Add a node with all below it; returns its number, below 0 for a leaf."""
    if "leaf_value" in node:
        values.append(node["leaf_value"])
        return -len(values)
    if node["decision_type"] != "<=" or node["missing_type"] != "None":
        raise InputError(
            f"A split of the model is {node['decision_type']!r} with missing values as {node['missing_type']!r}; only "
            "'<=' without missing values can be evaluated. Train on numbers alone, without NaN."
        )
    at = len(nodes)
    nodes.append((0, 0.0, 0, 0))
    left, right = (_place(node[side], nodes, values) for side in ("left_child", "right_child"))
    nodes[at] = (node["split_feature"], node["threshold"], left, right)
    return at


def evaluate(trees: BoostedTrees, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """The sum of all trees for each row. features: shape (rows, features), C order. Returns: shape (rows,)."""
    return _evaluate(trees, features)


@kernel
def _evaluate(trees: BoostedTrees, features: NDArray[np.float32]) -> NDArray[np.float64]:
    roots, feature, threshold, left, right, value = trees
    scores = np.zeros(len(features), np.float64)
    for root in roots:  # tree by tree: its nodes stay near while all rows pass
        for row in range(len(features)):
            node = root
            while node >= 0:
                below = features[row, feature[node]] <= threshold[node]
                node = left[node] if below else right[node]
            scores[row] += value[-node - 1]
    return scores


def save_trees(trees: BoostedTrees, folder: Path) -> dict[str, int]:
    """Write the arrays. Returns: how long each is."""
    for name, array in trees._asdict().items():
        np.save(folder / f"{name}.npy", array)
    return {name: len(array) for name, array in trees._asdict().items()}


def load_trees(folder: Path) -> BoostedTrees:
    """Map the arrays of `save_trees` into memory.

    Raises:
        OSError, ValueError: an array is missing or unreadable.
    """
    return BoostedTrees(**dict(_arrays(folder)))


def _arrays(folder: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    for name in BoostedTrees._fields:
        yield name, np.load(folder / f"{name}.npy", mmap_mode="r")
