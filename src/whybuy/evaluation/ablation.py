"""Measures what knowledge is worth to search: with it against without it, at query time and trained without it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from shutil import copytree, ignore_patterns

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.artifacts import ARTIFACTS_FOLDER, MANIFEST, ArtifactStore, digest, write_array
from whybuy.build import STAGES, reranker_training, variant
from whybuy.build.variant import Change
from whybuy.discovery import Discovery
from whybuy.evaluation.report import Report, Table
from whybuy.evaluation.search import evaluate_search
from whybuy.qrels import Qrels
from whybuy.records import HYPOTHESES, PRODUCTS
from whybuy.relations import Relation
from whybuy.retrieval.ranking import reranker
from whybuy.shop import Shop

METRICS = ("ndcg@10", "recall@100", "mrr@10")
FITS = 5  # rerankers of one shop, by seed: one fit moves nDCG@10 by about .001
_RESAMPLES = 2000
_KEPT = ("events", "pairs", "signals", "completions")  # what knowledge does not make, or search does not read


class Knowledge(StrEnum):
    """What search can be deprived of."""

    REASONS = "reasons"  # why people buy: all relations but those below
    SYNONYMS = "synonyms"  # other names: is_a
    COMPLEMENTS = "complements"  # what goes with it: used_with
    TYPES = "types"  # product types, of the feed or found
    GRAPH = "graph"  # all of these


_RELATIONS = {
    Knowledge.SYNONYMS: frozenset({Relation.IS_A}),
    Knowledge.COMPLEMENTS: frozenset({Relation.USED_WITH}),
    Knowledge.REASONS: frozenset(Relation) - {Relation.IS_A, Relation.USED_WITH},
    Knowledge.TYPES: frozenset[Relation](),
    Knowledge.GRAPH: frozenset(Relation),
}


@dataclass(frozen=True, slots=True)
class Effect:
    """A metric with and without some knowledge, with the 95 % interval of the difference."""

    with_it: float
    without: float
    difference: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        """The figures by name."""
        names = ("with", "without", "difference", "low", "high")
        return dict(zip(names, (self.with_it, self.without, self.difference, self.low, self.high), strict=True))


@dataclass(frozen=True, slots=True)
class AblationReport:
    """What each part of the knowledge is worth, by metric."""

    queries: int
    fits: int  # rerankers on either side; 0 where the shop has none
    at_query_time: Mapping[Knowledge, Mapping[str, Effect]]
    trained_without: Mapping[Knowledge, Mapping[str, Effect]]  # empty where the shop has no reranker

    def as_json(self) -> dict[str, object]:
        """The part `ablations` of what `whybuy evaluate search --ablate --json` prints.

        The figures of a part are those trained without it, where there is a reranker, and at query time elsewhere.
        """
        main = self.trained_without or self.at_query_time
        return {
            "fits": self.fits,
            **{
                name: {metric: effect.as_json() for metric, effect in effects.items()}
                | {"at_query_time": {metric: one.as_json() for metric, one in self.at_query_time[name].items()}}
                for name, effects in main.items()
            },
        }

    def as_report(self) -> Report:
        """A table for each way of doing without."""
        tables = [_table(self.at_query_time, "switched off at query time")]
        if self.trained_without:
            tables.append(_table(self.trained_without, f"trained without, {self.fits} rerankers each"))
        return Report(f"{self.queries:,} queries", tuple(tables), lambda: {"ablations": self.as_json()})


def _table(effects: Mapping[Knowledge, Mapping[str, Effect]], title: str) -> Table:
    rows = {}
    for name, by_metric in effects.items():
        for metric, effect in by_metric.items():
            rows[f"{name} {metric}"] = effect.as_json()
    return Table(rows, "knowledge", title)


def ablate_search(
    store: Path,
    qrels: Qrels,
    parts: Sequence[Knowledge],
    *,
    fits: int = FITS,
    relevant_from: float | None = None,
    listen: Callable[[str], None] = lambda line: None,
) -> AblationReport:
    """Measure the fused ranking of a built shop with and without parts of its knowledge.

    At query time the trained models stay as they are. Trained without: label tree, student and reranker are trained
    anew on what is left; both sides are the mean over rerankers of several seeds. Differences are paired by query;
    intervals come from resampling queries and, of each side, fits (our design; after Efron 1979). What was made and
    measured is kept under `ablations/` of the store, so that a stopped run goes on where it was.
    """
    shop = Shop.open(store)
    keys = ArtifactStore(store / ARTIFACTS_FOLDER).live()
    judged = digest(repr(sorted((topic, sorted(grades.items())) for topic, grades in qrels.grades.items())))
    bench = _Bench(shop, qrels, relevant_from, store / "ablations" / digest(*sorted(keys.values())), judged, listen)
    has_reranker = shop.reranker is not None
    whole = bench.measured(shop, "whole")
    fitted = bench.fitted(shop, "whole", fits) if has_reranker else None
    at_query_time, trained_without = {}, {}
    for part in parts:
        at_query_time[part] = _effects([whole], [bench.measured(bench.without(part, trained=True), f"{part} off")])
        if fitted is not None:
            untrained = bench.without(part, trained=False)
            trained_without[part] = _effects(fitted, bench.fitted(untrained, f"{part} untrained", fits))
    return AblationReport(len(qrels.grades), fits if has_reranker else 0, at_query_time, trained_without)


@dataclass(frozen=True, slots=True, eq=False)
class _Bench:
    """Makes variants of a shop and measures them, each once."""

    shop: Shop
    qrels: Qrels
    relevant_from: float | None
    root: Path
    judged: str  # digest of the judgments
    listen: Callable[[str], None]

    def without(self, part: Knowledge, *, trained: bool) -> Shop:
        """The shop without a part of its knowledge. trained: label tree and reranker stay as they were trained."""
        kept = (*_KEPT, "tree", "reranker") if trained else (*_KEPT, "reranker")
        name = f"{part} off" if trained else f"{part} untrained"
        root = self.root / name.replace(" ", "-")
        return variant(
            self.shop,
            STAGES,
            _changes(self.shop, part),
            root,
            kept=kept,
            listen=lambda kind: self.listen(f"{name}: {kind}"),
        )

    def measured(self, shop: Shop, name: str) -> NDArray[np.float64]:
        """The metrics of each query. Returns: shape (metrics, queries), NaN where a query is left out."""
        file = self.root / f"{name.replace(' ', '-')}-{self.judged}.npy"
        if not file.exists():
            self.listen(f"{name}: measuring {len(self.qrels.grades):,} queries")
            discovery = Discovery(shop)
            ranks = {"fused": lambda text, limit: discovery.rank(text, limit=limit)}
            report = evaluate_search(ranks, self.qrels, relevant_from=self.relevant_from).rankers["fused"]
            self.root.mkdir(parents=True, exist_ok=True)
            write_array(file, np.stack([report.per_query[metric] for metric in METRICS]))
        table: NDArray[np.float64] = np.load(file)
        return table

    def fitted(self, shop: Shop, name: str, fits: int) -> list[NDArray[np.float64]]:
        """The metrics of each query under rerankers of several seeds."""
        artifacts = ArtifactStore(self.root / f"{name.replace(' ', '-')}-rerankers")
        seeds = [str(seed) for seed in range(fits)]
        version = reranker.FORMAT_VERSION
        missing = [seed for seed in seeds if not artifacts.has("reranker", seed, version)]
        if missing:
            self.listen(f"{name}: describing the training queries")
            training = reranker_training(shop)
            for seed in missing:
                with artifacts.create("reranker", seed, version, {}) as (folder, _):
                    self.listen(f"{name}: fit {seed}")
                    if training:
                        training.fit(folder, seed=int(seed))
        folders = {stage.kind: shop.folder(stage.kind) for stage in STAGES if shop.has(stage.kind)}
        return [
            self.measured(
                Shop(shop.store, shop.settings, folders | {"reranker": artifacts.folder("reranker", seed)}),
                f"{name} fit {seed}",
            )
            for seed in seeds
        ]


# ------------------------------------------------------------ what is taken away
def _changes(shop: Shop, part: Knowledge) -> dict[str, Change]:
    changes: dict[str, Change] = {}
    if relations := _RELATIONS[part]:
        kinds = [kind for kind in (HYPOTHESES.kind, "critic") if shop.has(kind)]
        changes |= dict.fromkeys(kinds, _without_relations(relations))
    if part in (Knowledge.TYPES, Knowledge.GRAPH):
        changes["catalog"] = _without_types
    return changes


def _without_relations(relations: Collection[Relation]) -> Change:
    gone = pa.array([relation.value for relation in relations])

    def change(before: Path, after: Path) -> None:
        _copy(before, after)
        table = pq.read_table(before / HYPOTHESES.file)
        pq.write_table(table.filter(pc.invert(pc.is_in(table["relation"], gone))), after / HYPOTHESES.file)

    return change


def _copy(before: Path, after: Path) -> None:
    copytree(before, after, dirs_exist_ok=True, ignore=ignore_patterns(MANIFEST))


def _without_types(before: Path, after: Path) -> None:
    _copy(before, after)
    table = pq.read_table(before / PRODUCTS.file)
    place = table.schema.get_field_index("product_type")
    blank = pa.array([""] * table.num_rows, table.schema.field(place).type)
    pq.write_table(table.set_column(place, table.schema.field(place), blank), after / PRODUCTS.file)


# ------------------------------------------------------------ how sure
def _effects(
    with_it: Sequence[NDArray[np.float64]], without: Sequence[NDArray[np.float64]], *, seed: int = 0
) -> dict[str, Effect]:
    """The difference of each metric. with_it, without: by fit, shape (metrics, queries)."""
    random = np.random.default_rng(seed)
    effects = {}
    for number, metric in enumerate(METRICS):
        left, right = (np.stack([fit[number] for fit in side]) for side in (with_it, without))
        counted = ~np.isnan(left[0] - right[0])
        if not counted.any():
            continue
        left, right = left[:, counted], right[:, counted]
        means = []
        for _ in range(_RESAMPLES):
            chosen = random.integers(left.shape[1], size=left.shape[1])
            sides = [side[random.integers(len(side), size=len(side))].mean(axis=0)[chosen] for side in (left, right)]
            means.append(float((sides[0] - sides[1]).mean()))
        low, high = np.quantile(means, [0.025, 0.975])
        first, second = float(left.mean()), float(right.mean())
        effects[metric] = Effect(first, second, first - second, float(low), float(high))
    return effects
