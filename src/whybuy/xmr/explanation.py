"""Why a label has its score: the path through the tree, and the contribution of each feature of the query."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.node_scores import contributions
from whybuy.xmr.post_processor import PostProcessor, log_factor
from whybuy.xmr.searched_tree import SearchedTree
from whybuy.xmr.sparse_rows import SparseRows
from whybuy.xmr.weights import code_bits, codes_of


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature of the query gave to a margin."""

    feature: int
    amount: float  # weight * value


@dataclass(frozen=True, slots=True)
class Step:
    """One step down the tree."""

    level: int  # of the node or label that it leads to; children of the root are on level 1
    node: int  # that it leads to; of the last step: the label
    margin: float  # the bias and all contributions
    score: float  # of the path so far
    bias: float
    contributions: tuple[Contribution, ...]  # the largest first, by absolute amount; none is 0


@dataclass(frozen=True, slots=True)
class Explanation:
    """The path from the root to a label."""

    label: int
    score: float
    path: tuple[Step, ...]  # the last step leads to the label: its contributions are those of the label's own ranker


def explain_label(
    tree: LabelTree, searched: SearchedTree, query: SparseRows, label: int, post: PostProcessor
) -> Explanation:
    """Follow a label's path for a query, whether or not a search would have found it.

    query: one row for each feature.
    """
    log_score, steps = 0.0, []
    for level, child in enumerate(_path(tree, searched, label), 1):
        amounts, bias = _ranked(tree, searched, child, query)
        margin = np.float32(bias + amounts.sum())
        log_score += float(log_factor(margin, post.power))
        score = log_score if post.is_log else float(np.exp(log_score))
        number = child if child < tree.nodes else label
        steps.append(Step(level, number, float(margin), score, bias, _ordered(query.ids, amounts)))
    return Explanation(label, steps[-1].score, tuple(steps))


def _path(tree: LabelTree, searched: SearchedTree, label: int) -> list[int]:
    """The children to go to, from below the root down to a label. An added one follows those of the tree."""
    added = label - len(tree.labels)
    child = tree.nodes + (label if added >= 0 else int(np.flatnonzero(tree.labels == label)[0]))
    path = [child]
    node = int(searched.added.leaf[added]) if added >= 0 else _parent(tree, child)
    while node:
        path.insert(0, node)
        node = _parent(tree, node)
    return path


def _parent(tree: LabelTree, child: int) -> int:
    return int(np.searchsorted(tree.first_child, child, side="right")) - 1


def _ranked(
    tree: LabelTree, searched: SearchedTree, child: int, query: SparseRows
) -> tuple[NDArray[np.float32], float]:
    """What each feature gives to a child's margin, and its bias."""
    place = child - tree.nodes - len(tree.labels)
    if place < 0:
        node = _parent(tree, child)
        amounts = contributions(searched, node, child - int(tree.first_child[node]), query)
        return amounts, float(searched.packed.bias[child - 1])
    added = searched.added
    entries = slice(added.starts[place], added.starts[place + 1])
    weight_of = dict(zip(added.codes[entries].tolist(), added.weights[entries].tolist(), strict=True))
    codes = codes_of(query.ids, code_bits(searched.packed.features))
    weights = np.array([weight_of.get(code, 0.0) for code in codes.tolist()], np.float32)
    weights[(query.ids < 0) | (query.ids >= searched.packed.features)] = 0
    return weights * query.values, float(added.bias[place])


def _ordered(features: NDArray[np.int32], amounts: NDArray[np.float32]) -> tuple[Contribution, ...]:
    order = np.argsort(-np.abs(amounts), kind="stable")[: np.count_nonzero(amounts)]
    return tuple(map(Contribution, features[order].tolist(), amounts[order].tolist()))
