"""Measures what knowledge is worth to search: a shop with it against the same shop without it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from shutil import copytree, ignore_patterns

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.artifacts import ARTIFACTS_FOLDER, MANIFEST, ArtifactStore, digest, write_array
from whybuy.build import STAGES, Change, make_variant, retrain
from whybuy.discovery import Discovery
from whybuy.evaluation.report import Report, Row, Table
from whybuy.evaluation.search import Difference, evaluate_search, significance
from whybuy.qrels import Qrels
from whybuy.records import HYPOTHESES, PRODUCTS, BulkTable
from whybuy.relations import Relation
from whybuy.retrieval.implied import ASKED, IMPLIED
from whybuy.retrieval.synonyms import NAMED, SYNONYMS
from whybuy.shop import SEARCH_CONFIG, Shop

FOLDER = "ablations"  # in a store
METRICS = ("ndcg@10", "recall@100", "mrr@10")
_TRAINED = ("tree", "reranker")
_UNTOUCHED = ("events", "pairs", "signals", "completions")  # knowledge does not make them, or search does not read them


class Knowledge(StrEnum):
    """What search can be deprived of."""

    REASONS = "reasons"  # why people buy: all relations but the two below
    SYNONYMS = "synonyms"  # other names: is_a, what products say for words of queries, and words that types answer
    COMPLEMENTS = "complements"  # what goes with it: used_with
    TYPES = "types"  # product types, of the feed or found
    GRAPH = "graph"  # all of these

    @property
    def relations(self) -> frozenset[Relation]:
        """The relations that hold it."""
        return _RELATIONS[self]


_RELATIONS = {
    Knowledge.REASONS: frozenset(Relation) - {Relation.IS_A, Relation.USED_WITH},
    Knowledge.SYNONYMS: frozenset({Relation.IS_A}),
    Knowledge.COMPLEMENTS: frozenset({Relation.USED_WITH}),
    Knowledge.TYPES: frozenset[Relation](),
    Knowledge.GRAPH: frozenset(Relation),
}


@dataclass(frozen=True, slots=True)
class Effect:
    """A metric with and without some knowledge."""

    with_it: float
    without: float
    difference: Difference

    def as_json(self) -> dict[str, float]:
        """The figures by name."""
        by = self.difference
        return {"with": self.with_it, "without": self.without, "difference": by.mean, "low": by.low, "high": by.high}

    def as_row(self) -> Row:
        """The same for a table; differences are shown with more digits, since most are small."""
        by = {name: f"{value:+.4f}" for name, value in self.as_json().items() if name in ("difference", "low", "high")}
        return {"with": self.with_it, "without": self.without, **by}


Effects = Mapping[Knowledge, Mapping[str, Effect]]
"""By knowledge and metric; a metric for which no query counts is left out."""


@dataclass(frozen=True, slots=True)
class AblationReport:
    """What each part of the knowledge is worth."""

    queries: int
    fits: int  # trainings of either side; 0 where the shop has no reranker
    at_query_time: Effects
    trained_without: Effects  # empty where the shop has no reranker

    def as_json(self) -> dict[str, object]:
        """What it adds to the body that `whybuy evaluate search --json` prints.

        `ablations` are those trained without, or at query time where the shop has no reranker.
        """
        return {
            "ablations": _figures(self.trained_without or self.at_query_time),
            "ablations_at_query_time": _figures(self.at_query_time),
            "fits": self.fits,
        }

    def as_report(self) -> Report:
        """A table for each way of doing without and each metric."""
        tables = _tables(self.at_query_time, "without it at query time")
        if self.trained_without:
            tables += _tables(self.trained_without, f"trained without it, {self.fits} times each")
        return Report(f"{self.queries:,} queries", tuple(tables), self.as_json)


def _figures(effects: Effects) -> dict[str, dict[str, dict[str, float]]]:
    return {part.value: {name: one.as_json() for name, one in found.items()} for part, found in effects.items()}


def _tables(effects: Effects, how: str) -> list[Table]:
    by_metric = {
        name: {part.value: found[name].as_row() for part, found in effects.items() if name in found} for name in METRICS
    }
    return [Table(rows, "knowledge", f"{name} with and {how}") for name, rows in by_metric.items() if rows]


def ablate_search(
    store: Path,
    qrels: Qrels,
    parts: Sequence[Knowledge],
    *,
    fits: int = 5,
    relevant_from: float | None = None,
    listen: Callable[[str], None] = lambda line: None,
) -> AblationReport:
    """Measure the fused ranking of a built shop with and without parts of its knowledge.

    At query time, label tree and reranker stay as they were trained. Trained without, they are trained anew on what is
    left; both sides are the mean over trainings by several seeds, since other clusters of the tree can move recall@100
    by .01, and another reranker nDCG@10 by .001, with the same knowledge. Differences are paired by query, see
    `significance`. What was made and measured is kept in the folder `ablations` of the store until the shop is built
    from other files or settings, so that a stopped run goes on and the next one measures only what is new.

    fits: trainings of either side.

    Raises:
        ArtifactError: there is no finished build, or another process measures here.
    """
    shop, folder = Shop.open(store), ArtifactStore(store / FOLDER)
    made_of = ArtifactStore(store / ARTIFACTS_FOLDER).live() | shop.settings.results(SEARCH_CONFIG)
    build = {"build": digest(repr(sorted(made_of.items())))}
    with folder.building():
        folder.sweep(build)
        bench = _Bench(shop, qrels, relevant_from, folder.folder("build", build["build"]), listen)
        whole = "the whole shop"
        as_built = bench.measured(shop, whole)
        trained = bench.trained(shop, whole, fits) if shop.reranker else []
        at_query_time, trained_without = {}, {}
        for part in parts:
            without, name = bench.without(part), f"without {part} at query time"
            at_query_time[part] = _effects([as_built], [bench.measured(without, name)])
            if trained:
                name = f"trained without {part}"
                trained_without[part] = _effects(trained, bench.trained(without, name, fits))
    return AblationReport(len(qrels.grades), fits if trained else 0, at_query_time, trained_without)


@dataclass(frozen=True, slots=True, eq=False)
class _Bench:
    """Makes variants of a shop and measures them, each once; names are those of files and of progress."""

    shop: Shop
    qrels: Qrels
    relevant_from: float | None
    folder: Path
    listen: Callable[[str], None]

    def without(self, part: Knowledge) -> Shop:
        """The shop without a part of its knowledge; label tree and reranker stay as they were trained."""
        name = f"without {part}"
        return make_variant(
            self.shop,
            STAGES,
            _changes(self.shop, part),
            self._file(name),
            kept={*_UNTOUCHED, *_TRAINED},
            listen=lambda kind: self.listen(f"{name}: making {kind}"),
        )

    def measured(self, shop: Shop, name: str) -> NDArray[np.float64]:
        """The metrics of each query. Returns: shape (metrics, queries), NaN where a query is left out."""
        file = self._file(f"{name} {self._judged()}.npy")
        if not file.exists():
            self.listen(f"{name}: measuring {len(self.qrels.grades):,} queries")
            discovery = Discovery(shop)
            ranks = {"fused": lambda text, limit: discovery.rank(text, limit=limit)}
            report = evaluate_search(ranks, self.qrels, relevant_from=self.relevant_from).rankers["fused"]
            self.folder.mkdir(parents=True, exist_ok=True)
            write_array(file, np.stack([report.per_query[metric] for metric in METRICS]))
        table: NDArray[np.float64] = np.load(file)
        return table

    def trained(self, shop: Shop, name: str, fits: int) -> list[NDArray[np.float64]]:
        """The metrics of each query with the models of the shop trained anew by several seeds."""
        tables = []
        for seed in range(fits):
            one = f"{name}, fit {seed + 1}"
            listen = partial(self._report_training, one)
            retrained = retrain(shop, self._file(f"models {name}"), seed=seed, listen=listen)
            tables.append(self.measured(retrained, one))
        return tables

    def _report_training(self, name: str, kind: str) -> None:
        self.listen(f"{name}: training {kind}")

    def _file(self, name: str) -> Path:
        return self.folder / name.replace(",", "").replace(" ", "-")

    def _judged(self) -> str:
        """A digest of all that decides the metrics of a ranking."""
        judged = {topic: (self.qrels.text(topic), sorted(one.items())) for topic, one in self.qrels.grades.items()}
        return digest(repr((self.qrels.scale, self.relevant_from, list(judged.items()))))


# ------------------------------------------------------------ what is taken away
def _changes(shop: Shop, part: Knowledge) -> dict[str, Change]:
    """The artifacts that hold a part of the knowledge, and how they are without it."""
    changes: dict[str, Change] = {}
    if part.relations:
        kinds = [kind for kind in (HYPOTHESES.kind, "critic") if shop.has(kind)]
        changes |= dict.fromkeys(kinds, _without_relations(part.relations))
    if part in (Knowledge.SYNONYMS, Knowledge.GRAPH):
        changes |= {words.kind: _without_rows(words) for words in (NAMED, SYNONYMS) if shop.has(words.kind)}
    if part in (Knowledge.TYPES, Knowledge.GRAPH):
        changes[PRODUCTS.kind] = _without_types
    changes |= {words.kind: _without_implied(part, words) for words in (IMPLIED, ASKED) if shop.has(words.kind)}
    return changes


def _without_relations(relations: Collection[Relation]) -> Change:
    gone = pa.array([relation.value for relation in relations])

    def change(before: Path, after: Path) -> None:
        _copy(before, after)
        table = pq.read_table(before / HYPOTHESES.file)
        pq.write_table(table.filter(pc.invert(pc.is_in(table["relation"], gone))), after / HYPOTHESES.file)

    return change


def _without_rows(words: BulkTable) -> Change:
    def change(before: Path, after: Path) -> None:
        _copy(before, after)
        pq.write_table(words.schema.empty_table(), after / words.file)

    return change


def _without_implied(part: Knowledge, words: BulkTable) -> Change:
    """Types imply words by what their products say, by reasons, and by searches that no relation tells apart."""
    gone = pa.array([relation.value for relation in part.relations], pa.string())

    def change(before: Path, after: Path) -> None:
        table = pq.read_table(before / words.file)
        left = pc.invert(pc.is_in(table["relation"], gone))
        if part is Knowledge.SYNONYMS:
            other_names = pc.and_(pc.equal(table["relation"], ""), pc.greater(table["searches"], 0))
            left = pc.and_(left, pc.invert(other_names))
        whole = part in (Knowledge.TYPES, Knowledge.GRAPH)
        pq.write_table(table.slice(0, 0) if whole else table.filter(left), after / words.file)

    return change


def _without_types(before: Path, after: Path) -> None:
    _copy(before, after)
    table = pq.read_table(before / PRODUCTS.file)
    place = table.schema.get_field_index("product_type")
    blank = pa.array([""] * table.num_rows, table.schema.field(place).type)
    pq.write_table(table.set_column(place, table.schema.field(place), blank), after / PRODUCTS.file)


def _copy(before: Path, after: Path) -> None:
    copytree(before, after, dirs_exist_ok=True, ignore=ignore_patterns(MANIFEST))


# ------------------------------------------------------------ what it was worth
def _effects(with_it: Sequence[NDArray[np.float64]], without: Sequence[NDArray[np.float64]]) -> dict[str, Effect]:
    """The effect on each metric for which a query counts. with_it, without: by fit, shape (metrics, queries)."""
    effects = {}
    for metric, left, right in zip(METRICS, np.stack(with_it, axis=1), np.stack(without, axis=1), strict=True):
        counted = ~np.isnan(left[0])  # the judgments decide, so that both sides count the same queries
        if counted.any():
            means = float(left[:, counted].mean()), float(right[:, counted].mean())
            effects[metric] = Effect(*means, significance(left, right))
    return effects
