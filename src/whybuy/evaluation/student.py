"""Measures who understands queries that the graph has never seen, against the needs that they were typed out of."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore
from whybuy.behavior.events import QUERIES_FILE
from whybuy.behavior.mining import PAIRS_FILE
from whybuy.catalog.catalog import Catalog
from whybuy.errors import InputError
from whybuy.evaluation.search import Difference, significance
from whybuy.graph import KnowledgeGraph
from whybuy.intents import IntentConfig, IntentReader, Student, known_first
from whybuy.intents.student import RELATIONS
from whybuy.intents.training_set import Course, Lessons, course_of
from whybuy.records import Intent, Product
from whybuy.relations import Relation, parse_relation
from whybuy.text import canonical, normalize
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer

Ask = Callable[[str], Sequence[Intent]]
"""Query → needs, the surest first."""

BASELINE = "neighbors"
CUT = 10  # needs of an answer that are looked at
BINS = 10  # of equal width, for the calibration error
_NAMED_COLUMNS = ("query", "relation", "tail", "wordings", "held_out")


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query and the needs that it was typed out of."""

    text: str
    needs: tuple[tuple[Relation, frozenset[str]], ...]  # with all canonical wordings of each
    held_out: bool  # of a category that was not looked at while the line was made


def read_named(path: Path) -> list[NamedQuery]:
    """The named needs that the demo writes beside its files, by query.

    Raises:
        InputError: the file is missing or lacks a column, or a relation is unknown.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path} of queries and their needs; the demo writes one: `whybuy demo`.")
    table = pq.read_table(path)
    if missing := [name for name in _NAMED_COLUMNS if name not in table.column_names]:
        raise InputError(f"{path} lacks {', '.join(missing)}; it has {', '.join(table.column_names)}.")
    needs: defaultdict[str, dict[tuple[Relation, frozenset[str]], None]] = defaultdict(dict)
    held_out: dict[str, bool] = {}
    for row in table.select(_NAMED_COLUMNS).to_pylist():
        text, wordings = normalize(row["query"]), frozenset(map(canonical, (row["tail"], *row["wordings"])))
        needs[text][parse_relation(row["relation"]), wordings] = None
        held_out[text] = row["held_out"]
    return [NamedQuery(text, tuple(needs[text]), held_out[text]) for text in sorted(needs)]


@dataclass(frozen=True, slots=True, eq=False)
class AskedReport:
    """How one of those who were asked did, query by query."""

    recall: Mapping[int, NDArray[np.float64]]  # by depth: shape (queries,), share of a query's needs that were named
    with_relation: NDArray[np.float64]  # at `CUT`, where the relation must be right too
    confidence: NDArray[np.float64]  # of all needs that were named, one after the other
    right: NDArray[np.bool_]  # of the same length
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


@dataclass(frozen=True, slots=True, eq=False)
class IntentReport:
    """How all did on the same queries."""

    held_out: NDArray[np.bool_]  # shape (queries,)
    asked: Mapping[str, AskedReport]

    def parts(self) -> dict[str, NDArray[np.bool_]]:
        """Masks of all queries, and of those whose category was looked at while the line was made, or was not."""
        parts = {"all": np.ones_like(self.held_out), "seen": ~self.held_out, "unseen": self.held_out}
        return {name: kept for name, kept in parts.items() if kept.any()}

    def above(self, baseline: str) -> dict[str, Difference]:
        """How much more of the needs the others name than one of them, with the interval of `significance`."""
        base = self.asked[baseline].recall[CUT]
        return {name: significance(one.recall[CUT], base) for name, one in self.asked.items() if name != baseline}

    def as_json(self) -> dict[str, object]:
        """The body that `whybuy evaluate intents --json` prints: figures by part, and differences to the baselines."""
        above = {
            f"above_{baseline}": {name: asdict(one) for name, one in self.above(baseline).items()}
            for baseline in self.asked
            if baseline.startswith(BASELINE)
        }
        figures = {
            part: {name: one.as_json(kept) for name, one in self.asked.items()} for part, kept in self.parts().items()
        }
        return {"queries": len(self.held_out), **figures, **above}


def evaluate_intents(asked: Mapping[str, Ask], queries: Sequence[NamedQuery]) -> IntentReport:
    """Ask all for the needs of each query. A need is right when it is worded as one that the query was typed out of.

    Raises:
        InputError: there is no query.
    """
    if not queries:
        raise InputError("There is no query to ask. Withhold some from the logs, as benchmarks/student_demo.py does.")
    held_out = np.array([query.held_out for query in queries], np.bool_)
    return IntentReport(held_out, {name: _measure(ask, queries) for name, ask in asked.items()})


def _measure(ask: Ask, queries: Sequence[NamedQuery]) -> AskedReport:
    answers, milliseconds = [], []
    for query in queries:
        started = time.perf_counter()
        answer = ask(query.text)
        milliseconds.append(1000 * (time.perf_counter() - started))
        answers.append([(one.relation, canonical(one.tail), one.confidence) for one in answer[:CUT]])
    both = list(zip(queries, answers, strict=True))
    named = [(one, any(one[1] in words for _, words in query.needs)) for query, said in both for one in said]
    return AskedReport(
        recall={
            depth: np.array([_recall(query, {(None, tail) for _, tail, _ in said[:depth]}) for query, said in both])
            for depth in (1, 3, CUT)
        },
        with_relation=np.array(
            [_recall(query, {(relation, tail) for relation, tail, _ in said}) for query, said in both]
        ),
        confidence=np.array([one[2] for one, _ in named], np.float64),
        right=np.array([right for _, right in named], np.bool_),
        milliseconds=np.array(milliseconds),
    )


def _recall(query: NamedQuery, said: set[tuple[Relation | None, str]]) -> float:
    """Share of the needs of a query that were said. said: tails, with their relation where it must be right."""
    found = [
        any((each, word) in said for each in (None, relation) for word in words) for relation, words in query.needs
    ]
    return sum(found) / len(found)


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean gap, by bin, between confidence and how often it is right (expected calibration error): in [0, 1]."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, confidence - right, minlength=BINS)
    return float(np.abs(gaps).sum() / max(1, len(confidence)))


class Neighbors:
    """The baseline: the reasons of the known queries most like a query, weighed by likeness.

    Likeness is the cosine of TF-IDF over words and letter trigrams; tuned on withheld queries, as the student was.
    """

    def __init__(self, lessons: Lessons, course: Course, graph: KnowledgeGraph, *, nearest: int = 30) -> None:
        self._vectorizer = NgramVectorizer.fit(lessons.texts, NgramConfig(words=1))
        self._known, self._said = csr_matrix(self._vectorizer.transform(lessons.texts).T), lessons.reasons
        self._course, self._graph, self._nearest = course, graph, nearest

    def read(self, query: str) -> tuple[Intent, ...]:
        """The reasons that neighbors share most; confidence is their share of all."""
        likeness = csr_matrix(self._vectorizer.transform([query]) @ self._known)
        nearest = np.lexsort((likeness.indices, -likeness.data))[: self._nearest]
        weights = likeness.data[nearest] ** 3 @ self._said[likeness.indices[nearest]]
        best = [place for place in np.argsort(-weights, kind="stable")[:CUT].tolist() if weights[place] > 0]
        return tuple(self._intent(place, float(weights[place] / weights.sum())) for place in best)

    def _intent(self, reason: int, confidence: float) -> Intent:
        reasons = self._course.reasons
        return Intent(RELATIONS[reasons.relations[reason]], self._graph.label(int(reasons.tails[reason])), confidence)


def evaluate_store_intents(store: Path, named: Path) -> IntentReport:
    """Ask the graph of a store, its student, both, and the baseline for queries that its shoppers never typed.

    Raises:
        ArtifactError: there is no finished build.
        InputError: the file cannot be read, or the store has logs of all its queries.
    """
    folders = ArtifactStore(store / ARTIFACTS_FOLDER).current()
    graph = KnowledgeGraph(folders["graph"])
    pairs = pq.read_table(folders["pairs"] / PAIRS_FILE)
    typed = set(pq.read_table(folders["events"] / QUERIES_FILE, columns=["query"])["query"].to_pylist())
    known = {normalize(text) for text in typed}
    queries = [query for query in read_named(named) if query.text not in known]
    course = course_of(graph, Catalog.load(folders["catalog"]).table, pairs)
    reader, student = IntentReader(graph, IntentConfig(limit=CUT)), Student.open(folders.get("student"), graph)
    bought = Neighbors(course.queries.followed_by(course.bought), course, graph)
    asked: dict[str, Ask] = {BASELINE: Neighbors(course.queries, course, graph).read}
    asked |= {f"{BASELINE}_and_purchases": bought.read, "graph": reader.read}
    if student is not None:
        asked["student"] = student.read
        asked["graph_and_student"] = lambda query: known_first(reader.read(query), student.read(query))
    return evaluate_intents(asked, queries)


def type_precision(
    ask: Callable[[Product], Sequence[Intent]], products: Iterable[Product], right: set[tuple[str, str]]
) -> dict[str, float]:
    """How many of the reasons guessed for products are reasons of their type. right: type and canonical tail."""
    answers = [(product, ask(product)[:CUT]) for product in products]
    named = [
        (place, one.confidence, (product.product_type.casefold(), canonical(one.tail)) in right)
        for product, said in answers
        for place, one in enumerate(said)
    ]
    place, confidence, found = (np.array(column) for column in zip(*named, strict=True))
    return {
        "products": len(answers),
        "precision@1": float(found[place < 1].mean()),
        "precision@3": float(found[place < 3].mean()),
        f"precision@{CUT}": float(found.mean()),
        "calibration_error": calibration_error(confidence, found.astype(np.bool_)),
    }
