"""LambdaMART: trained by LightGBM, evaluated by a kernel, the same to the last bits."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whybuy import artifacts
from whybuy.errors import ArtifactError, InputError
from whybuy.retrieval.ranking.boosted_trees import evaluate, from_lightgbm
from whybuy.retrieval.ranking.lambdamart import LambdaMART
from whybuy.retrieval.ranking.lambdamart_training import LambdaMARTConfig, RankingExamples, fit_lambdamart

NAMES = ("words_covered", "noise", "title_words")
SHORT = LambdaMARTConfig(trees=20, least_rows=5)


def examples(queries: int = 80, size: int = 20, *, seed: int = 0) -> RankingExamples:
    """The gain is the first feature, in steps; the others say nothing."""
    features = np.random.default_rng(seed).random((queries * size, len(NAMES)), dtype=np.float32)
    gains = np.floor(3 * features[:, 0]).astype(np.float32)
    return RankingExamples(features, gains, np.full(queries, size, np.int64))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    fit_lambdamart(examples(), NAMES, path, config=SHORT)
    return path


def test_what_is_good_comes_first(folder: Path) -> None:
    features = examples(1, 50, seed=1).features
    ranked = LambdaMART.load(folder).rank(np.arange(50, dtype=np.int32), features)
    gains = np.floor(3 * features[ranked.rows, 0])
    assert (np.diff(gains) <= 0).mean() > 0.9
    assert (np.diff(ranked.scores) <= 0).all()


def test_importance_names_the_feature_that_matters(folder: Path) -> None:
    importance = LambdaMART.load(folder).importance
    assert next(iter(importance)) == "words_covered"
    assert sum(importance.values()) == pytest.approx(1)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_kernel_says_what_lightgbm_says(folder: Path, seed: int) -> None:
    booster = lightgbm.Booster(model_file=folder / "model.txt")
    features = np.random.default_rng(seed).normal(size=(30, 3)).astype(np.float32)
    mine = evaluate(from_lightgbm(booster.dump_model()), features)
    np.testing.assert_allclose(mine, booster.predict(features), rtol=1e-12)
    np.testing.assert_allclose(LambdaMART.load(folder).score(features), mine, rtol=1e-6)


def test_trained_twice_it_is_the_same(folder: Path, tmp_path: Path) -> None:
    fit_lambdamart(examples(), NAMES, tmp_path, config=SHORT)
    assert (tmp_path / "model.txt").read_text() == (folder / "model.txt").read_text()


def test_equals_stay_in_the_order_in_which_they_come(folder: Path) -> None:
    candidates = np.array([9, 3, 5], np.int32)
    assert LambdaMART.load(folder).rank(candidates, np.zeros((3, 3), np.float32)).rows.tolist() == [9, 3, 5]


def test_no_candidates_give_no_order(folder: Path) -> None:
    assert len(LambdaMART.load(folder).rank(np.empty(0, np.int32), np.empty((0, 3), np.float32))) == 0


def test_answering_needs_no_lightgbm(folder: Path) -> None:
    script = (
        "import sys, pathlib, numpy; from whybuy.retrieval.ranking.lambdamart import LambdaMART; "
        f"LambdaMART.load(pathlib.Path({str(folder)!r})).score(numpy.zeros((2, 3), 'float32')); "
        "assert 'lightgbm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_tree_that_is_one_leaf_is_a_constant() -> None:
    trees = from_lightgbm({"tree_info": [{"tree_structure": {"leaf_value": 0.5}}]})
    assert evaluate(trees, np.zeros((2, 1), np.float32)).tolist() == [0.5, 0.5]


def test_splits_of_categories_are_refused() -> None:
    split = {"decision_type": "==", "missing_type": "None"}
    with pytest.raises(InputError, match=r"'=='.*Train on numbers alone"):
        from_lightgbm({"tree_info": [{"tree_structure": split}]})


def chain(leaves: int) -> dict[str, Any]:
    """A tree that turns off to the left at each threshold: its value is the number of thresholds passed."""
    node: dict[str, Any] = {"leaf_value": leaves - 1.0}
    for passed in reversed(range(leaves - 1)):
        split = {"decision_type": "<=", "missing_type": "None", "split_feature": 0, "threshold": passed + 0.5}
        node = split | {"left_child": {"leaf_value": float(passed)}, "right_child": node}
    return {"tree_info": [{"tree_structure": node}]}


def test_a_tree_may_have_32_leaves() -> None:
    features = np.arange(32, dtype=np.float32)[:, None]
    assert evaluate(from_lightgbm(chain(32)), features).tolist() == list(range(32))
    with pytest.raises(InputError, match="33 leaves; at most 32"):
        from_lightgbm(chain(33))


def test_too_few_queries_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Only 10 queries have a judged or bought product"):
        fit_lambdamart(examples(10), NAMES, tmp_path)


def test_what_may_only_help_never_harms(tmp_path: Path) -> None:
    turned = examples()
    turned = RankingExamples(1 - turned.features, turned.gains, turned.sizes)  # now less of the first feature is better
    steps = np.zeros((50, 3), np.float32)
    steps[:, 0] = np.linspace(0, 1, 50)
    free = fit_lambdamart(turned, NAMES, tmp_path, config=SHORT).score(steps)
    assert free[0] > free[-1]
    held = fit_lambdamart(turned, NAMES, tmp_path, config=replace(SHORT, monotone=("words_covered",))).score(steps)
    assert (np.diff(held) >= 0).all()


def test_what_may_only_help_must_be_a_feature(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="word_covered may only help, but is no feature"):
        fit_lambdamart(examples(), NAMES, tmp_path, config=replace(SHORT, monotone=("word_covered",)))


def test_a_query_counts_by_its_weight(tmp_path: Path) -> None:
    """Half of the queries want much of the first feature, half want little: the heavier half decides."""
    some = examples()
    flipped = np.arange(len(some.sizes)) % 2 == 1
    rows = np.repeat(flipped, some.sizes)
    gains = np.where(rows, 2 - some.gains, some.gains).astype(np.float32)
    steps = np.zeros((50, 3), np.float32)
    steps[:, 0] = np.linspace(0, 1, 50)
    for heavier in (False, True):
        weights = np.where(flipped == heavier, 9.0, 1.0).astype(np.float32)
        scores = fit_lambdamart(replace(some, gains=gains, weights=weights), NAMES, tmp_path, config=SHORT).score(steps)
        assert (scores[0] > scores[-1]) == heavier


def test_equal_weights_of_any_size_train_the_same(folder: Path, tmp_path: Path) -> None:
    some = examples()
    fit_lambdamart(replace(some, weights=np.full(len(some.sizes), 4, np.float32)), NAMES, tmp_path, config=SHORT)
    assert (tmp_path / "model.txt").read_text() == (folder / "model.txt").read_text()


def test_the_manifest_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[set[str]] = []
    write = artifacts.write_json

    def remember(path: Path, content: object) -> None:
        there.append({file.name for file in path.parent.iterdir()})
        write(path, content)

    monkeypatch.setattr(artifacts, "write_json", remember)
    fit_lambdamart(examples(), NAMES, tmp_path, config=SHORT)
    assert there == [{file.name for file in tmp_path.iterdir()} - {"reranker_model.json"}]


def test_names_must_fit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="3 features, but 2 names"):
        fit_lambdamart(examples(), NAMES[:2], tmp_path)


def test_other_features_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"trained on 3 features.*\(4, 2\)"):
        LambdaMART.load(folder).score(np.zeros((4, 2), np.float32))


def test_examples_must_add_up() -> None:
    with pytest.raises(InputError, match="sizes of 3 in all"):
        RankingExamples(np.zeros((4, 1), np.float32), np.zeros(4, np.float32), np.array([3]))


def test_examples_are_numbers() -> None:
    with pytest.raises(InputError, match="no numbers"):
        RankingExamples(np.full((4, 1), np.nan, np.float32), np.zeros(4, np.float32), np.array([4]))


def test_another_format_is_named(folder: Path, tmp_path: Path) -> None:
    about = json.loads((folder / "reranker_model.json").read_text())
    (tmp_path / "reranker_model.json").write_text(json.dumps(about | {"format_version": 99}))
    with pytest.raises(ArtifactError, match="format 99"):
        LambdaMART.load(tmp_path)


def test_a_missing_array_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "reranker_model.json").write_text((folder / "reranker_model.json").read_text())
    with pytest.raises(ArtifactError, match=r"no readable reranker model .*feature\.npy"):
        LambdaMART.load(tmp_path)
