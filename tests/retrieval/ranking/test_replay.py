"""A log with times is replayed: the reranker predicts its late searches from what was known before them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

import whybuy.retrieval.ranking.training
from tree_shop import PRODUCTS, TreeShop, judged
from whybuy.retrieval.finder import Finder, FinderConfig
from whybuy.retrieval.ranking.features import STAGES
from whybuy.retrieval.ranking.lambdamart_training import RankingExamples, fit_lambdamart
from whybuy.retrieval.ranking.reranker import open_reranker
from whybuy.retrieval.ranking.training import Replay, RerankerConfig, train_reranker
from whybuy.retrieval.training_set import TrainingSet

FEW = RerankerConfig(least_queries=50, threads=1)
QUERIES = judged()
COUNT = len(QUERIES)


def wanted(rows: list[int], weights: list[float] | None = None) -> TrainingSet:
    """The judged queries, each with one product."""
    data = np.array(weights or [1.0] * COUNT, np.float32)
    shape = (COUNT, len(PRODUCTS))
    return TrainingSet(list(QUERIES.texts), csr_matrix((data, (range(COUNT), rows)), shape=shape))


def other_rows(step: int = 1) -> list[int]:
    """Of each query, a product of the same type some places from the one that it wants."""
    return [row // 10 * 10 + (row + step) % 10 for row in QUERIES.products.indices.tolist()]


@dataclass
class Fitted:
    """What reached LightGBM."""

    examples: list[RankingExamples]

    @property
    def last(self) -> RankingExamples:
        return self.examples[-1]


@pytest.fixture(scope="module")
def fitted() -> Iterator[Fitted]:
    """Remembers the examples of every training, and trains as ever."""
    heard = Fitted([])

    def remember(examples: RankingExamples, *others: object, **named: object) -> object:
        heard.examples.append(examples)
        return fit_lambdamart(examples, *others, **named)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whybuy.retrieval.ranking.training, "fit_lambdamart", remember)
        yield heard


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reranker")


def train(shop: TreeShop, queries: Replay | TrainingSet, folder: Path, config: RerankerConfig = FEW) -> bool:
    """Train as a build does: the tree that is served has learned from the whole log."""
    every = queries.every if isinstance(queries, Replay) else queries
    trainer = replace(shop.trainer, searches=every)
    finder = Finder(replace(shop.indexes, tree=trainer.train()), len(PRODUCTS), FinderConfig())
    return train_reranker(trainer, queries, finder, shop.read, folder, config=config) is not None


# ---------------------------------------------------------------- nothing of the late part is known
@given(step=st.integers(1, 9), weight=st.sampled_from([0.5, 1.0, 40.0]))
@settings(max_examples=5)
def test_other_late_evidence_changes_no_feature(
    shop: TreeShop, fitted: Fitted, target: Path, step: int, weight: float
) -> None:
    before = wanted(other_rows(7))
    seen = []
    for late in (QUERIES, wanted(other_rows(step), [weight] * COUNT)):
        assert train(shop, Replay(late, before, before, late), target)
        seen.append(fitted.last)
    assert seen[0].sizes.tolist() == seen[1].sizes.tolist()
    np.testing.assert_array_equal(seen[0].features, seen[1].features)
    assert (seen[0].gains != seen[1].gains).any()


def test_a_query_that_was_asked_before_is_described_by_what_it_led_to(
    shop: TreeShop, fitted: Fitted, target: Path
) -> None:
    known = wanted(other_rows(3))
    assert train(shop, Replay(known, known, known, QUERIES), target)
    assert signals_of(fitted.last).max() == 1
    asked_otherwise = TrainingSet([f"zzyx {text}" for text in known.texts], known.products)
    assert train(shop, Replay(known, asked_otherwise, asked_otherwise, QUERIES), target)
    assert signals_of(fitted.last).max() <= 0


def signals_of(examples: RankingExamples) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The share of the best signal of each candidate."""
    (column,) = (place for place, name in enumerate(STAGES.names) if "signals" in name and "share" in name)
    found: np.ndarray[tuple[int], np.dtype[np.float32]] = examples.features[:, column]
    return found


# ---------------------------------------------------------------- what it learns
def test_gains_are_relative_and_queries_weigh_as_much_as_their_evidence(
    shop: TreeShop, fitted: Fitted, target: Path
) -> None:
    weights = [float(1 + place % 3) for place in range(COUNT)]
    late = wanted(QUERIES.products.indices.tolist(), weights)
    assert train(shop, Replay(QUERIES, QUERIES, QUERIES, late), target)
    assert set(np.unique(fitted.last.gains).tolist()) == {0, 1}
    assert sorted(np.broadcast_to(fitted.last.weights, COUNT).tolist()) == sorted(weights)


def test_what_is_served_remembers_the_whole_log(shop: TreeShop, target: Path, tmp_path: Path) -> None:
    before = QUERIES.only(np.arange(COUNT) < COUNT // 2)
    folders = [tmp_path / name for name in ("whole", "half")]
    for folder, every in zip(folders, (QUERIES, before), strict=True):
        trainer = replace(shop.trainer, searches=QUERIES)
        finder = Finder(replace(shop.indexes, tree=trainer.train()), len(PRODUCTS), FinderConfig())
        replay = Replay(every, before, before, QUERIES)
        assert train_reranker(trainer, replay, finder, shop.read, folder, config=FEW)
    assert (folders[0] / "model/model.txt").read_text() == (folders[1] / "model/model.txt").read_text()
    sizes = [sum(file.stat().st_size for file in (folder / "past").rglob("*")) for folder in folders]
    assert sizes[0] > sizes[1]


def test_what_led_to_a_product_before_leads_to_it_again(shop: TreeShop, tmp_path: Path) -> None:
    """The navy product is wanted, as ever; no word of the query says so."""
    trainer = replace(shop.trainer, searches=QUERIES)
    indexes = replace(shop.indexes, tree=trainer.train())
    finder = Finder(indexes, len(PRODUCTS), FinderConfig())
    replay = Replay(QUERIES, QUERIES, QUERIES, QUERIES)
    assert train_reranker(trainer, replay, finder, shop.read, tmp_path, config=FEW)
    reranked = Finder(replace(indexes, reranker=open_reranker(tmp_path)), len(PRODUCTS), FinderConfig())
    first = [int(reranked.find(text, ()).ranked.rows[0]) for text in QUERIES.texts]
    assert np.mean(np.array(first) == QUERIES.products.indices) > 0.8


def test_of_many_late_queries_a_sample_is_trained_on(shop: TreeShop, fitted: Fitted, target: Path) -> None:
    replay = Replay(QUERIES, QUERIES, QUERIES, QUERIES)
    assert train(shop, replay, target, replace(FEW, most_queries=52))
    assert len(fitted.last.sizes) == 52


def test_few_late_queries_train_nothing(shop: TreeShop, tmp_path: Path) -> None:
    late = QUERIES.only(np.arange(COUNT) < 49)
    assert len(Replay(QUERIES, QUERIES, QUERIES, late)) == 49
    assert not train(shop, Replay(QUERIES, QUERIES, QUERIES, late), tmp_path / "reranker")
    assert not (tmp_path / "reranker").exists()
