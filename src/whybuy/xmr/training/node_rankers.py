"""Trains the rankers of all nodes of a tree, node by node and in threads."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training.checks import check_rows
from whybuy.xmr.training.chunk import Chunk
from whybuy.xmr.training.negatives import NodeInstances, instances_by_level, with_matched
from whybuy.xmr.training.ports import Matcher, NodeTask, Ranker
from whybuy.xmr.training.solver import Sparse, SvmRanker, chunk_of

DEFAULT_RANKER = SvmRanker()
Listener = Callable[[int, int], None]  # work done, all work

_PART = 16  # children of a part of a large node
_LARGE = 20_000  # instances from which a node is cut in parts


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Some children of a node of a level."""

    level: int
    node: int  # within the level
    low: int  # children, counted within the node
    high: int
    size: int  # instances * children


def train_rankers(  # noqa: PLR0913 - the three ports and what they work on
    features: csr_matrix,
    labels: csr_matrix,
    tree: LabelTree,
    *,
    ranker: Ranker = DEFAULT_RANKER,
    matcher: Matcher | None = None,
    prior: csr_matrix | None = None,
    threads: int = 1,
    listen: Listener | None = None,
) -> list[Chunk]:
    """Train the rankers of all nodes.

    features: instances x features. labels: instances x labels; weights are costs of positives, the largest of a row
    counting as 1. matcher: finds negatives besides those that share a node with a positive. prior: labels x features,
    what the weights of labels are drawn to. listen: called with the progress. Returns: chunks in the order of nodes,
    the same for any number of threads.
    """
    _check(features, labels, tree, prior)
    rows = csr_matrix(features, dtype=np.float32)
    by_position = None if prior is None else csr_matrix(prior, dtype=np.float32)[tree.labels]
    instances = instances_by_level(labels, tree)
    if matcher is None:
        return _train_levels(_Training(rows, tree, instances, by_position, ranker, threads), range(tree.levels), listen)
    chunks: list[Chunk] = []
    for level in range(tree.levels):
        if level:
            instances[level] = with_matched(instances[level], matcher(rows, chunks, level))
        training = _Training(rows, tree, instances, by_position, ranker, threads)
        chunks += _train_levels(training, range(level, level + 1), listen)
    return chunks


@dataclass(frozen=True, slots=True, eq=False)
class _Training:
    """What all tasks of a training share."""

    rows: csr_matrix
    tree: LabelTree
    instances: list[NodeInstances]
    prior: csr_matrix | None  # by position
    ranker: Ranker
    threads: int

    def parts(self, level: int) -> Iterator[_Part]:
        """The nodes of a level; large ones in parts."""
        starts = self.instances[level].starts
        for node in range(len(starts) - 1):
            size = int(starts[node + 1] - starts[node])
            first = self.tree.first_child[self.tree.level_start[level] + node :][:2]
            children = int(first[1] - first[0])
            step = _PART if size > _LARGE else max(children, 1)
            for low in range(0, max(children, 1), step):
                high = min(low + step, children)
                yield _Part(level, node, low, high, size * (high - low))

    def train(self, part: _Part) -> Chunk:
        """Train some children of a node."""
        return self.ranker(self.rows, self._task(part))

    def _task(self, part: _Part) -> NodeTask:
        above, below = self.instances[part.level], self.instances[part.level + 1]
        instances = above.instances[above.starts[part.node] : above.starts[part.node + 1]]
        first_child, level_start = self.tree.first_child, self.tree.level_start[part.level]
        first = int(first_child[level_start + part.node] - first_child[level_start])
        starts = below.starts[first + part.low : first + part.high + 1]
        positives = below.instances[starts[0] : starts[-1]]
        labels = self.prior is not None and part.level == self.tree.levels - 1
        return NodeTask(
            instances=instances,
            positive_start=starts - starts[0],
            positives=np.searchsorted(instances, positives).astype(np.int32),
            costs=below.weights[starts[0] : starts[-1]],
            prior=self.prior[first + part.low : first + part.high] if self.prior is not None and labels else None,
        )


def _train_levels(training: _Training, levels: range, listen: Listener | None) -> list[Chunk]:
    """Chunks of the nodes of these levels; the largest tasks first, so that threads end together."""
    parts = [part for level in levels for part in training.parts(level)]
    order = sorted(range(len(parts)), key=lambda number: -parts[number].size)
    total = sum(part.size for part in parts)
    trained: dict[int, Chunk] = {}
    done = 0
    with ThreadPoolExecutor(training.threads) as pool:
        for number, chunk in zip(order, pool.map(training.train, [parts[n] for n in order]), strict=True):
            trained[number] = chunk
            done += parts[number].size
            if listen is not None:
                listen(done, total)
    grouped = groupby(range(len(parts)), key=lambda number: (parts[number].level, parts[number].node))
    return [_side_by_side([trained.pop(number) for number in numbers]) for _, numbers in grouped]


def _side_by_side(parts: list[Chunk]) -> Chunk:
    """One chunk of the chunks of consecutive children."""
    if len(parts) == 1:
        return parts[0]
    shifts = np.cumsum([0] + [len(part.bias) for part in parts[:-1]]).astype(np.uint16)
    features = np.concatenate([np.repeat(part.features, np.diff(part.starts)) for part in parts])
    children = np.concatenate([part.children + shift for part, shift in zip(parts, shifts, strict=True)])
    weights = np.concatenate([part.weights for part in parts])
    order = np.argsort(features, kind="stable")
    triples = Sparse(features[order], children[order], weights[order])
    return chunk_of(triples, np.concatenate([part.bias for part in parts]))


def _check(features: csr_matrix, labels: csr_matrix, tree: LabelTree, prior: csr_matrix | None) -> None:
    check_rows(features, labels)
    if labels.shape[1] != len(tree.labels):
        raise InputError(f"labels have {labels.shape[1]} columns, but the tree has {len(tree.labels)} labels.")
    if prior is not None and prior.shape != (labels.shape[1], features.shape[1]):
        raise InputError(
            f"prior is {prior.shape[0]} x {prior.shape[1]}, "
            f"but there are {labels.shape[1]} labels and {features.shape[1]} features."
        )
