"""Measures readers of intents on queries that no log of the shop has, against the intents that they were typed for."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.evaluation.report import Report, Table
from whybuy.evaluation.search import Difference, significance
from whybuy.graph import KnowledgeGraph
from whybuy.intents import IntentConfig, IntentReader, known_first
from whybuy.intents.student import RELATIONS
from whybuy.intents.training_set import Reasons, TrainingSet, training_data
from whybuy.metrics import calibration_error
from whybuy.records import PAIRS, QUERIES, Intent, Product
from whybuy.relations import Relation, parse_relation
from whybuy.shop import Shop
from whybuy.text import canonical, normalize
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer

ReadIntents = Callable[[str], Sequence[Intent]]
"""Query → intents, by falling confidence."""

BASELINE = "neighbors"
CUT = 10  # intents of an answer that are looked at
_WITHOUT_LOGS = f"The shop has no logs with queries, so that {BASELINE} have none to read from."
_LABEL_COLUMNS = ("query", "relation", "tail", "wordings", "held_out")


@dataclass(frozen=True, slots=True)
class LabeledQuery:
    """A query and the intents that it was typed for."""

    text: str
    intents: tuple[tuple[Relation, frozenset[str]], ...]  # each with all of its canonical wordings
    held_out: bool  # of a category that was not looked at while proposers and filters were tuned


def read_labeled(path: Path) -> list[LabeledQuery]:
    """The queries with intents in a file that the demo writes (`truth/named.parquet`), by rising text.

    Raises:
        InputError: the file is missing or lacks a column, or a relation is unknown.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path} of queries and their intents; the demo writes one: `whybuy demo`.")
    table = pq.read_table(path)
    if missing := [name for name in _LABEL_COLUMNS if name not in table.column_names]:
        raise InputError(f"{path} lacks {', '.join(missing)}; it has {', '.join(table.column_names)}.")
    intents: defaultdict[str, dict[tuple[Relation, frozenset[str]], None]] = defaultdict(dict)
    held_out: dict[str, bool] = {}
    for row in table.select(_LABEL_COLUMNS).to_pylist():
        text, wordings = normalize(row["query"]), frozenset(map(canonical, (row["tail"], *row["wordings"])))
        intents[text][parse_relation(row["relation"]), wordings] = None
        held_out[text] = row["held_out"]
    return [LabeledQuery(text, tuple(intents[text]), held_out[text]) for text in sorted(intents)]


@dataclass(frozen=True, slots=True, eq=False)
class ReaderReport:
    """Results of one reader of intents by query."""

    recall: Mapping[int, NDArray[np.float64]]  # by depth: shape (queries,), share of a query's intents among the first
    with_relation: NDArray[np.float64]  # at `CUT`, where the relation must be right too
    confidence: NDArray[np.float64]  # of all intents read, one after the other
    right: NDArray[np.bool_]  # of the same shape: whether each is an intent of its query
    milliseconds: NDArray[np.float64]  # shape (queries,)

    def as_json(self, kept: NDArray[np.bool_]) -> dict[str, float]:
        """The figures of some queries by name; calibration and latency are those of all. kept: shape (queries,)."""
        recall = {f"recall@{depth}": float(values[kept].mean()) for depth, values in self.recall.items()}
        return {
            **recall,
            f"recall@{CUT}_with_relation": float(self.with_relation[kept].mean()),
            "calibration_error": calibration_error(self.confidence, self.right),
            "p50_ms": float(np.percentile(self.milliseconds, 50)),
            "p99_ms": float(np.percentile(self.milliseconds, 99)),
        }


@dataclass(frozen=True, eq=False)
class IntentReport:
    """Results of several readers on the same queries."""

    held_out: NDArray[np.bool_]  # shape (queries,)
    readers: Mapping[str, ReaderReport]
    notes: tuple[str, ...] = ()  # what a person should know of the figures

    def parts(self) -> dict[str, NDArray[np.bool_]]:
        """Masks of all queries, and of those that are not (seen) or are (unseen) `held_out`."""
        parts = {"all": np.ones_like(self.held_out), "seen": ~self.held_out, "unseen": self.held_out}
        return {name: kept for name, kept in parts.items() if kept.any()}

    @cached_property
    def above(self) -> dict[str, dict[str, Difference]]:
        """By baseline: by how much the recall of each other reader exceeds its own, as `significance` tells."""
        recall = {name: one.recall[CUT] for name, one in self.readers.items()}
        return {
            baseline: {name: significance(one, base) for name, one in recall.items() if name != baseline}
            for baseline, base in recall.items()
            if baseline.startswith(BASELINE)
        }

    def as_json(self) -> dict[str, object]:
        """The body that `whybuy evaluate intents --json` prints: figures by part, and differences to the baselines."""
        above = {
            f"above_{baseline}": {name: asdict(one) for name, one in above.items()}
            for baseline, above in self.above.items()
        }
        figures = {
            part: {name: one.as_json(kept) for name, one in self.readers.items()} for part, kept in self.parts().items()
        }
        return {"queries": len(self.held_out), **figures, **above}

    def as_report(self) -> Report:
        """A table of the readers for each part of the queries, and one of their differences to each baseline."""
        figures = [
            Table(
                {name: one.as_json(kept) for name, one in self.readers.items()},
                "reader",
                f"{kept.sum():,} queries, {part}",
            )
            for part, kept in self.parts().items()
        ]
        differences = [
            Table(
                {name: asdict(one) for name, one in above.items()},
                "reader",
                f"recall@{CUT} above that of {baseline}, with the 95 % interval",
            )
            for baseline, above in self.above.items()
        ]
        return Report(f"{len(self.held_out):,} queries", (*figures, *differences), self.as_json, self.notes)


