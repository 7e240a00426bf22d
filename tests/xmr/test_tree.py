import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from random_trees import FEATURES, random_chunks, random_queries, random_tree, score_every_label
from scipy.sparse import csr_matrix, identity

from whybuy.errors import ArtifactError, InputError
from whybuy.xmr.post_processor import PostProcessor
from whybuy.xmr.scoring import score_labels
from whybuy.xmr.search import _search_one
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.growth import add_labels
from whybuy.xmr.training.packing import pack
from whybuy.xmr.training.trainer import TrainingConfig, train_tree
from whybuy.xmr.tree import FORMAT_VERSION, XMRTree

BEAM = 1000  # wider than any level


def random_xmr(labels: int = 120, seed: int = 0) -> XMRTree:
    tree = random_tree(labels, 4, 5, seed)
    return XMRTree(tree, pack(random_chunks(tree, seed=seed), tree, FEATURES, bits=32))


def one(queries: csr_matrix, row: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    return queries[[row]].indices, queries[[row]].data


@pytest.fixture(scope="module")
def blocks() -> tuple[csr_matrix, csr_matrix]:
    """240 instances of 40 labels, six each: features of the label, of its family (label modulo 9), and some noise."""
    rng = np.random.default_rng(3)
    dense = np.where(rng.random((240, FEATURES)) < 0.01, 0.3, 0)
    for instance in range(240):
        label = instance // 6
        dense[instance, 4 * label : 4 * label + 4] = rng.random(4) + 0.5
        dense[instance, 200 + 4 * (label % 9) : 204 + 4 * (label % 9)] = rng.random(4) + 0.5
    features = csr_matrix((dense / np.linalg.norm(dense, axis=1, keepdims=True)).astype(np.float32))
    labels = csr_matrix(np.kron(np.eye(40), np.ones((6, 1))).astype(np.float32))
    return features, labels


def drop_key(path: Path, key: str) -> None:
    about = json.loads(path.read_text())
    del about[key]
    path.write_text(json.dumps(about))


SMALL = TrainingConfig(indexer=BalancedKMeans(branching=4, leaf_size=5))


# ---------------------------------------------------------------- training and predicting
def test_a_trained_tree_finds_the_labels_of_its_instances(blocks: tuple[csr_matrix, csr_matrix]) -> None:
    features, labels = blocks
    found = train_tree(features, labels, config=SMALL).predict(features)
    assert (found.labels[:, 0] == labels.indices).mean() > 0.98


@pytest.mark.parametrize("config", [TrainingConfig(SMALL.indexer, matched=4), TrainingConfig(SMALL.indexer, prior=0.5)])
def test_other_negatives_and_priors_find_them_too(
    blocks: tuple[csr_matrix, csr_matrix], config: TrainingConfig
) -> None:
    features, labels = blocks
    texts = csr_matrix(labels.T @ features)
    found = train_tree(features, labels, label_texts=texts, config=config, threads=2).predict(features)
    assert (found.labels[:, 0] == labels.indices).mean() > 0.98


@pytest.mark.parametrize("post", PostProcessor)
def test_scores_are_products_or_sums_along_the_path(post: PostProcessor) -> None:
    xmr, queries = random_xmr(), random_queries(8)
    found = xmr.predict(queries, beam=BEAM, limit=120, post=post)
    exact = score_every_label(xmr.tree, xmr._searched.packed, queries, post)
    expected = exact if post.is_log else np.exp(exact)
    np.testing.assert_allclose(np.take_along_axis(expected, found.labels, axis=1), found.scores, rtol=1e-4, atol=1e-5)


def test_one_query_is_answered_as_in_a_batch() -> None:
    xmr, queries = random_xmr(7), random_queries(10)
    batch = xmr.predict(queries, limit=10)
    for row in range(10):
        labels, scores = xmr.search(*one(queries, row))
        np.testing.assert_array_equal(labels, batch.labels[row, :7])
        np.testing.assert_array_equal(scores, batch.scores[row, :7])
        assert (batch.labels[row, 7:] == -1).all()
        assert (batch.scores[row, 7:] == 0).all()


def test_no_results_are_asked_for_and_none_come() -> None:
    xmr, queries = random_xmr(), random_queries(2)
    assert xmr.predict(queries, limit=0).labels.shape == (2, 0)
    assert len(xmr.search(*one(queries, 1), limit=0)[0]) == 0


def test_wrong_questions_are_refused() -> None:
    xmr = random_xmr()
    with pytest.raises(InputError, match="The queries have 299 features, but the tree was trained on 300"):
        xmr.predict(random_queries(2, features=299))
    with pytest.raises(InputError, match="beam is 0 and limit 10; a beam has 1 node or more"):
        xmr.predict(random_queries(2), beam=0)
    with pytest.raises(InputError, match="There is no label 120; labels are 0 to 119"):
        xmr.explain(*one(random_queries(2), 1), 120)


# ---------------------------------------------------------------- explaining
@pytest.mark.parametrize("post", [PostProcessor.L3_HINGE, PostProcessor.LOG_SIGMOID])
def test_an_explanation_adds_up_to_what_the_search_found(post: PostProcessor) -> None:
    xmr, queries = random_xmr(), random_queries(5)
    labels, scores = xmr.search(*one(queries, 3), post=post)
    for label, score in zip(labels.tolist(), scores.tolist(), strict=True):
        explained = xmr.explain(*one(queries, 3), label, post=post)
        assert explained.score == pytest.approx(score, rel=1e-4, abs=1e-6)
        assert [step.level for step in explained.path] == list(range(1, xmr.tree.levels + 1))
        assert explained.path[-1].node == label
        for step in explained.path:
            amounts = [contribution.amount for contribution in step.contributions]
            assert sum(amounts) + step.bias == pytest.approx(step.margin, abs=1e-5)
            assert [abs(amount) for amount in amounts] == sorted((abs(amount) for amount in amounts), reverse=True)


# ---------------------------------------------------------------- growing
def test_an_added_label_is_found_by_its_own_text(blocks: tuple[csr_matrix, csr_matrix]) -> None:
    features, labels = blocks
    known = labels[:, :36]
    seen = np.flatnonzero(known.sum(axis=1))
    xmr = train_tree(features[seen], known[seen], config=SMALL)
    new = np.arange(216, 240)
    assert add_labels(xmr, features[new], labels[new, 36:]) == range(36, 40)
    assert xmr.labels == 40
    found = xmr.predict(features)
    assert (found.labels[new, 0] == labels.indices[new]).mean() > 0.9
    assert (found.labels[seen, 0] == labels.indices[seen]).mean() > 0.95
    explained = xmr.explain(*one(features, 239), 39)
    assert explained.score == pytest.approx(float(found.scores[239, 0]), rel=1e-4)
    assert explained.path[-1].node == 39


def test_labels_can_be_added_one_by_one_or_together(blocks: tuple[csr_matrix, csr_matrix]) -> None:
    features, labels = blocks
    together, apart = (train_tree(features[:216], labels[:216, :36], config=SMALL) for _ in range(2))
    add_labels(together, features[216:], labels[216:, 36:])
    for new in range(4):
        rows = slice(216 + 6 * new, 222 + 6 * new)
        assert add_labels(apart, features[rows], labels[rows, [36 + new]]) == range(36 + new, 37 + new)
    for left, right in zip(together.predict(features), apart.predict(features), strict=True):
        np.testing.assert_array_equal(left, right)


def test_removed_labels_are_never_returned() -> None:
    xmr, queries = random_xmr(), random_queries(20)
    new = add_labels(xmr, queries[1:3], csr_matrix(identity(2, dtype=np.float32)))
    gone = [*range(0, 120, 3), new[0]]
    xmr.remove(gone)
    xmr.remove(gone[:1])
    found = xmr.predict(queries, beam=BEAM, limit=200)
    assert not np.isin(found.labels, gone).any()
    assert ((found.labels >= 0).sum(axis=1) == 122 - len(gone)).all()
    with pytest.raises(InputError, match="There is no label 122"):
        xmr.remove([1, 122])
    assert 1 in xmr.predict(queries, beam=BEAM, limit=200).labels


def test_a_new_label_needs_an_instance() -> None:
    xmr, queries = random_xmr(), random_queries(4)
    with pytest.raises(InputError, match=r"New label 1 has no instance\. Give it one at least, such as its text"):
        add_labels(xmr, queries, csr_matrix(np.eye(4, 2)[[0, 2, 3, 3]]))
    with pytest.raises(InputError, match="features have 4 rows and labels 3"):
        add_labels(xmr, queries, csr_matrix(np.eye(3)))
    with pytest.raises(InputError, match="The instances have 10 features, but the tree was trained on 300"):
        add_labels(xmr, queries[:, :10], csr_matrix(np.eye(4)))
    assert xmr.labels == 120


def test_searches_go_on_while_labels_come_and_go() -> None:
    xmr, queries = random_xmr(), random_queries(200)
    before = xmr.predict(queries, beam=BEAM)

    def change(row: int) -> None:
        xmr.remove(add_labels(xmr, queries[[row]], csr_matrix(np.ones((1, 1), np.float32))))

    def search(row: int) -> bool:
        labels, scores = xmr.search(*one(queries, row), beam=BEAM)
        known = labels < 120
        return bool((np.diff(scores) <= 0).all() and np.isin(labels[known], before.labels[row]).all())

    with ThreadPoolExecutor(4) as pool:
        changes = [pool.submit(change, row) for row in range(1, 100)]
        assert all(pool.map(search, range(200)))
        for done in changes:
            done.result()
    for left, right in zip(xmr.predict(queries, beam=BEAM), before, strict=True):
        np.testing.assert_array_equal(left, right)


# ---------------------------------------------------------------- saving
def test_a_saved_tree_answers_as_before_and_can_grow_on(tmp_path: Path) -> None:
    xmr, queries = random_xmr(), random_queries(30)
    eye = csr_matrix(identity(3, dtype=np.float32))
    for changed in (False, True):
        if changed:
            add_labels(xmr, queries[1:4], eye)
            xmr.remove([5, 121])
        xmr.save(tmp_path / "model")
        loaded = XMRTree.load(tmp_path / "model")
        for _ in range(2):
            for left, right in zip(xmr.predict(queries), loaded.predict(queries), strict=True):
                np.testing.assert_array_equal(left, right)
            assert add_labels(loaded, queries[4:7], eye) == add_labels(xmr, queries[4:7], eye)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "tree.json").unlink(), "is no whole label tree: it has no tree.json"),
        (lambda folder: (folder / "tree.json").write_text("{"), r"tree\.json is damaged"),
        (lambda folder: drop_key(folder / "tree.json", "labels"), r"tree\.json is damaged: it lacks labels"),
        (lambda folder: (folder / "rows.npy").unlink(), r"rows\.npy is missing or damaged"),
        (lambda folder: (folder / "rows.npy").write_bytes(b"short"), r"rows\.npy is missing or damaged"),
    ],
)
def test_damaged_folders_are_named(spoil, message: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    random_xmr().save(tmp_path)
    spoil(tmp_path)
    with pytest.raises(ArtifactError, match=message):
        XMRTree.load(tmp_path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    random_xmr().save(tmp_path)
    about = json.loads((tmp_path / "tree.json").read_text())
    (tmp_path / "tree.json").write_text(json.dumps(about | {"format_version": 99}))
    with pytest.raises(
        ArtifactError,
        match=f"holds 'label tree' in format 99; this whybuy reads 'label tree' in format {FORMAT_VERSION}",
    ):
        XMRTree.load(tmp_path)


def test_a_tree_is_saved_over_the_folder_that_it_was_opened_from(tmp_path: Path) -> None:
    random_xmr().save(tmp_path)
    opened = XMRTree.load(tmp_path)
    before = opened.predict(random_queries(20), beam=BEAM)
    add_labels(opened, random_queries(1), csr_matrix(np.ones((1, 1), np.float32)))
    opened.remove([120])
    opened.save(tmp_path)
    for tree in (opened, XMRTree.load(tmp_path)):
        after = tree.predict(random_queries(20), beam=BEAM)
        assert np.array_equal(after.labels, before.labels)
        assert np.array_equal(after.scores, before.scores)


def test_matrices_of_any_kind_are_read_row_by_row(blocks: tuple[csr_matrix, csr_matrix]) -> None:
    features, labels = blocks
    tree, same = train_tree(features, labels), train_tree(features.tocsc(), labels.tocsc())
    found = tree.predict(features[:9])
    for queries in (features[:9].tocsc(), features[:9].toarray()):
        assert np.array_equal(same.predict(queries).labels, found.labels)


def test_a_query_needs_one_value_for_each_feature() -> None:
    tree, ids, values = random_xmr(), np.arange(3, dtype=np.int32), np.ones(1, np.float32)
    for ask in (lambda: tree.search(ids, values), lambda: tree.explain(ids, values, 0)):
        with pytest.raises(InputError, match="3 features, but 1 values"):
            ask()


def test_features_that_are_not_known_count_for_nothing() -> None:
    tree = random_xmr()
    add_labels(tree, random_queries(5, seed=3), csr_matrix(np.ones((5, 1), np.float32)))
    strange = np.concatenate([np.arange(-64, 0), np.arange(FEATURES, 8 * FEATURES)]).astype(np.int32)
    ones, nothing = np.ones(len(strange), np.float32), np.empty(0, np.int32)
    found, bare = tree.search(strange, ones, beam=BEAM), tree.search(nothing, np.empty(0, np.float32), beam=BEAM)
    assert np.array_equal(found[0], bare[0])
    assert np.array_equal(found[1], bare[1])
    assert not any(step.contributions for label in (0, 120) for step in tree.explain(strange, ones, label).path)


def test_widths_of_weights_are_checked_before_training() -> None:
    with pytest.raises(InputError, match="A weight of 12 bits is not known"):
        TrainingConfig(bits=12)


def test_no_thread_is_refused() -> None:
    with pytest.raises(InputError, match="threads is 0; training takes 1 or more"):
        train_tree(csr_matrix((3, 2)), csr_matrix((3, 1)), threads=0)


def test_trees_made_opened_and_grown_run_the_same_machine_code(tmp_path: Path) -> None:
    made, (ids, values) = random_xmr(), one(random_queries(1), 0)
    made.save(tmp_path)
    opened = XMRTree.load(tmp_path)

    def ask(tree: XMRTree) -> set[object]:
        tree.search(ids, values)
        tree.score(ids, values, np.arange(3, dtype=np.int32))
        return {*getattr(_search_one, "signatures"), *getattr(score_labels, "signatures")}  # noqa: B009 - of Numba

    compiled = ask(made)
    for tree in (opened, made):
        assert ask(tree) == compiled
        add_labels(tree, random_queries(1), csr_matrix(np.ones((1, 1))))
        assert ask(tree) == compiled
