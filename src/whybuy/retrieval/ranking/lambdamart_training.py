"""Trains a LambdaMART model (Burges, MSR-TR-2010-82) with LightGBM."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError, closest
from whybuy.retrieval.ranking.boosted_trees import from_lightgbm
from whybuy.retrieval.ranking.lambdamart import LambdaMART

if TYPE_CHECKING:
    import lightgbm

GRADES = 30  # steps from no gain to the highest
MIN_QUERIES = 50  # with a gain among their candidates
_MODEL = "model.txt"


@dataclass(frozen=True, slots=True)
class LambdaMARTConfig:
    """How the trees are grown; tuned by cross-validation on Home Depot's training queries."""

    trees: int = 300
    leaves: int = 15  # of each tree, at most 32
    learning_rate: float = 0.05
    least_rows: int = 200  # in a leaf; fewer when there are few rows
    ridge: float = 10.0
    columns: float = 0.5  # share of the features drawn for each tree
    rows: float = 0.7  # share of the rows drawn for each tree
    truncation: int = 20  # ranks whose order counts
    threads: int = 1
    seed: int = 0  # of the rows and features that are drawn
    monotone: tuple[str, ...] = ()  # features that may only raise a score; see `StageFeatures.monotone`


@dataclass(frozen=True, slots=True, eq=False)
class RankingExamples:
    """Candidates of training queries, one query after the other: all near the top of a stage (`Candidates.within`)."""

    features: NDArray[np.float32]  # shape (rows, features)
    gains: NDArray[np.float32]  # shape (rows,), >= 0; 0 for candidates that nobody judged or bought
    sizes: NDArray[np.int64]  # shape (queries,): candidates of each query
    weights: NDArray[np.float32] | float = 1.0  # shape (queries,), > 0: how much each query counts

    def __post_init__(self) -> None:
        if not len(self.features) == len(self.gains) == self.sizes.sum():
            raise InputError(
                f"Examples need one gain for each row, and sizes that add up to the rows, not {len(self.features)} "
                f"rows, {len(self.gains)} gains and sizes of {self.sizes.sum()} in all."
            )
        if not np.isfinite(self.features).all():
            raise InputError("Examples hold features that are no numbers. Use 0 or -1 for missing values.")

    @property
    def informative(self) -> NDArray[np.bool_]:
        """Which queries have a gain among their candidates. Returns: shape (queries,)."""
        query = np.repeat(np.arange(len(self.sizes)), self.sizes)
        return np.bincount(query[self.gains > 0], minlength=len(self.sizes)) > 0


def fit_lambdamart(
    examples: RankingExamples, features: Sequence[str], folder: Path, *, config: LambdaMARTConfig = LambdaMARTConfig()
) -> LambdaMART:
    """Train a model and save it in a folder, with LightGBM's own text format beside it as `model.txt`.

    examples: their features must not rest on rankers trained on the same queries, see `training.train_reranker`.
    features: names of the columns.

    Raises:
        InputError: fewer than 50 queries have a candidate with a gain, or the names do not fit.
    """
    if len(features) != examples.features.shape[1]:
        raise InputError(f"There are {examples.features.shape[1]} features, but {len(features)} names for them.")
    if unknown := set(config.monotone).difference(features):
        raise InputError(
            f"{', '.join(sorted(unknown))} may only help, but is no feature.{closest(min(unknown), features)}"
        )
    booster = _train(_informative(examples), features, config)
    shares = booster.feature_importance("gain")
    shares = (shares / max(1e-9, float(shares.sum()))).tolist()
    importance = dict(zip(features, shares, strict=True))
    trees = from_lightgbm(booster.dump_model())
    model = LambdaMART(features, trees, importance)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MODEL).write_text(booster.model_to_string(), encoding="utf-8")
    model.save(folder)  # with the manifest, which is the last file
    return model


def _informative(examples: RankingExamples) -> RankingExamples:
    """The queries with a gain among their candidates; without one, a query has no pairs to train on."""
    if (count := int(np.count_nonzero(examples.informative))) < MIN_QUERIES:
        raise InputError(
            f"Only {count} queries have a judged or bought product among their candidates; a reranker needs "
            f"{MIN_QUERIES}. Leave it out until there are more."
        )
    kept = np.repeat(examples.informative, examples.sizes)
    return RankingExamples(
        examples.features[kept],
        examples.gains[kept],
        examples.sizes[examples.informative],
        np.broadcast_to(examples.weights, examples.sizes.shape)[examples.informative],
    )


def _train(examples: RankingExamples, features: Sequence[str], config: LambdaMARTConfig) -> "lightgbm.Booster":
    import lightgbm  # noqa: PLC0415 - slow, and only training needs it

    grades = np.rint(examples.gains / examples.gains.max() * GRADES).astype(np.int32)
    settings = {
        "objective": "lambdarank",
        "label_gain": list(range(GRADES + 1)),
        "lambdarank_truncation_level": config.truncation,
        "num_leaves": config.leaves,
        "learning_rate": config.learning_rate,
        "min_data_in_leaf": min(config.least_rows, max(1, len(grades) // 100)),
        "lambda_l2": config.ridge,
        "feature_fraction": config.columns,
        "bagging_fraction": config.rows,
        "bagging_freq": 1,
        "max_bin": 63,
        "num_threads": config.threads,
        "seed": config.seed,
        "deterministic": True,
        "force_row_wise": True,
        "use_missing": False,
        "monotone_constraints": [int(name in config.monotone) for name in features],
        "verbose": -1,
    }
    weights = np.repeat(examples.weights / np.mean(examples.weights), examples.sizes)
    data = lightgbm.Dataset(
        examples.features, grades, weight=weights, group=examples.sizes, feature_name=list(features), params=settings
    )
    return lightgbm.train(settings, data, config.trees)
