"""Trains the reranker of a shop out of fold: each query is described by trees that were trained without it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.artifacts import digest
from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.errors import InputError
from whybuy.records import Intent
from whybuy.retrieval.finder import Finder
from whybuy.retrieval.implied import ImpliedWords
from whybuy.retrieval.implied_fitting import AskedWords, shown_again
from whybuy.retrieval.lexical import LexicalIndex
from whybuy.retrieval.ranking.candidates import Candidates
from whybuy.retrieval.ranking.features import TRAINING_DEPTHS, FeatureExtractor
from whybuy.retrieval.ranking.fitting import fit_terms, fit_translations
from whybuy.retrieval.ranking.lambdamart import LambdaMART
from whybuy.retrieval.ranking.lambdamart_training import MIN_QUERIES, LambdaMARTConfig, RankingExamples, fit_lambdamart
from whybuy.retrieval.ranking.past_queries import PastQueries
from whybuy.retrieval.ranking.product_terms import ProductTerms, QueryTerms
from whybuy.retrieval.ranking.reranker import MODEL
from whybuy.retrieval.signals import SignalIndex
from whybuy.retrieval.synonym_fitting import SynonymLearner
from whybuy.retrieval.synonyms import Synonyms, with_named
from whybuy.retrieval.training_set import TrainingSet
from whybuy.retrieval.tree import TreeIndex
from whybuy.retrieval.tree_training import TreeTrainer
from whybuy.text import bag_of_words
from whybuy.vectors.ngrams import NgramVectorizer

GOOD_FROM = 0.5  # of the best gain of all: products below are not remembered as good for a query
INDIFFERENT = 0.25  # subtracted from remembered gains, so that the best stand out

ReadIntents = Callable[[str], tuple[Intent, ...]]


@dataclass(frozen=True, slots=True)
class RerankerConfig:
    """The [reranker] table of `store.toml`: which queries train the reranker."""

    judgments: str = field(default="", metadata=HOW_ONLY)
    """A file beside store.toml; without it, purchases and clicks train."""
    least_queries: int = 200  # below, nothing is trained; 50 of them need a good product among their candidates
    most_queries: int = 2000  # to train on; of more, a sample
    folds: int = 3  # trees that are trained without a part of the queries each, at least 2
    threads: int = field(default=2, metadata=HOW_ONLY)

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise InputError(f"folds is {self.folds}; a tree that has not seen a query takes 2 or more.")


RERANKER_CONFIG = ConfigTable("reranker", RerankerConfig)


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """A log that is cut in time: the reranker is trained to predict the later part from the earlier one."""

    every: TrainingSet  # all searches, which the trained reranker will know
    before: TrainingSet  # those before the cut
    signals: TrainingSet  # the same, with what their evidence was worth at the cut
    late: TrainingSet  # those since

    def __len__(self) -> int:
        return len(self.late)


@dataclass(frozen=True, slots=True, eq=False)
class _Example:
    """A training query with its candidates."""

    candidates: Candidates
    gains: NDArray[np.float32]  # shape (candidates,)
    weight: float = 1.0


def train_reranker(
    trainer: TreeTrainer,
    queries: TrainingSet | Replay,
    finder: Finder,
    read: ReadIntents,
    folder: Path,
    *,
    config: RerankerConfig,
) -> LambdaMART | None:
    """Train the reranker and write it into a folder; None, and nothing written, when there are too few queries.

    A log with times is replayed: its late queries are described with what the earlier part knows, so that the reranker
    sees known and new queries, products and habits as they come. Other queries are split into folds; those of a fold
    are described with a tree, with synonyms and with translations made from the other folds, and without what they
    themselves add to the past queries.

    queries: with what was good for them, or a log to replay. finder: searches as the shop will be served, with its
    tree; its reranker is not used. read: finds the intents of a query. folder: is made when missing.
    """
    if len(queries) < config.least_queries or finder.indexes.tree is None:
        return None
    sources = _Sources(trainer, finder, read, fit_terms(trainer.products), config)
    if isinstance(queries, Replay):
        features, described = sources.features(queries.every), list(_replayed(sources, queries))
    else:
        features = sources.features(queries)
        described = list(_out_of_fold(sources, queries, features))
    examples = RankingExamples(
        features=np.concatenate([one.candidates.features for one in described]),
        gains=np.concatenate([one.gains for one in described]),
        sizes=np.array([len(one.gains) for one in described], np.int64),
        weights=np.array([one.weight for one in described], np.float32),
    )
    if np.count_nonzero(examples.informative) < MIN_QUERIES:
        return None
    features.save(folder)
    training = LambdaMARTConfig(threads=config.threads, monotone=features.monotone, seed=trainer.seed)
    return fit_lambdamart(examples, features.names, folder / MODEL, config=training)


@dataclass(frozen=True, eq=False)
class _Sources:
    """What training queries are described with."""

    trainer: TreeTrainer
    finder: Finder
    read: ReadIntents
    terms: ProductTerms
    config: RerankerConfig

    @property
    def vectorizer(self) -> NgramVectorizer:
        """Of the tree of the shop."""
        tree = self.finder.indexes.tree
        assert tree is not None
        return tree.vectorizer

    @cached_property
    def _words(self) -> Callable[[str], QueryTerms]:
        lexical = self.finder.indexes.lexical
        return cache(lambda text: self.terms.query(lexical.analyze(text).corrected))

    def words(self, texts: Sequence[str]) -> list[QueryTerms]:
        """The words of queries, spelling corrected."""
        return list(map(self._words, texts))

    def features(self, gains: TrainingSet) -> FeatureExtractor:
        """Describes candidates by what was good for these queries."""
        good = _good(gains.products)
        vectors = self.vectorizer.transform(gains.texts, threads=self.config.threads)
        translations = fit_translations(self.words(gains.texts), good, self.terms.table)
        return FeatureExtractor(self.terms, PastQueries.build(gains.texts, vectors, good), translations)

    def word_learners(self, searches: TrainingSet) -> "_WordLearners":
        """Learns from searches what the lexical index knows."""
        lexical, products = self.finder.indexes.lexical, self.trainer.products
        return _WordLearners(
            lexical,
            SynonymLearner(searches, products, lexical.spelled) if len(lexical.synonyms) else None,
            AskedWords(searches, products, lexical),
        )

    def describe(
        self, text: str, finder: Finder, features: FeatureExtractor, tree: TreeIndex, *, without: int | None = None
    ) -> Candidates:
        """The candidates of a query near the top of a ranking. without: see `FeatureExtractor.describe`."""
        retrieved = finder.retrieve(text, self.read(text))
        return features.describe(retrieved, tree, without=without).within(retrieved.stages, TRAINING_DEPTHS)


@dataclass(frozen=True, slots=True)
class _WordLearners:
    """What knows other words for those of queries. synonyms: None where the shop has none."""

    index: LexicalIndex
    synonyms: SynonymLearner | None
    asked: AskedWords

    def lexical(self, chosen: NDArray[np.bool_] | None = None) -> LexicalIndex:
        """The lexical index with what some searches show."""
        known = self.index.synonyms.table
        synonyms = with_named(known, self.synonyms.learn(chosen)) if self.synonyms else known
        implied = shown_again(self.index.implied.table, self.asked(chosen))
        return self.index.knowing(synonyms=Synonyms(synonyms), implied=ImpliedWords(implied))


def _replayed(sources: _Sources, replay: Replay) -> Iterator[_Example]:
    """The late queries, described by what the log had told when they began; intents and reasons know all of the log."""
    before, late = replay.before.damped(), replay.late.relative()
    tree = replace(sources.trainer, searches=before).train_over(sources.vectorizer)
    signals = SignalIndex.build(replay.signals.texts, replay.signals.products)
    finder = sources.finder.over(tree, lexical=sources.word_learners(before).lexical(), signals=signals)
    features = sources.features(before)
    totals = np.asarray(replay.late.products.sum(axis=1)).ravel()
    for query in _sample(late, sources.config.most_queries).tolist():
        candidates = sources.describe(late.texts[query], finder, features, tree)
        gains = _gains_of_rows(late.products[query], candidates.rows)
        yield _Example(candidates, gains, float(totals[query]))


def _out_of_fold(sources: _Sources, gains: TrainingSet, features: FeatureExtractor) -> Iterator[_Example]:
    """Queries of each fold, described by what was trained on the others. features: by what was good for all of them."""
    good, words = _good(gains.products), sources.words(gains.texts)
    learners = sources.word_learners(gains)
    for queries, others in _folds(gains, sources.config):
        unseen = [text for text, other in zip(gains.texts, others, strict=True) if not other]
        tree = sources.trainer.train_without(unseen, sources.vectorizer)
        other_words = [word for word, other in zip(words, others, strict=True) if other]
        translations = fit_translations(other_words, good[others], sources.terms.table)
        out_of_fold = replace(features, translations=translations)
        finder = sources.finder.over(tree, lexical=learners.lexical(others))
        for query in queries:
            candidates = sources.describe(gains.texts[query], finder, out_of_fold, tree, without=query)
            yield _Example(candidates, _gains_of_rows(gains.products[query], candidates.rows))


def _folds(gains: TrainingSet, config: RerankerConfig) -> Iterator[tuple[list[int], NDArray[np.bool_]]]:
    """The sampled queries of each fold, and which of all queries are outside it; the same words share a fold."""
    folds = np.array([int(digest("fold", *bag_of_words(text)), 16) % config.folds for text in gains.texts])
    chosen = _sample(gains, config.most_queries)
    for fold in range(config.folds):
        yield chosen[folds[chosen] == fold].tolist(), folds != fold


def _good(gains: csr_matrix) -> csr_matrix:
    good = gains.copy()
    good.data /= max(float(good.data.max(initial=0)), 1e-9)
    good.data = np.where(good.data >= GOOD_FROM, good.data - INDIFFERENT, 0).astype(np.float32)
    good.eliminate_zeros()
    return good


def _sample(gains: TrainingSet, size: int) -> NDArray[np.int64]:
    """Numbers of at most so many queries, in the order of a hash."""
    by_hash = sorted(range(len(gains)), key=lambda query: digest("sample", gains.texts[query]))
    return np.array(by_hash[:size], np.int64)


def _gains_of_rows(gains: csr_matrix, rows: NDArray[np.int32]) -> NDArray[np.float32]:
    by_row = dict(zip(gains.indices.tolist(), gains.data.tolist(), strict=True))
    return np.array([by_row.get(row, 0.0) for row in rows.tolist()], np.float32)
