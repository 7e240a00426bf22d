"""Measures rankers against judgments: relevance, empty pages, latency, and the significance of differences."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError, closest
from whybuy.evaluation.report import Report, Table
from whybuy.metrics import MRR, NDCG, Recall, ZeroResults
from whybuy.qrels import Qrels

Rank = Callable[[str, int], Sequence[str]]
"""Query text and limit → product ids, best first."""

_NDCG = NDCG(at=10)
_BINARY = (Recall(at=10), Recall(at=100), MRR(at=10))
_ZERO = ZeroResults()
METRICS = (_NDCG.name, *(metric.name for metric in _BINARY), _ZERO.name)


@dataclass(frozen=True, slots=True, eq=False)
class RankerReport:
    """Results of one ranker by query."""

    per_query: Mapping[str, NDArray[np.float64]]  # by metric: shape (queries,), NaN where a query is left out
    milliseconds: NDArray[np.float64]  # shape (texts,): of each different text
    run: Mapping[str, tuple[str, ...]]  # the ranked product ids by query

    def mean(self, metric: str) -> float:
        """Mean of a metric over the queries that count for it; 0 when none does."""
        values = self.per_query[metric]
        counted = values[~np.isnan(values)]
        return float(counted.mean()) if counted.size else 0.0

    def latency(self, percentile: float) -> float:
        """Milliseconds within which this percentage of the queries was answered."""
        return float(np.percentile(self.milliseconds, percentile))

    def as_json(self) -> dict[str, float]:
        """The figures by name."""
        figures = {name: self.mean(name) for name in METRICS}
        return {**figures, "p50_ms": self.latency(50), "p99_ms": self.latency(99)}


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean difference of two rankers over the same queries, with a paired bootstrap interval."""

    mean: float
    low: float
    high: float

    @property
    def significant(self) -> bool:
        """Whether the interval excludes no difference."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class SearchReport:
    """Results of several rankers on the same judgments."""

    queries: tuple[str, ...]  # their topics
    without_relevant: int  # queries left out of recall and MRR
    without_gain: int  # queries left out of nDCG: all of their judged products have the lowest grade
    rankers: Mapping[str, RankerReport]

    def as_json(self) -> dict[str, object]:
        """The body that `whybuy evaluate search --json` prints."""
        return {
            "queries": len(self.queries),
            "queries_without_relevant": self.without_relevant,
            "queries_without_gain": self.without_gain,
            "rankers": {name: report.as_json() for name, report in self.rankers.items()},
        }

    def as_report(self) -> Report:
        """A table with a row for each ranker."""
        rows = {name: report.as_json() for name, report in self.rankers.items()}
        left_out = {
            "without a relevant product are left out of recall and MRR": self.without_relevant,
            "without a product of any gain are left out of nDCG": self.without_gain,
        }
        return Report(
            f"{len(self.queries):,} queries",
            (Table(rows, "ranker"),),
            self.as_json,
            tuple(f"{count:,} queries {why}." for why, count in left_out.items() if count),
        )

    def difference(self, ranker: str, baseline: str, *, metric: str = "ndcg@10") -> Difference:
        """Difference of a ranker to a baseline, with the 95 % interval of `significance`.

        Raises:
            InputError: a name is not among the rankers or metrics.
        """
        for name, allowed in ((ranker, self.rankers), (baseline, self.rankers), (metric, METRICS)):
            if name not in allowed:
                raise InputError(f"{name!r} was not measured.{closest(name, allowed)}")
        return significance(self.rankers[ranker].per_query[metric], self.rankers[baseline].per_query[metric])


def evaluate_search(
    rankers: Mapping[str, Rank], qrels: Qrels, *, limit: int = 100, relevant_from: float | None = None
) -> SearchReport:
    """Run each ranker on every different text and measure its ranking of each judged query.

    A product listed twice counts once.

    limit: products of a ranking. relevant_from: lowest relevant grade, by default two thirds up the scale.
    """
    queries = tuple(qrels.grades)
    relevant = {query: qrels.relevant(query, relevant_from=relevant_from) for query in queries}
    return SearchReport(
        queries=queries,
        without_relevant=sum(not products for products in relevant.values()),
        without_gain=sum(not any(qrels.gains(query).values()) for query in queries),
        rankers={name: _measure(rank, qrels, relevant, limit) for name, rank in rankers.items()},
    )


def _measure(rank: Rank, qrels: Qrels, relevant: Mapping[str, frozenset[str]], limit: int) -> RankerReport:
    by_text: dict[str, tuple[str, ...]] = {}  # topics may share their text, as clicks of a log do
    milliseconds = []
    for text in map(qrels.text, qrels.grades):
        if text not in by_text:
            start = time.perf_counter()
            ranked = rank(text, limit)
            milliseconds.append(1000 * (time.perf_counter() - start))
            by_text[text] = tuple(dict.fromkeys(ranked))
    run = {query: by_text[qrels.text(query)] for query in qrels.grades}
    values = [_query_values(ranked, qrels.gains(query), relevant[query]) for query, ranked in run.items()]
    table = np.array(values, dtype=np.float64).reshape(len(run), len(METRICS))
    return RankerReport(dict(zip(METRICS, table.T, strict=True)), np.array(milliseconds), run)


def _query_values(ranked: Sequence[str], gains: Mapping[str, float], relevant: frozenset[str]) -> list[float]:
    """The values of `METRICS` for one query."""
    ranked_gains = [gains.get(product, 0.0) for product in ranked]
    is_relevant = [float(product in relevant) for product in ranked]
    all_relevant = [1.0] * len(relevant)
    binary = [metric(is_relevant, all_relevant) if relevant else float("nan") for metric in _BINARY]
    ndcg = _NDCG(ranked_gains, list(gains.values())) if any(gains.values()) else float("nan")
    return [ndcg, *binary, _ZERO(ranked_gains, [])]


def significance(
    values: NDArray[np.float64],
    baseline: NDArray[np.float64],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Difference:
    """Paired bootstrap over queries of the mean of `values - baseline` (Efron 1979; Sakai, SIGIR 2006).

    Where a ranker was trained several times, its fits are drawn anew as well, on each side apart (our design): queries
    alone do not tell how far one training differs from the next.

    values, baseline: shape (queries,) or (fits, queries), the same queries in the same order; queries with NaN are left
    out. confidence: of the interval, in (0, 1).

    Raises:
        InputError: the numbers of queries differ, or no query is left.
    """
    left, right = np.atleast_2d(values), np.atleast_2d(baseline)
    if left.shape[1] != right.shape[1]:
        raise InputError(
            f"A paired comparison needs the same queries for both rankers, not {left.shape[1]} and {right.shape[1]}. "
            "Measure both with one `evaluate_search`."
        )
    counted = ~np.isnan(left.mean(axis=0) - right.mean(axis=0))
    if not counted.any():
        raise InputError("No query can be compared: each is left out for one of the rankers. Judge more products.")
    left, right = left[:, counted], right[:, counted]
    random = np.random.default_rng(seed)
    means = []
    for _ in range(resamples):
        differences = _mean_of_drawn(left, random) - _mean_of_drawn(right, random)
        means.append(differences[random.integers(differences.size, size=differences.size)].mean())
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Difference(float((left.mean(axis=0) - right.mean(axis=0)).mean()), float(low), float(high))


def _mean_of_drawn(fits: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """The mean over as many fits as there are, drawn with replacement. fits: shape (fits, queries)."""
    if len(fits) == 1:
        return np.asarray(fits[0])
    return np.asarray(fits[random.integers(len(fits), size=len(fits))].mean(axis=0))


def write_trec_run(path: Path, name: str, run: Mapping[str, Iterable[str]]) -> None:
    """Write ranked product ids as a TREC run: `topic Q0 product rank score name`; scores fall with the rank.

    The topic is the query with its spaces as `_`, so that each line has six fields.
    """
    with path.open("w", encoding="utf-8") as out:
        for query, ranked in run.items():
            topic = "_".join(query.split()) or "_"
            for rank, product in enumerate(ranked, 1):
                out.write(f"{topic} Q0 {product} {rank} {1 / rank:.6f} {name}\n")
