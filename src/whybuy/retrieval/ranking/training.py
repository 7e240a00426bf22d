"""Trains the reranker of a shop out of fold: each query is described by trees that were trained without it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.artifacts import digest
from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.errors import InputError
from whybuy.records import Intent
from whybuy.retrieval.finder import Finder
from whybuy.retrieval.ranking.candidates import Candidates
from whybuy.retrieval.ranking.features import TRAINING_DEPTHS, FeatureExtractor
from whybuy.retrieval.ranking.fitting import fit_terms, fit_translations
from whybuy.retrieval.ranking.lambdamart import LambdaMART
from whybuy.retrieval.ranking.lambdamart_training import MIN_QUERIES, LambdaMARTConfig, RankingExamples, fit_lambdamart
from whybuy.retrieval.ranking.past_queries import PastQueries
from whybuy.retrieval.ranking.reranker import MODEL
from whybuy.retrieval.training_set import TrainingSet
from whybuy.retrieval.tree_training import TreeTrainer
from whybuy.text import bag_of_words

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


def train_reranker(
    trainer: TreeTrainer,
    gains: TrainingSet,
    finder: Finder,
    read: ReadIntents,
    folder: Path,
    *,
    config: RerankerConfig,
) -> LambdaMART | None:
    """Train the reranker and write it into a folder; None, and nothing written, when there are too few queries.

    Queries are split into folds; those of a fold are described with a tree and with translations made from the other
    folds, and without what they themselves add to the past queries.

    gains: queries with what was good for them. finder: searches as the shop will be served, with its tree; its reranker
    is not used. read: finds the intents of a query. folder: is made when missing.
    """
    served = finder.indexes
    if len(gains) < config.least_queries or served.tree is None:
        return None
    vectorizer, good, terms = served.tree.vectorizer, _good(gains.products), fit_terms(trainer.products)
    words = [terms.query(served.lexical.analyze(text).corrected) for text in gains.texts]
    vectors = vectorizer.transform(gains.texts, threads=config.threads)
    past = PastQueries.build(gains.texts, vectors, good)
    features = FeatureExtractor(terms, past, fit_translations(words, good, terms.table))
    order: list[int] = []  # of the queries that are described
    described: list[Candidates] = []
    for queries, others in _folds(gains, config):
        tree = trainer.train_without(
            [text for text, other in zip(gains.texts, others, strict=True) if not other], vectorizer
        )
        unseeing = finder.over(tree)
        other_words = [word for word, other in zip(words, others, strict=True) if other]
        out_of_fold = replace(features, translations=fit_translations(other_words, good[others], terms.table))
        for query in queries:
            retrieved = unseeing.retrieve(gains.texts[query], read(gains.texts[query]))
            candidates = out_of_fold.describe(retrieved, tree, without=query)
            described.append(candidates.within(retrieved.stages, TRAINING_DEPTHS))
        order += queries
    examples = _examples(gains, order, described)
    if np.count_nonzero(examples.informative) < MIN_QUERIES:
        return None
    features.save(folder)
    training = LambdaMARTConfig(threads=config.threads, monotone=features.monotone)
    return fit_lambdamart(examples, features.names, folder / MODEL, config=training)


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


def _examples(gains: TrainingSet, queries: list[int], described: list[Candidates]) -> RankingExamples:
    by_query = [_gains_of_rows(gains.products[query], one.rows) for query, one in zip(queries, described, strict=True)]
    return RankingExamples(
        features=np.concatenate([one.features for one in described]),
        gains=np.concatenate(by_query),
        sizes=np.array([len(one.rows) for one in described], np.int64),
    )


def _gains_of_rows(gains: csr_matrix, rows: NDArray[np.int32]) -> NDArray[np.float32]:
    by_row = dict(zip(gains.indices.tolist(), gains.data.tolist(), strict=True))
    return np.array([by_row.get(row, 0.0) for row in rows.tolist()], np.float32)
