"""Teaches the student, and learns how sure it may be from texts that were withheld from it."""

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
from whybuy.intents.student import GUESSES, Model
from whybuy.intents.training_set import Course, Lessons, course_of
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.solver import SvmRanker
from whybuy.xmr.training.trainer import TrainingConfig, train_tree
from whybuy.xmr.tree import XMRTree

LEAST_WITHHELD = 20  # texts of a kind, below which nothing is said of how sure guesses for it are


@dataclass(frozen=True, slots=True)
class StudentConfig:
    """How the student learns; tuned on queries of the demo that were withheld from its graph."""

    beam: int = 20  # nodes kept on each level
    branching: int = 32
    leaf_size: int = 256  # reasons under one leaf, at most
    cost: float = 0.1  # of an error
    threshold: float = 0.02  # weights below are left out
    trust: int = 3  # so many times what the graph says of a text counts what purchases suggest
    withheld: float = 0.33  # of the queries, and of the product types, from which confidence is learned
    same: float = 0.62  # company from which two reasons are taken for one need there, in [0, 1]
    threads: int = field(default=2, metadata=HOW_ONLY)

    def __post_init__(self) -> None:
        if not 0 < self.withheld < 1:
            raise InputError(f"withheld is {self.withheld}; confidence is learned from a share between 0 and 1.")


STUDENT_CONFIG = ConfigTable("student", StudentConfig)


def teach_student(
    graph: KnowledgeGraph, products: pa.Table, pairs: pa.Table, config: StudentConfig | None = None
) -> Model | None:
    """Teach a student all that a graph says; None when too little is said to know how sure it may be.

    products: of `records.PRODUCT_SCHEMA`. pairs: of `records.PAIR_SCHEMA`; what was bought for searches that the graph
    says nothing of teaches too.
    """
    config, course = config or StudentConfig(), course_of(graph, products, pairs)
    if not len(course.reasons):
        return None
    vectorizer = NgramVectorizer.fit(
        [text for one in _lessons(course, 1) for text in one.texts], threads=config.threads
    )
    calibrations = _calibrations(course, vectorizer, config)
    if not calibrations:
        return None
    tree = _train(_lessons(course, config.trust), vectorizer, config)
    return Model(
        vectorizer=vectorizer,
        tree=tree,
        relations=course.reasons.relations,
        tails=course.reasons.tails,
        of_queries=calibrations[0],
        of_products=calibrations[-1],
        beam=config.beam,
    )


def _lessons(course: Course, trust: int) -> list[Lessons]:
    return [*(course.queries, course.kinds, course.own) * trust, course.products, course.bought]


def _train(lessons: Sequence[Lessons], vectorizer: NgramVectorizer, config: StudentConfig) -> XMRTree:
    training = TrainingConfig(
        indexer=BalancedKMeans(branching=config.branching, leaf_size=config.leaf_size),
        ranker=SvmRanker(cost=config.cost, threshold=config.threshold),
    )
    texts = [text for one in lessons for text in one.texts]
    reasons = csr_matrix(vstack([one.reasons for one in lessons], format="csr", dtype=np.float32))
    features = vectorizer.transform(texts, threads=config.threads)
    return train_tree(features, reasons, config=training, threads=config.threads)


def _calibrations(course: Course, vectorizer: NgramVectorizer, config: StudentConfig) -> list[Calibration]:
    """For queries and for products, each where enough of them can be withheld from a student of its own."""
    queries, kinds, products = (one.part(config.withheld) for one in (course.queries, course.kinds, course.products))
    kept = replace(
        course,
        queries=course.queries.only(~queries),
        kinds=course.kinds.only(~kinds),
        products=course.products.only(~products),
    )
    asked = [course.queries.only(queries), course.products.only(products)]
    asked = [one for one in asked if len(one) >= LEAST_WITHHELD]
    if not asked:
        return []
    unknowing = _train(_lessons(kept, config.trust), vectorizer, config)
    learned = [_learn(unknowing, vectorizer, one, course.company, config) for one in asked]
    return [one for one in learned if one is not None]


def _learn(
    tree: XMRTree, vectorizer: NgramVectorizer, asked: Lessons, company: csr_matrix, config: StudentConfig
) -> Calibration | None:
    """How sure a tree may be of texts that it has not seen."""
    found = tree.predict(vectorizer.transform(asked.texts), beam=config.beam, limit=GUESSES, threads=config.threads)
    return fit_calibration(found.scores, _right(found.labels, asked.reasons, company, config.same))


def _right(labels: NDArray[np.int32], said: csr_matrix, company: csr_matrix, same: float) -> NDArray[np.bool_]:
    """Which guesses the graph confirms: what it says of the text itself, and what keeps much the same company as that.

    labels: shape (texts, guesses), -1 for none. said: texts x reasons. Returns: of the shape of labels.
    """
    alike = company >= same
    alike.setdiag(True)
    confirmed = csr_matrix(csr_matrix(said > 0, dtype=np.int32) @ csr_matrix(alike, dtype=np.int32))
    rows = np.repeat(np.arange(len(labels)), labels.shape[1])
    found = np.asarray(confirmed[rows, np.maximum(labels.ravel(), 0)]).reshape(labels.shape)
    right: NDArray[np.bool_] = (found > 0) & (labels >= 0)
    return right
