"""Scores probabilities of relevance, and says how sure differences are: a bootstrap over queries and fits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from whybuy.evaluation.search import Difference
from whybuy.metrics import CALIBRATION_BINS, NDCG, calibration_bins, confusion, macro_f1, micro_f1, roc_auc

METRICS = ("macro_f1", "micro_f1", "ndcg@10", "auc", "calibration_error")
RESAMPLES = 1000
_NDCG = NDCG(at=10)

Drawn = NDArray[np.float64]
"""How often each query was drawn. Shape (resamples, queries)."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What people said of the measured pairs."""

    classes: NDArray[np.int64]  # shape (pairs,)
    by_query: NDArray[np.int64]  # shape (pairs,): number of the query
    gains: NDArray[np.float64]  # shape (pairs,): of the grades
    class_gains: NDArray[np.float64]  # shape (classes,)

    @property
    def queries(self) -> int:
        """Number of queries."""
        return int(self.by_query.max()) + 1


@dataclass(frozen=True, eq=False)
class FitScores:
    """The probabilities that one fit of a model gives to the pairs, and how good they are."""

    truth: Truth
    probabilities: NDArray[np.float64]  # shape (pairs, classes)
    folds: NDArray[np.int64]  # shape (pairs,): number of the fold whose model was asked; -1 where none was

    def values(self, metric: str, drawn: Drawn) -> NDArray[np.float64]:
        """A metric on each draw of queries. Returns: shape (resamples,)."""
        by_metric: Mapping[str, Callable[[Drawn], NDArray[np.float64]]] = {
            "macro_f1": lambda drawn: macro_f1(self._confusions(drawn)),
            "micro_f1": lambda drawn: micro_f1(self._confusions(drawn)),
            "ndcg@10": self._ndcg,
            "auc": self._auc,
            "calibration_error": self._calibration_error,
        }
        return by_metric[metric](drawn)

    @cached_property
    def _asked(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.folds >= 0)

    def _confusions(self, drawn: Drawn) -> NDArray[np.float64]:
        """Shape (resamples, actual, predicted)."""
        classes = self.probabilities.shape[1]
        return (drawn @ self._by_query_and_class).reshape(len(drawn), classes, classes)

    @cached_property
    def _by_query_and_class(self) -> NDArray[np.float64]:
        """Shape (queries, actual * predicted)."""
        classes, guessed = self.probabilities.shape[1], self.probabilities.argmax(axis=1)
        table = np.zeros((self.truth.queries, classes * classes))
        for query in range(self.truth.queries):
            rows = self._asked[self.truth.by_query[self._asked] == query]
            table[query] = confusion(self.truth.classes[rows], guessed[rows], classes).ravel()
        return table

    def _calibration_error(self, drawn: Drawn) -> NDArray[np.float64]:
        gaps, counts = (
            drawn @ self._gaps,
            drawn @ np.bincount(self.truth.by_query[self._asked], minlength=self.truth.queries),
        )
        return np.asarray(np.abs(gaps).sum(axis=1) / np.maximum(counts, 1), np.float64)

    @cached_property
    def _gaps(self) -> NDArray[np.float64]:
        """By query and bin of confidence: the sum of confidence less right answers."""
        guessed = self.probabilities.argmax(axis=1)
        gap = self.probabilities.max(axis=1) - (guessed == self.truth.classes)
        table = np.zeros((self.truth.queries, CALIBRATION_BINS))
        bins = calibration_bins(self.probabilities.max(axis=1))
        np.add.at(table, (self.truth.by_query[self._asked], bins[self._asked]), gap[self._asked])
        return table

    def _auc(self, drawn: Drawn) -> NDArray[np.float64]:
        """Of the best class against the rest, among pairs of one fold: models of two folds share no scale."""
        found, pairs = np.zeros(len(drawn)), np.zeros(len(drawn))
        for fold in np.unique(self.folds[self._asked]):
            rows = np.flatnonzero(self.folds == fold)
            weights, best = drawn[:, self.truth.by_query[rows]], self.truth.classes[rows] == 0
            compared = weights[:, best].sum(axis=1) * weights[:, ~best].sum(axis=1)
            found += compared * roc_auc(self.probabilities[rows, 0], best, weights)
            pairs += compared
        return np.asarray(found / np.maximum(pairs, 1), np.float64)

    def _ndcg(self, drawn: Drawn) -> NDArray[np.float64]:
        counted = ~np.isnan(self._ndcg_by_query)
        weights = drawn[:, counted]
        return np.asarray(weights @ self._ndcg_by_query[counted] / np.maximum(weights.sum(axis=1), 1), np.float64)

    @cached_property
    def _ndcg_by_query(self) -> NDArray[np.float64]:
        """Of the judged products of each query by falling expected gain; NaN where none has a gain.

        Equally good ones stand in an order that nothing decides but a seed.
        """
        expected = self.probabilities @ self.truth.class_gains
        values = np.full(self.truth.queries, np.nan)
        for query in np.unique(self.truth.by_query[self._asked]):
            rows = np.random.default_rng(int(query)).permutation(np.flatnonzero(self.truth.by_query == query))
            gains = self.truth.gains[rows]
            if gains.any():
                order = np.argsort(-np.round(expected[rows], 9), kind="stable")
                values[query] = _NDCG(gains[order].tolist(), gains.tolist())
        return values


class Comparison:
    """Metrics of models and of their differences, on the same draws of queries."""

    def __init__(self, fits: Mapping[str, list[FitScores]], *, resamples: int = RESAMPLES, seed: int = 0) -> None:
        """fits: by model, as many for each; all of the same queries."""
        self._fits, self._seed = fits, seed
        first = next(iter(fits.values()))[0]
        queries = np.unique(first.truth.by_query[first.folds >= 0])
        drawn = np.random.default_rng(seed).multinomial(
            len(queries), np.full(len(queries), 1 / len(queries)), resamples
        )
        self._drawn = np.zeros((1 + resamples, first.truth.queries))  # in the first row, each query once
        self._drawn[0, queries] = 1
        self._drawn[1:, queries] = drawn
        self._values: dict[tuple[str, str], NDArray[np.float64]] = {}

    def mean(self, model: str, metric: str) -> float:
        """The mean of a metric over fits."""
        return float(self._of(model, metric)[:, 0].mean())

    def difference(self, model: str, baseline: str, metric: str, *, confidence: float = 0.95) -> Difference:
        """How much a metric of a model is above that of another one.

        The interval is that of a bootstrap over queries and fits, as in `evaluation.search.significance`, but paired by
        both, since fits of the same number share their folds, and with the metric computed anew on each draw, as F1 is
        no mean over queries.
        """
        gaps = self._of(model, metric) - self._of(baseline, metric)
        fits, draws = gaps[:, 1:].shape
        chosen = np.random.default_rng(self._seed + 1).integers(fits, size=(fits, draws))
        means = np.take_along_axis(gaps[:, 1:], chosen, axis=0).mean(axis=0)
        low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
        return Difference(float(gaps[:, 0].mean()), float(low), float(high))

    def _of(self, model: str, metric: str) -> NDArray[np.float64]:
        """Shape (fits, 1 + resamples)."""
        if (model, metric) not in self._values:
            fits = self._fits[model]
            self._values[model, metric] = np.stack([fit.values(metric, self._drawn) for fit in fits])
        return self._values[model, metric]
