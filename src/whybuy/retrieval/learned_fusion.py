"""One order out of many signs, learned from judgments or clicks with LightGBM's LambdaMART (Burges 2010)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.errors import InputError, closest
from whybuy.retrieval.boosted_trees import BoostedTrees, evaluate, from_lightgbm
from whybuy.retrieval.ranked import Ranked

if TYPE_CHECKING:
    import lightgbm

GRADES = 30  # steps from no gain to the highest
LEAST_QUERIES = 50  # with a gain among their candidates
_SAVED = ArrayFolder("fusion", 1, "fusion.json")
_MODEL = "model.txt"


@dataclass(frozen=True, slots=True)
class FusionTraining:
    """How the trees are grown; tuned by cross-validation on Home Depot's training queries."""

    trees: int = 300
    leaves: int = 15  # of each tree, at most 32
    learning_rate: float = 0.05
    least_rows: int = 200  # in a leaf; fewer when there are few rows
    ridge: float = 10.0
    columns: float = 0.5  # share of the features that each tree sees
    rows: float = 0.7  # share of the rows that each tree sees
    truncation: int = 20  # ranks whose order counts
    threads: int = 1
    rising: tuple[str, ...] = ()  # features that may only help, whatever the examples say; see `FusionFeatures.rising`


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Candidates of training queries, one query after the other: all near the top of a stage (`Candidates.within`)."""

    features: NDArray[np.float32]  # shape (rows, features)
    gains: NDArray[np.float32]  # shape (rows,), >= 0; 0 for candidates that nobody judged or bought
    sizes: NDArray[np.int64]  # shape (queries,): candidates of each query

    def __post_init__(self) -> None:
        if not len(self.features) == len(self.gains) == self.sizes.sum():
            raise InputError(
                f"Examples need one gain for each row, and sizes that add up to the rows, not {len(self.features)} "
                f"rows, {len(self.gains)} gains and sizes of {self.sizes.sum()} in all."
            )
        if not np.isfinite(self.features).all():
            raise InputError("Examples hold features that are no numbers. Say 0 or -1 for what is not there.")

    @property
    def telling(self) -> NDArray[np.bool_]:
        """Which queries have a gain among their candidates. Returns: shape (queries,)."""
        query = np.repeat(np.arange(len(self.sizes)), self.sizes)
        return np.bincount(query[self.gains > 0], minlength=len(self.sizes)) > 0


class LearnedFusion:
    """A trained order of candidates; immutable, safe for many threads."""

    def __init__(self, features: Sequence[str], trees: BoostedTrees, importance: dict[str, float]) -> None:
        """importance: share of each feature in the gain of all splits."""
        self.features = tuple(features)
        self.importance = dict(sorted(importance.items(), key=lambda pair: -pair[1]))  # the highest first
        self._trees = trees

    def order(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of the candidates of one query, comparable within it. features: shape (n, len(self.features)).

        Raises:
            InputError: there are more or fewer features than the model was trained on.
        """
        if features.ndim != 2 or features.shape[1] != len(self.features):
            raise InputError(
                f"The fusion was trained on {len(self.features)} features, what came has the shape {features.shape}. "
                "Run `whybuy build` to train it anew."
            )
        return evaluate(self._trees, features).astype(np.float32)

    def rank(self, candidates: NDArray[np.int32], features: NDArray[np.float32]) -> Ranked:
        """Candidates, distinct, with their features: best first, equals in the order in which they come."""
        scores = self.order(features)
        order = np.argsort(-scores, kind="stable")
        return Ranked(candidates[order], scores[order])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open the folder that `fit` wrote; LightGBM is not needed.

        Raises:
            ArtifactError: the folder holds no fusion, one of another format version, or a damaged one.
        """
        arrays, facts = _SAVED.load(folder)
        return cls(facts["features"], BoostedTrees(**arrays), facts["importance"])


def fit(
    examples: Examples, features: Sequence[str], folder: Path, *, training: FusionTraining = FusionTraining()
) -> LearnedFusion:
    """Learn an order and write it into a folder: LightGBM's text model beside the arrays that answer queries.

    What other stages learned from the same queries must not be in their features: see `teaching.teach_order`.

    Raises:
        InputError: fewer than 50 queries have a candidate with a gain, or the names do not fit.
    """
    if len(features) != examples.features.shape[1]:
        raise InputError(f"There are {examples.features.shape[1]} features, but {len(features)} names for them.")
    if unknown := set(training.rising).difference(features):
        raise InputError(
            f"{', '.join(sorted(unknown))} may only help, but is no feature.{closest(min(unknown), features)}"
        )
    booster = _train(_informative(examples), features, training)
    shares = booster.feature_importance("gain")
    shares = (shares / max(1e-9, float(shares.sum()))).tolist()
    importance = dict(zip(features, shares, strict=True))
    trees = from_lightgbm(booster.dump_model())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MODEL).write_text(booster.model_to_string(), encoding="utf-8")
    _SAVED.save(folder, trees._asdict(), features=list(features), importance=importance)
    return LearnedFusion(features, trees, importance)


def _informative(examples: Examples) -> Examples:
    """The queries whose candidates differ in gain: the others teach no order."""
    if (count := int(np.count_nonzero(examples.telling))) < LEAST_QUERIES:
        raise InputError(
            f"Only {count} queries have a judged or bought product among their candidates; a learned fusion needs "
            f"{LEAST_QUERIES}. Leave it out until there are more."
        )
    kept = np.repeat(examples.telling, examples.sizes)
    return Examples(examples.features[kept], examples.gains[kept], examples.sizes[examples.telling])


def _train(examples: Examples, features: Sequence[str], training: FusionTraining) -> "lightgbm.Booster":
    import lightgbm  # noqa: PLC0415 - slow, and only training needs it

    grades = np.rint(examples.gains / examples.gains.max() * GRADES).astype(np.int32)
    settings = {
        "objective": "lambdarank",
        "label_gain": list(range(GRADES + 1)),
        "lambdarank_truncation_level": training.truncation,
        "num_leaves": training.leaves,
        "learning_rate": training.learning_rate,
        "min_data_in_leaf": min(training.least_rows, max(1, len(grades) // 100)),
        "lambda_l2": training.ridge,
        "feature_fraction": training.columns,
        "bagging_fraction": training.rows,
        "bagging_freq": 1,
        "max_bin": 63,
        "num_threads": training.threads,
        "seed": 0,
        "deterministic": True,
        "force_row_wise": True,
        "use_missing": False,
        "monotone_constraints": [int(name in training.rising) for name in features],
        "verbose": -1,
    }
    data = lightgbm.Dataset(
        examples.features, grades, group=examples.sizes, feature_name=list(features), params=settings
    )
    return lightgbm.train(settings, data, training.trees)
