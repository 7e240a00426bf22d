import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_matrix

from whybuy.errors import InputError
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training import node_rankers
from whybuy.xmr.training.chunk import Chunk
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.embeddings import pifa
from whybuy.xmr.training.node_rankers import train_rankers
from whybuy.xmr.training.ports import NodeTask

TREE = LabelTree(  # the root over leaves 1 and 2, over labels 2, 0 and 3, 1, 4
    first_child=np.array([1, 3, 5, 8], np.int32),
    level_start=np.array([0, 1, 3], np.int32),
    labels=np.array([2, 0, 3, 1, 4], np.int32),
)
LABELS = csr_matrix(  # instance 4 has no label, label 4 no instance
    np.array([[2, 0, 0, 1, 0], [0, 1, 0, 0, 0], [0, 0, 4, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0]], np.float32)
)


class Recorder:
    """A ranker that only remembers its tasks."""

    def __init__(self) -> None:
        self.tasks: list[NodeTask] = []

    def __call__(self, features: csr_matrix, task: NodeTask) -> Chunk:
        self.tasks.append(task)
        children = len(task.positive_start) - 1
        return Chunk(
            bias=np.full(children, len(task.instances), np.float32),
            features=np.empty(0, np.int32),
            starts=np.zeros(1, np.int64),
            children=np.empty(0, np.uint16),
            weights=np.empty(0, np.float32),
        )


def positives(task: NodeTask) -> list[list[int]]:
    """Instances of each child."""
    return [rows.tolist() for rows in np.split(task.instances[task.positives], task.positive_start[1:-1])]


def shop(instances: int = 300, labels: int = 60) -> tuple[csr_matrix, csr_matrix]:
    features = random_matrix(instances, 50, 0.15, format="csr", dtype=np.float32, random_state=0)
    random = np.random.default_rng(0)
    rows = np.concatenate([np.arange(instances), random.integers(0, instances, instances)])
    found = csr_matrix(
        (np.ones(len(rows), np.float32), (rows, random.integers(0, labels, len(rows)))), (instances, labels)
    )
    return features, found


def same(left: Chunk, right: Chunk) -> bool:
    names = ("bias", "features", "starts", "children", "weights")
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in names)


def test_a_node_learns_from_the_instances_with_a_label_under_it() -> None:
    recorder = Recorder()
    chunks = train_rankers(csr_matrix(np.eye(5, dtype=np.float32)), LABELS, TREE, ranker=recorder)
    tasks = {tuple(task.instances.tolist()): task for task in recorder.tasks}
    root, first, second = tasks[0, 1, 2, 3], tasks[0, 2], tasks[0, 1, 3]
    assert positives(root) == [[0, 2], [0, 1, 3]]
    assert positives(first) == [[2], [0]]  # labels 2, 0
    assert positives(second) == [[0, 3], [1, 3], []]  # labels 3, 1, 4
    assert len(recorder.tasks) == 3
    assert [chunk.bias.tolist() for chunk in chunks] == [[4, 4], [2, 2], [3, 3, 3]]


def test_the_largest_weight_of_an_instance_costs_1_and_a_node_has_the_largest_below() -> None:
    recorder = Recorder()
    train_rankers(csr_matrix(np.eye(5, dtype=np.float32)), LABELS, TREE, ranker=recorder)
    tasks = {tuple(task.instances.tolist()): task for task in recorder.tasks}
    assert tasks[0, 1, 2, 3].costs.tolist() == [1, 1, 0.5, 1, 1]
    assert tasks[0, 2].costs.tolist() == [1, 1]
    assert tasks[0, 1, 3].costs.tolist() == [0.5, 1, 1, 1]


def test_a_matcher_adds_negatives_and_sees_what_was_trained_above() -> None:
    seen: list[tuple[int, int]] = []

    def matcher(features: csr_matrix, chunks: list[Chunk], level: int) -> csr_matrix:
        seen.append((len(chunks), level))
        return csr_matrix(np.array([[0, 0], [1, 0], [0, 0], [0, 0], [0, 1]], np.float32))

    recorder = Recorder()
    train_rankers(csr_matrix(np.eye(5, dtype=np.float32)), LABELS, TREE, ranker=recorder, matcher=matcher)
    assert seen == [(1, 1)]
    tasks = {tuple(task.instances.tolist()): positives(task) for task in recorder.tasks}
    assert tasks[0, 1, 2] == [[2], [0]]
    assert tasks[0, 1, 3, 4] == [[0, 3], [1, 3], []]