def evaluate_intents(readers: Mapping[str, ReadIntents], queries: Sequence[LabeledQuery]) -> IntentReport:
    """Run each reader on each query. An intent is right when it is worded as one that the query was typed for.

    Raises:
        InputError: there is no query.
    """
    if not queries:
        raise InputError("There is no query to read. Withhold some from the logs, as benchmarks/student_demo.py does.")
    held_out = np.array([query.held_out for query in queries], np.bool_)
    return IntentReport(held_out, {name: _measure(read, queries) for name, read in readers.items()})


def _measure(read: ReadIntents, queries: Sequence[LabeledQuery]) -> ReaderReport:
    answers, milliseconds = [], []
    for query in queries:
        started = time.perf_counter()
        answer = read(query.text)
        milliseconds.append(1000 * (time.perf_counter() - started))
        answers.append([(one.relation, canonical(one.tail), one.confidence) for one in answer[:CUT]])
    both = list(zip(queries, answers, strict=True))
    read_out = [(one, any(one[1] in words for _, words in query.intents)) for query, answer in both for one in answer]
    return ReaderReport(
        recall={
            depth: np.array([_recall(query, {(None, tail) for _, tail, _ in answer[:depth]}) for query, answer in both])
            for depth in (1, 3, CUT)
        },
        with_relation=np.array(
            [_recall(query, {(relation, tail) for relation, tail, _ in answer}) for query, answer in both]
        ),
        confidence=np.array([one[2] for one, _ in read_out], np.float64),
        right=np.array([right for _, right in read_out], np.bool_),
        milliseconds=np.array(milliseconds),
    )


def _recall(query: LabeledQuery, tails: set[tuple[Relation | None, str]]) -> float:
    """The share of a query's intents among some tails, each with its relation where that must be right too."""
    hits = [
        any((each, word) in tails for each in (None, relation) for word in words) for relation, words in query.intents
    ]
    return sum(hits) / len(hits)


class Neighbors:
    """The baseline: the reasons of the known queries that are most similar to a query, weighted by similarity.

    Similarity is the cosine of TF-IDF over words and letter trigrams; tuned on held-out queries, as the student was.
    """

    def __init__(self, known: TrainingSet, reasons: Reasons, graph: KnowledgeGraph, *, nearest: int = 30) -> None:
        self._vectorizer = NgramVectorizer.fit(known.texts, NgramConfig(words=1))
        self._texts, self._labels = csr_matrix(self._vectorizer.transform(known.texts).T), known.reasons
        self._reasons, self._graph, self._nearest = reasons, graph, nearest

    def read(self, query: str) -> tuple[Intent, ...]:
        """The reasons of highest weight; confidence is the share of the weight of all."""
        similarity = csr_matrix(self._vectorizer.transform([query]) @ self._texts)
        nearest = np.lexsort((similarity.indices, -similarity.data))[: self._nearest]
        weights = similarity.data[nearest] ** 3 @ self._labels[similarity.indices[nearest]]
        best = [place for place in np.argsort(-weights, kind="stable")[:CUT].tolist() if weights[place] > 0]
        return tuple(self._intent(place, float(weights[place] / weights.sum())) for place in best)

    def _intent(self, reason: int, confidence: float) -> Intent:
        relation = RELATIONS[self._reasons.relations[reason]]
        return Intent(relation, self._graph.label(int(self._reasons.tails[reason])), confidence)


def evaluate_store_intents(store: Path, named: Path) -> IntentReport:
    """Compare graph, student, both together and the baseline on queries that no shopper of the store typed.

    Raises:
        ArtifactError: there is no finished build.
        InputError: the file cannot be read, or the store has logs of all its queries.
    """
    shop = Shop.open(store)
    graph, student = shop.graph, shop.student
    typed = set(shop.table(QUERIES, ["query"])["query"].to_pylist())
    known = {normalize(text) for text in typed}
    queries = [query for query in read_labeled(named) if query.text not in known]
    data = training_data(graph, shop.catalog.table, shop.table(PAIRS))
    reader = IntentReader(graph, IntentConfig(limit=CUT))
    with_purchases = Neighbors(data.queries.followed_by(data.purchases), data.reasons, graph)
    readers: dict[str, ReadIntents] = {BASELINE: Neighbors(data.queries, data.reasons, graph).read}
    readers |= {f"{BASELINE}_and_purchases": with_purchases.read, "graph": reader.read}
    if student is not None:
        readers["student"] = student.read
        readers["graph_and_student"] = lambda query: known_first(reader.read(query), student.read(query))
    report = evaluate_intents(readers, queries)
    return report if typed else replace(report, notes=(_WITHOUT_LOGS,))


def type_precision(
    read: Callable[[Product], Sequence[Intent]], products: Iterable[Product], right: set[tuple[str, str]]
) -> dict[str, float]:
    """The share of reasons read for products that are reasons of their type. right: types with canonical tails."""
    answers = [(product, read(product)[:CUT]) for product in products]
    rows = [
        (place, one.confidence, (product.product_type.casefold(), canonical(one.tail)) in right)
        for product, answer in answers
        for place, one in enumerate(answer)
    ]
    place, confidence, hits = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "products": len(answers),
        "precision@1": float(hits[place < 1].mean()),
        "precision@3": float(hits[place < 3].mean()),
        f"precision@{CUT}": float(hits.mean()),
        "calibration_error": calibration_error(confidence, hits.astype(np.bool_)),
    }
