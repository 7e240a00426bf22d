"""The features of a query's candidates: computed from words, rankers, the label tree and past queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, auto
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whybuy.retrieval.query import AnalyzedQuery
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.ranking.candidates import Candidates
from whybuy.retrieval.ranking.past_queries import PastQueries
from whybuy.retrieval.ranking.product_terms import ProductTerms
from whybuy.retrieval.ranking.stage_features import StageFeatures
from whybuy.retrieval.ranking.translations import Translated, Translations
from whybuy.retrieval.tree import TreeIndex

STAGES = StageFeatures({"lexical": 350, "similar": 150, "tree": 120, "intents": 60, "weighted_sum": 60, "signals": 60})
TRAINING_DEPTHS = {"lexical": 60, "similar": 30, "tree": 30, "intents": 30, "signals": 30}
"""Candidates by stage that a reranker is trained on."""


class Evidence(IntEnum):
    """Further columns: computed from the label tree and the intents."""

    TREE_MARGIN = 0  # of the product at its leaf, see `xmr.scoring.LabelScores`
    TREE_BIAS = auto()
    TREE_PATH = auto()  # logarithm of the score of the path to its leaf
    TREE_SEARCHES = auto()  # ln(1 + searches that led to the product in training)
    WORDS_SAID = auto()  # share of the query's words that the product says, itself or by a synonym, in [0, 1]
    WORDS_IMPLIED = auto()  # share of the query's words that the product does not say and its type implies, in [0, 1]
    QUERY_KNOWN = auto()  # share of the query vector that occurred in training searches, in [0, 1]
    UNMET_SHARE = auto()  # share of the query that names intents and that the best lexical hit lacks, in [0, 1]


@dataclass(frozen=True, slots=True, eq=False)
class RerankerInput:
    """One query with the rankings that are merged."""

    query: AnalyzedQuery
    stages: Mapping[str, Ranked]  # those of `STAGES`; "weighted_sum" is the order without a reranker
    unmet_share: float


@dataclass(frozen=True, slots=True, eq=False)
class FeatureExtractor:
    """Describes candidates; immutable, safe for many threads."""

    terms: ProductTerms
    past: PastQueries
    translations: Translations

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, readable."""
        translated = [f"translated_{column.name.lower()}" for column in Translated]
        return (*STAGES.names, *translated, *(column.name.lower() for column in Evidence))

    @property
    def monotone(self) -> tuple[str, ...]:
        """The columns that may only help: see `StageFeatures.monotone`."""
        return (*STAGES.monotone, *(column.name.lower() for column in Evidence if column <= Evidence.WORDS_IMPLIED))

    def describe(self, retrieved: RerankerInput, tree: TreeIndex, *, without: int | None = None) -> Candidates:
        """The candidates of a query with their features. without: number of a past query to leave out, in training."""
        past = self.past.good_for(*retrieved.query.vector, without=without)
        terms = self.terms.query(retrieved.query.words.corrected)
        candidates = STAGES.of(terms, retrieved.stages, past, self.terms.table)
        translated = self.translations.features(terms, self.terms.table, candidates.rows)
        return Candidates(
            candidates.rows, np.hstack([candidates.features, translated, _evidence(retrieved, tree, candidates.rows)])
        )

    def save(self, folder: Path) -> None:
        """Write the folder that `open` opens; it is made when missing."""
        self.terms.save(folder / "terms")
        self.past.save(folder / "past")
        self.translations.save(folder / "translations")

    @classmethod
    def open(cls, folder: Path) -> "FeatureExtractor":
        """Open a saved folder.

        Raises:
            ArtifactError: a part is missing, damaged or of another format version.
        """
        return cls(
            ProductTerms.load(folder / "terms"),
            PastQueries.load(folder / "past"),
            Translations.load(folder / "translations"),
        )


def _evidence(retrieved: RerankerInput, tree: TreeIndex, rows: NDArray[np.int32]) -> NDArray[np.float32]:
    query = retrieved.query
    features = np.empty((len(rows), len(Evidence)), np.float32)
    searches = np.log1p(tree.logs.searches[rows])
    scored, known = tree.tree.score(*query.vector, rows), tree.known(*query.vector)
    said, implied = query.lexical.word_shares(query.words, rows)
    values: tuple[NDArray[np.float32] | float, ...] = (*scored, searches, said, implied, known, retrieved.unmet_share)
    for column, each in enumerate(values):  # in the order of `Evidence`
        features[:, column] = each
    return features
