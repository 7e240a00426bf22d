"""The learned order of a shop: every candidate described by all rankers, then weighed as judgments or clicks taught."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whybuy.retrieval.candidates import Candidates
from whybuy.retrieval.fusion_features import FusionFeatures
from whybuy.retrieval.learned_fusion import LearnedFusion
from whybuy.retrieval.past_queries import PastQueries
from whybuy.retrieval.product_terms import ProductTerms
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.translations import Translated, Translations
from whybuy.retrieval.tree import TreeIndex

FORMAT_VERSION = 3
FUSION = "fusion"  # folder of the learned weights within the artifact
STAGES = FusionFeatures({"lexical": 200, "alike": 100, "tree": 60, "intents": 60, "unlearned": 60})
TAUGHT_DEPTHS = {"lexical": 60, "alike": 30, "tree": 30, "intents": 30}  # what a learned order is taught by
KNOWLEDGE = ("tree_margin", "tree_bias", "tree_way", "tree_searches", "query_known", "needs_unsaid")
"""What the tree says of a candidate (`LabelScores`), how many searches taught it this product, which share of the query
it has seen in searches, and which share of the query names needs that no product says."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One query as the rankers without a learned order answer it."""

    words: Sequence[str]  # spelling corrected
    vector: tuple[NDArray[np.int32], NDArray[np.float32]]
    stages: Mapping[str, Ranked]  # those of `STAGES`; "unlearned" is the order while nothing is learned
    unsaid: float


@dataclass(frozen=True, slots=True, eq=False)
class Signs:
    """All that describes candidates apart from the rankers themselves."""

    terms: ProductTerms
    past: PastQueries
    translations: Translations

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, readable."""
        translated = [f"translated_{column.name.lower()}" for column in Translated]
        return (*STAGES.names, *translated, *KNOWLEDGE)

    @property
    def rising(self) -> tuple[str, ...]:
        """The columns that may only help: see `FusionFeatures.rising`."""
        return (*STAGES.rising, *KNOWLEDGE[:4])

    def describe(self, asked: Asked, tree: TreeIndex, *, without: int | None = None) -> Candidates:
        """The candidates of a query with their features. without: number of a past query to leave out, in training."""
        memory = self.past.recall(*asked.vector, without=without)
        query = self.terms.query(asked.words)
        found = STAGES.of(query, asked.stages, memory, self.terms.table)
        translated = self.translations.features(query, self.terms.table, found.rows)
        return Candidates(found.rows, np.hstack([found.features, translated, _knowledge(asked, tree, found.rows)]))

    def save(self, folder: Path) -> None:
        """Write the folder that `open` opens; it is made when missing."""
        self.terms.save(folder / "terms")
        self.past.save(folder / "past")
        self.translations.save(folder / "translations")

    @classmethod
    def open(cls, folder: Path) -> "Signs":
        """Open a saved folder.

        Raises:
            ArtifactError: a part is missing, damaged or of another format version.
        """
        return cls(
            ProductTerms.load(folder / "terms"),
            PastQueries.load(folder / "past"),
            Translations.load(folder / "translations"),
        )


def _knowledge(asked: Asked, tree: TreeIndex, rows: NDArray[np.int32]) -> NDArray[np.float32]:
    features = np.empty((len(rows), len(KNOWLEDGE)), np.float32)
    scored = tree.tree.score(*asked.vector, rows)
    features[:, 0], features[:, 1], features[:, 2] = scored
    features[:, 3] = np.log1p(tree.logs.searches[rows])
    features[:, 4], features[:, 5] = tree.known(*asked.vector), asked.unsaid
    return features


class LearnedOrder:
    """Orders the candidates of a query; safe for many threads."""

    def __init__(self, signs: Signs, fusion: LearnedFusion) -> None:
        self._signs, self.fusion = signs, fusion

    @classmethod
    def open(cls, folder: Path) -> "LearnedOrder":
        """Open what `teaching.teach_order` wrote.

        Raises:
            ArtifactError: a part is missing, damaged or of another format version.
        """
        return cls(Signs.open(folder), LearnedFusion.load(folder / FUSION))

    def rank(self, asked: Asked, tree: TreeIndex) -> Ranked:
        """The candidates of all rankers, best first."""
        candidates = self._signs.describe(asked, tree)
        return self.fusion.rank(candidates.rows, candidates.features) if len(candidates.rows) else Ranked.empty()


def learned_order(folder: Path | None) -> LearnedOrder | None:
    """The order in an artifact folder; None when there is no folder, or too few queries had taught nothing.

    Raises:
        ArtifactError: a part is damaged or of another format version.
    """
    return LearnedOrder.open(folder) if folder is not None and (folder / FUSION).is_dir() else None
