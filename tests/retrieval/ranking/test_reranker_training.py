"""A reranker is trained on queries that the rankers under it have not seen, and from nothing when there are few."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

import whybuy.retrieval.ranking.training
import whybuy.retrieval.tree_training
from tree_shop import PRODUCTS, TreeShop, judged
from whybuy.errors import InputError
from whybuy.qrels import Qrels, Scale
from whybuy.records import Intent
from whybuy.retrieval.finder import Finder, FinderConfig
from whybuy.retrieval.indexes import Indexes
from whybuy.retrieval.ranking.candidates import Candidates
from whybuy.retrieval.ranking.features import FeatureExtractor, RerankerInput
from whybuy.retrieval.ranking.fitting import fit_translations
from whybuy.retrieval.ranking.product_terms import QueryTerms, TermTable
from whybuy.retrieval.ranking.reranker import open_reranker
from whybuy.retrieval.ranking.training import RerankerConfig, train_reranker
from whybuy.retrieval.ranking.translations import Translations
from whybuy.retrieval.training_set import TrainingSet, qrels_training_set
from whybuy.retrieval.tree import TreeIndex
from whybuy.retrieval.tree_training import train_tree
from whybuy.text import bag_of_words

FEW = RerankerConfig(least_queries=50, folds=2, threads=1)


# ---------------------------------------------------------------- gains
def test_what_the_shop_lacks_or_gains_nothing_is_left_out() -> None:
    grades = {
        "Lamp&nbsp;SHADE": {"a": 3.0, "b": 1.0, "gone": 3.0},
        "tent": {"gone": 3.0},
        "rope": {"a": 1.0},
        "hose": {"b": 2.5},
    }
    gains = qrels_training_set(Qrels(grades, Scale(1.0, 3.0), {}), ["b", "a"])
    assert gains.texts == ["Lamp SHADE", "hose"]
    assert gains.products.toarray().tolist() == [[0, 2], [1.5, 0]]


def test_without_judgments_of_its_products_a_shop_has_no_gains() -> None:
    gains = qrels_training_set(Qrels({"tent": {"gone": 3.0}}, Scale(1.0, 3.0), {}), ["a", "b"])
    assert (len(gains), gains.products.shape) == (0, (0, 2))


@given(grades=st.dictionaries(st.sampled_from("abcd"), st.dictionaries(st.sampled_from("pqrs"), st.integers(0, 3))))
def test_gains_are_those_of_the_judgments(grades: dict[str, dict[str, float]]) -> None:
    qrels = Qrels(grades, Scale(0, 3), {})
    gains = qrels_training_set(qrels, ["p", "q", "r"])
    found = {
        (text, "pqr"[row]): gain
        for text, own in zip(gains.texts, gains.products, strict=True)
        for row, gain in zip(own.indices, own.data, strict=True)
    }
    every = {(query, one): gain for query, judged in grades.items() for one, gain in judged.items()}
    assert found == {pair: gain for pair, gain in every.items() if gain > 0 and pair[1] in "pqr"}


# ---------------------------------------------------------------- what training gives
def first_rows(finder: Finder, shop: TreeShop, texts: Sequence[str]) -> list[int]:
    return [int(finder.find(text, shop.read(text)).ranked.rows[0]) for text in texts]


def test_the_reranker_learns_what_words_do_not_say(
    shop: TreeShop, indexes: Indexes, finder: Finder, reranker_folder: Path
) -> None:
    gains = judged()
    wanted = gains.products.indices
    assert indexes.tree
    reranked = finder.over(indexes.tree, reranker=open_reranker(reranker_folder))
    hits = [np.mean(first_rows(each, shop, gains.texts) == wanted) for each in (finder, reranked)]
    assert hits[0] < 0.2
    assert hits[1] > 0.8


def test_trained_twice_it_is_the_same(shop: TreeShop, finder: Finder, reranker_folder: Path, tmp_path: Path) -> None:
    train_reranker(shop.trainer, judged(), finder, shop.read, tmp_path, config=FEW)
    files = {path.relative_to(reranker_folder) for path in reranker_folder.rglob("*") if path.is_file()}
    assert files == {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert all((reranker_folder / file).read_bytes() == (tmp_path / file).read_bytes() for file in files)


# ---------------------------------------------------------------- out of fold
def test_no_query_is_answered_by_a_tree_that_has_seen_it_in_any_spelling(
    shop: TreeShop, finder: Finder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gains = judged()
    trainer = replace(shop.trainer, searches=TrainingSet([text.lower() for text in gains.texts], gains.products))
    seen: list[set[tuple[str, ...]]] = []
    asked: list[tuple[str, ...]] = []

    def train(searches: TrainingSet, *others: object) -> TreeIndex:
        seen.append({bag_of_words(text) for text in searches.texts})
        return train_tree(searches, *others)  # type: ignore[arg-type]

    def read(text: str) -> tuple[Intent, ...]:
        assert bag_of_words(text) not in seen[-1]
        asked.append(bag_of_words(text))
        return ()

    monkeypatch.setattr(whybuy.retrieval.tree_training, "train_tree", train)
    assert train_reranker(trainer, gains, finder, read, tmp_path, config=replace(FEW, folds=3))
    assert sorted(asked) == sorted(map(bag_of_words, gains.texts))
    assert len(seen) == 3
    assert all(seen)


def test_no_query_is_described_by_what_it_adds_to_translations(
    shop: TreeShop, finder: Finder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gains = judged()
    fitted_on: dict[Translations, set[bytes]] = {}
    described: list[bytes] = []
    fit, features = fit_translations, Translations.features

    def remember(asked: Sequence[QueryTerms], good: csr_matrix, table: TermTable) -> Translations:
        assert len(asked) == good.shape[0]
        translations = fit(asked, good, table)
        fitted_on[translations] = {query.stems.tobytes() for query in asked}
        return translations

    def describe(self: Translations, query: QueryTerms, *others: Any) -> NDArray[np.float32]:  # noqa: ANN401
        assert query.stems.tobytes() not in fitted_on[self]
        described.append(query.stems.tobytes())
        return features(self, query, *others)

    monkeypatch.setattr(whybuy.retrieval.ranking.training, "fit_translations", remember)
    monkeypatch.setattr(Translations, "features", describe)
    train_reranker(shop.trainer, gains, finder, shop.read, tmp_path, config=replace(FEW, folds=3))
    every, *parts = fitted_on.values()
    assert set(described) == every, "what is served was fitted on all"
    assert len(described) == len(gains)
    assert len(parts) == 3
    assert all(parts)


@pytest.mark.parametrize("depth", [5, 500])
def test_training_sees_as_much_of_each_ranking_as_search_will(
    shop: TreeShop, indexes: Indexes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    lengths: list[int] = []
    describe = FeatureExtractor.describe

    def measured(self: FeatureExtractor, retrieved: RerankerInput, *others: Any, **named: Any) -> Candidates:  # noqa: ANN401
        lengths.extend(map(len, retrieved.stages.values()))
        return describe(self, retrieved, *others, **named)

    monkeypatch.setattr(FeatureExtractor, "describe", measured)
    finder = Finder(indexes, len(PRODUCTS), FinderConfig(depth=depth))
    train_reranker(shop.trainer, judged(), finder, shop.read, tmp_path, config=FEW)
    assert max(lengths) == min(depth, len(PRODUCTS))


def test_of_many_queries_a_sample_is_trained_on(shop: TreeShop, finder: Finder, tmp_path: Path) -> None:
    asked: list[str] = []

    def read(text: str) -> tuple[Intent, ...]:
        asked.append(text)
        return ()

    train_reranker(shop.trainer, judged(), finder, read, tmp_path, config=replace(FEW, most_queries=52))
    assert len(set(asked)) == len(asked) == 52


def test_one_fold_is_refused() -> None:
    with pytest.raises(InputError, match=r"folds is 1; .* takes 2 or more"):
        RerankerConfig(folds=1)


# ---------------------------------------------------------------- too little to train on
def test_few_queries_train_nothing(shop: TreeShop, finder: Finder, tmp_path: Path) -> None:
    few = replace(FEW, least_queries=61)
    assert train_reranker(shop.trainer, judged(), finder, shop.read, tmp_path / "reranker", config=few) is None
    assert not (tmp_path / "reranker").exists()


def test_queries_whose_good_products_nobody_finds_train_nothing(shop: TreeShop, finder: Finder, tmp_path: Path) -> None:
    queries = [f"ωψ{number}" for number in range(60)]
    wanted = csr_matrix((np.ones(60, np.float32), (range(60), range(60))), shape=(60, len(PRODUCTS)))
    gains = TrainingSet(queries, wanted)
    assert train_reranker(shop.trainer, gains, finder, shop.read, tmp_path / "reranker", config=FEW) is None
    assert not (tmp_path / "reranker").exists()


def test_without_a_tree_nothing_is_trained(shop: TreeShop, tmp_path: Path) -> None:
    finder = Finder(shop.indexes, len(PRODUCTS), FinderConfig())
    assert train_reranker(shop.trainer, judged(), finder, shop.read, tmp_path / "reranker", config=FEW) is None