def test_a_prior_reaches_the_labels_in_the_order_of_the_tree() -> None:
    recorder = Recorder()
    train_rankers(
        csr_matrix(np.eye(5, dtype=np.float32)), LABELS, TREE, ranker=recorder, prior=csr_matrix(np.diag(range(1, 6)))
    )
    priors = {len(task.instances): task.prior for task in recorder.tasks}
    largest = {count: prior.toarray().max(axis=1).tolist() for count, prior in priors.items() if prior is not None}
    assert largest == {2: [3, 1], 3: [4, 2, 5]}  # by the size of the leaf; the root has none


def test_threads_change_nothing() -> None:
    features, labels = shop()
    tree = BalancedKMeans(branching=4, leaf_size=8)(pifa(features, labels))
    alone, together = (train_rankers(features, labels, tree, threads=threads) for threads in (1, 3))
    assert len(alone) == tree.nodes
    assert all(map(same, alone, together))


def test_a_large_node_in_parts_is_as_good_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = shop()
    tree = BalancedKMeans(branching=32, leaf_size=2)(pifa(features, labels))
    whole = train_rankers(features, labels, tree)
    monkeypatch.setattr(node_rankers, "_LARGE", 100)
    assert all(map(same, whole, train_rankers(features, labels, tree)))


def test_trained_rankers_find_the_labels_of_their_instances() -> None:
    prototypes = random_matrix(60, 200, 0.05, format="csr", dtype=np.float32, random_state=0)
    labels = csr_matrix(np.eye(60, dtype=np.float32)[np.arange(300) % 60])
    features = (labels @ prototypes + random_matrix(300, 200, 0.02, dtype=np.float32, random_state=1) * 0.5).tocsr()
    tree = BalancedKMeans(branching=8, leaf_size=10)(pifa(features, labels))
    scores = label_scores(train_rankers(features, labels, tree), tree, features)
    assert np.mean(np.argmax(scores, axis=1) == np.arange(300) % 60) > 0.98


def label_scores(chunks: list[Chunk], tree: LabelTree, features: csr_matrix) -> NDArray[np.float64]:
    """Sum of log l3-hinge scores along the path of each label."""
    scores = np.zeros((features.shape[0], tree.nodes + len(tree.labels)))
    for node, chunk in enumerate(chunks):
        weights = np.zeros((features.shape[1], len(chunk.bias)))
        weights[np.repeat(chunk.features, np.diff(chunk.starts)), chunk.children] = chunk.weights
        hinge = -(np.maximum(0, 1 - features @ weights - chunk.bias) ** 3)
        scores[:, tree.first_child[node] : tree.first_child[node + 1]] = hinge + scores[:, [node]]
    return scores[:, tree.nodes :][:, tree.position_of_label()]


def test_progress_is_told_up_to_the_end() -> None:
    heard: list[tuple[int, int]] = []
    features, labels = shop()
    tree = BalancedKMeans(branching=4, leaf_size=8)(pifa(features, labels))
    train_rankers(features, labels, tree, listen=lambda done, total: heard.append((done, total)))
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert heard[-1][0] == heard[-1][1] > 0


def test_shapes_that_do_not_fit_are_named() -> None:
    features = csr_matrix(np.eye(5, dtype=np.float32))
    with pytest.raises(InputError, match="features have 4 rows and labels 5"):
        train_rankers(features[:4], LABELS, TREE)
    with pytest.raises(InputError, match="labels have 4 columns, but the tree has 5"):
        train_rankers(features, LABELS[:, :4], TREE)
    with pytest.raises(InputError, match="prior is 4 x 5, but there are 5 labels and 5 features"):
        train_rankers(features, LABELS, TREE, prior=features[:4])
