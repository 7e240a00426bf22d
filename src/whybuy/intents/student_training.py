"""Trains the intent student, and calibrates its confidence on texts that were held out from a student of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.errors import InputError
from whybuy.graph import KnowledgeGraph
from whybuy.intents.calibration import Calibration
from whybuy.intents.calibration_fitting import fit_calibration
from whybuy.intents.known_words import KnownWords
from whybuy.intents.student import GUESSES, StudentModel
from whybuy.intents.training_set import TrainingData, TrainingSet, training_data
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.solver import SvmRanker
from whybuy.xmr.training.trainer import TrainingConfig, train_tree
from whybuy.xmr.tree import XMRTree

LEAST_WORDED = 0.5  # weight of a reason of a query's purchases, beside its best one, from which its words are known
MIN_HELD_OUT = 20  # texts of a kind that a calibration is fitted to, at least


@dataclass(frozen=True, slots=True)
class StudentConfig:
    """How the student is trained: the table `[student]`; defaults tuned on demo queries held out from its graph."""

    beam: int = 20  # nodes of the tree kept on each level
    branching: int = 32
    leaf_size: int = 256  # reasons under one leaf, at most
    cost: float = 0.1  # of a training error, beside the norm of the weights
    threshold: float = 0.02  # weights of smaller size are left out
    trust: int = 3  # weight of the texts of the graph, where texts labeled by purchases have 1
    withheld: float = 0.33  # share of the queries and product types that confidence is calibrated on
    same: float = 0.62  # co-occurrence from which two reasons count as one there, in [0, 1]
    threads: int = field(default=2, metadata=HOW_ONLY)

    def __post_init__(self) -> None:
        if not 0 < self.withheld < 1:
            raise InputError(f"withheld is {self.withheld}; confidence is calibrated on a share between 0 and 1.")


STUDENT_CONFIG = ConfigTable("student", StudentConfig)


def train_student(
    graph: KnowledgeGraph, products: pa.Table, pairs: pa.Table, config: StudentConfig | None = None
) -> StudentModel | None:
    """Train a student on the graph, catalog (PRODUCT_SCHEMA) and pairs (PAIR_SCHEMA) of a shop.

    None when the graph is empty, or too small to calibrate confidence.
    """
    config, data = config or StudentConfig(), training_data(graph, products, pairs)
    if not len(data.reasons):
        return None
    vectorizer = NgramVectorizer.fit(
        [text for part in _weighted(data, 1) for text in part.texts], threads=config.threads
    )
    of_queries, of_products = _calibrations(data, vectorizer, config)
    either = of_queries or of_products
    if either is None:
        return None
    tree = _train(_weighted(data, config.trust), vectorizer, config)
    return StudentModel(
        vectorizer=vectorizer,
        tree=tree,
        relations=data.reasons.relations,
        tails=data.reasons.tails,
        known_words=_known_words(data),
        of_queries=either,
        of_products=of_products or either,
        beam=config.beam,
        knows_queries=of_queries is not None,
    )


def _known_words(data: TrainingData) -> KnownWords:
    """Of purchases those reasons that are near the best one: a query has few, and many products' reasons."""
    purchases = csr_matrix(data.purchases.reasons.multiply(data.purchases.reasons >= LEAST_WORDED))
    purchases.eliminate_zeros()
    sets = [(part.texts, part.reasons) for part in (data.queries, data.types, data.wordings)]
    return KnownWords.of([*sets, (data.purchases.texts, purchases)])


def _weighted(data: TrainingData, trust: int) -> list[TrainingSet]:
    """All training sets, those of the graph's own texts repeated `trust` times."""
    return [*(data.queries, data.types, data.wordings) * trust, data.products, data.purchases]


def _train(parts: Sequence[TrainingSet], vectorizer: NgramVectorizer, config: StudentConfig) -> XMRTree:
    training = TrainingConfig(
        indexer=BalancedKMeans(branching=config.branching, leaf_size=config.leaf_size),
        ranker=SvmRanker(cost=config.cost, threshold=config.threshold),
    )
    texts = [text for part in parts for text in part.texts]
    reasons = csr_matrix(vstack([part.reasons for part in parts], format="csr", dtype=np.float32))
    features = vectorizer.transform(texts, threads=config.threads)
    return train_tree(features, reasons, config=training, threads=config.threads)


def _calibrations(
    data: TrainingData, vectorizer: NgramVectorizer, config: StudentConfig
) -> tuple[Calibration | None, Calibration | None]:
    """Of queries and of products; None where fewer than `MIN_HELD_OUT` texts are held out, or all answers agree."""
    queries, types, products = (part.held_out(config.withheld) for part in (data.queries, data.types, data.products))
    kept = replace(
        data,
        queries=data.queries.select(~queries),
        types=data.types.select(~types),
        products=data.products.select(~products),
    )
    held_out = data.queries.select(queries), data.products.select(products)
    if max(map(len, held_out)) < MIN_HELD_OUT:
        return None, None
    tree = _train(_weighted(kept, config.trust), vectorizer, config)
    of_queries, of_products = (
        _calibrate(tree, vectorizer, part, data.co_occurrence, config) if len(part) >= MIN_HELD_OUT else None
        for part in held_out
    )
    return of_queries, of_products


def _calibrate(
    tree: XMRTree, vectorizer: NgramVectorizer, held_out: TrainingSet, co_occurrence: csr_matrix, config: StudentConfig
) -> Calibration | None:
    features = vectorizer.transform(held_out.texts)
    guesses = tree.predict(features, beam=config.beam, limit=GUESSES, threads=config.threads)
    return fit_calibration(guesses.scores, _right(guesses.labels, held_out.reasons, co_occurrence, config.same))


def _right(labels: NDArray[np.int32], reasons: csr_matrix, co_occurrence: csr_matrix, same: float) -> NDArray[np.bool_]:
    """Which guesses are right: reasons of the text, and reasons whose co-occurrence with one of them is `same` or more.

    labels: guessed reasons, shape (texts, guesses), -1 for none. reasons: texts x reasons. Returns: of the shape of
    labels.
    """
    similar = co_occurrence >= same
    similar.setdiag(True)
    confirmed = csr_matrix(csr_matrix(reasons > 0, dtype=np.int32) @ csr_matrix(similar, dtype=np.int32))
    rows = np.repeat(np.arange(len(labels)), labels.shape[1])
    counts = np.asarray(confirmed[rows, np.maximum(labels.ravel(), 0)]).reshape(labels.shape)
    right: NDArray[np.bool_] = (counts > 0) & (labels >= 0)
    return right
