"""The reranker: every candidate of every ranker, described by all that is known of it."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tree_shop import PRODUCTS, TreeShop, judged
from whybuy.errors import ArtifactError
from whybuy.retrieval.finder import Finder, FinderConfig
from whybuy.retrieval.indexes import Indexes
from whybuy.retrieval.ranking.candidates import Candidates
from whybuy.retrieval.ranking.features import STAGES, Evidence, FeatureExtractor, RerankerInput
from whybuy.retrieval.ranking.reranker import Reranker, open_reranker

WORDS = st.sampled_from("Marlowe sage shoe boot tent camping pregnant women for zzyx kicks walkies lamp".split())
TEXTS = st.lists(WORDS, max_size=4).map(" ".join)
INTENT = "tent for camping"


@pytest.fixture(scope="module")
def extractor(reranker_folder: Path) -> FeatureExtractor:
    return FeatureExtractor.open(reranker_folder)


def ask(indexes: Indexes, shop: TreeShop, text: str) -> RerankerInput:
    return Finder(indexes, len(PRODUCTS), FinderConfig()).retrieve(text, shop.read(text))


def column(extractor: FeatureExtractor, found: Candidates, name: str) -> list[float]:
    values: list[float] = found.features[:, extractor.names.index(name)].tolist()
    return values


# ---------------------------------------------------------------- extractor
@given(text=TEXTS)
def test_every_ranker_brings_its_best_and_each_is_described_once(
    shop: TreeShop, indexes: Indexes, extractor: FeatureExtractor, text: str
) -> None:
    assert indexes.tree
    asked = ask(indexes, shop, text)
    found = extractor.describe(asked, indexes.tree)
    brought = {row for stage, depth in STAGES.depths.items() for row in asked.stages[stage].first(depth).rows.tolist()}
    assert set(found.rows.tolist()) == brought
    assert found.features.shape == (len(brought), len(extractor.names))
    assert np.isfinite(found.features).all()


def test_columns_have_names_of_their_own_and_some_may_only_help(extractor: FeatureExtractor) -> None:
    assert len(set(extractor.names)) == len(extractor.names)
    assert set(extractor.monotone) < set(extractor.names)
    assert "past_itself" in extractor.monotone  # that a product was judged before must never count against it
    assert {"query_known", "unmet_share"}.isdisjoint(extractor.monotone)  # the same for all candidates


def test_tree_scores_are_features(shop: TreeShop, indexes: Indexes, extractor: FeatureExtractor) -> None:
    assert indexes.tree
    asked = ask(indexes, shop, "comfy kicks by marlowe")
    found = extractor.describe(asked, indexes.tree)
    scored = indexes.tree.tree.score(*asked.query.vector, found.rows)
    assert column(extractor, found, "tree_margin") == scored.margins.tolist()
    assert column(extractor, found, "tree_bias") == scored.biases.tolist()
    assert column(extractor, found, "tree_path") == scored.paths.tolist()
    searches = np.log1p(indexes.tree.logs.searches[found.rows])
    assert column(extractor, found, "tree_searches") == pytest.approx(searches.tolist())
    assert set(column(extractor, found, "query_known")) == {np.float32(indexes.tree.known(*asked.query.vector))}
    assert extractor.names[-len(Evidence) :] == tuple(column.name.lower() for column in Evidence)


def test_the_unmet_share_is_a_feature(shop: TreeShop, indexes: Indexes, extractor: FeatureExtractor) -> None:
    assert indexes.tree
    for text, unmet_share in ((INTENT, 0.5), ("dome tent", 0.0)):
        found = extractor.describe(ask(indexes, shop, text), indexes.tree)
        assert set(column(extractor, found, "unmet_share")) == {unmet_share}


def test_a_query_does_not_remember_itself_in_training(
    shop: TreeShop, indexes: Indexes, extractor: FeatureExtractor
) -> None:
    assert indexes.tree
    asked = ask(indexes, shop, judged().texts[0])
    remembered = extractor.describe(asked, indexes.tree)
    unseen = extractor.describe(asked, indexes.tree, without=0)
    assert max(column(extractor, remembered, "past_similarity")) == pytest.approx(1)
    assert max(column(extractor, unseen, "past_similarity")) < 0.95
    assert max(column(extractor, unseen, "past_itself")) < max(column(extractor, remembered, "past_itself"))


# ---------------------------------------------------------------- the order
@given(text=TEXTS)
def test_each_candidate_comes_once_best_first(
    shop: TreeShop, indexes: Indexes, reranker_folder: Path, text: str
) -> None:
    assert indexes.tree
    asked = ask(indexes, shop, text)
    ranked = Reranker.open(reranker_folder).rank(asked, indexes.tree)
    assert sorted(ranked.rows.tolist()) == sorted(
        FeatureExtractor.open(reranker_folder).describe(asked, indexes.tree).rows.tolist()
    )
    assert (np.diff(ranked.scores) <= 0).all()


def test_what_nobody_finds_has_no_order(shop: TreeShop, indexes: Indexes, reranker_folder: Path) -> None:
    assert indexes.tree
    assert len(Reranker.open(reranker_folder).rank(ask(indexes, shop, "ωψ"), indexes.tree)) == 0


def test_many_threads_get_the_same_answers(shop: TreeShop, indexes: Indexes, reranker_folder: Path) -> None:
    tree, order = indexes.tree, Reranker.open(reranker_folder)
    assert tree
    questions = [ask(indexes, shop, text) for text in judged().texts]
    with ThreadPoolExecutor(4) as pool:
        found = [ranked.rows.tolist() for ranked in pool.map(lambda asked: order.rank(asked, tree), questions)]
    assert found == [order.rank(asked, tree).rows.tolist() for asked in questions]


def test_a_saved_extractor_gives_the_same_features(
    shop: TreeShop, indexes: Indexes, extractor: FeatureExtractor, tmp_path: Path
) -> None:
    assert indexes.tree
    extractor.save(tmp_path)
    asked = ask(indexes, shop, INTENT)
    again = FeatureExtractor.open(tmp_path).describe(asked, indexes.tree)
    np.testing.assert_array_equal(again.features, extractor.describe(asked, indexes.tree).features)


# ---------------------------------------------------------------- on disk
def test_without_a_trained_model_there_is_no_reranker(tmp_path: Path) -> None:
    assert open_reranker(None) is None
    assert open_reranker(tmp_path) is None


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: (folder / "model" / "reranker_model.json").unlink(), r"holds no readable reranker model"),
    (lambda folder: shutil.rmtree(folder / "terms"), r"holds no readable product terms"),
    (lambda folder: shutil.rmtree(folder / "past"), r"holds no readable past queries"),
    (lambda folder: shutil.rmtree(folder / "past" / "index"), r"holds no readable n-gram index"),
    (lambda folder: np.save(folder / "past" / "rows.npy", np.zeros(1, np.int32)), r"past queries .* arrays are cut"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_damage_is_named(reranker_folder: Path, tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    copy = shutil.copytree(reranker_folder, tmp_path / "reranker")
    damage(copy)
    with pytest.raises(ArtifactError, match=message):
        open_reranker(copy)
