"""Measures models of relevance on judged pairs, with reasons, without, and with reasons that were shuffled."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import digest
from whybuy.discovery import Discovery
from whybuy.errors import InputError
from whybuy.evaluation.ablation import Knowledge
from whybuy.evaluation.relevance_data import Coverage, JudgedShop, read_judged_shop, sampled
from whybuy.evaluation.relevance_scores import METRICS, Comparison, FitScores, Truth
from whybuy.evaluation.report import Report, Table
from whybuy.evaluation.search import Difference
from whybuy.language.catalog_encoder import CatalogEncoder
from whybuy.language.encoder import CachingEncoder, Encoder, KeepingEncoder, open_pretrained_encoder
from whybuy.qrels import Qrels
from whybuy.relations import Relation
from whybuy.relevance.constant import ConstantModel
from whybuy.relevance.fine_tuned import FineTuning
from whybuy.relevance.fine_tuning import fine_tune
from whybuy.relevance.frozen import Architecture, FrozenModel
from whybuy.relevance.frozen_training import PLAIN, WITH_REASONS, train_frozen
from whybuy.relevance.model import SAVED, JudgedPairs, RelevanceModel
from whybuy.relevance.opening import open_relevance_model
from whybuy.relevance.wording import Wording, matches, sides

FOLDER = "relevance_vectors"  # in a store
MODELS_FOLDER = "relevance_models"  # in a store
TRAINED_FOLDS = 3  # of which one is measured where encoders are trained
REPORTED = 50  # steps of training between two lines of progress
TOLD = Wording(most=4, matches=True)  # how reasons are given to encoders that are trained
TRIPLES = (Knowledge.REASONS, Knowledge.SYNONYMS, Knowledge.COMPLEMENTS)
SEED = 2026


@dataclass(frozen=True, slots=True, eq=False)
class Tools:
    """What models may learn with."""

    discovery: Discovery
    encoder: Encoder
    pretrained: str  # folder or name of the encoder; empty where it was fitted on the catalog
    models: Path  # folder for models that take long to train
    listen: Callable[[str], None]


Learn = Callable[[JudgedPairs, Tools, int], RelevanceModel]
"""Judged pairs, tools and seed → a model."""


class Given(StrEnum):
    """Which reasons a model is given."""

    NONE = "none"
    OWN = "own"
    SHUFFLED = "shuffled"  # those of other queries and products


@dataclass(frozen=True, slots=True)
class Method:
    """A way to learn relevance that is measured."""

    learn: Learn
    given: Given = Given.NONE
    pretrained: bool = False  # whether it needs an encoder that reads sentences, not one fitted on the catalog


def _frozen(
    architecture: Architecture, wordings: Sequence[Wording], judged: JudgedPairs, tools: Tools, seed: int
) -> RelevanceModel:
    return train_frozen(judged, tools.encoder, architecture, wordings, seed=seed)


def _tuned(
    architecture: Architecture, wording: Wording, judged: JudgedPairs, tools: Tools, seed: int
) -> RelevanceModel:
    """Kept in a folder, since it takes minutes, and opened when the same was trained before."""
    recipe = FineTuning(tools.pretrained, seed=seed)
    told = [(sides(pair, wording), matches([pair]).tolist()) for pair in judged.pairs]
    made_of = repr((architecture, wording, recipe, told, judged.classes.tolist(), judged.names))
    folder = tools.models / digest(made_of)
    if not (folder / SAVED.about).exists():
        fine_tune(judged, architecture, wording, recipe, partial(_report_step, tools.listen)).save(folder)
    return open_relevance_model(folder)


def _report_step(listen: Callable[[str], None], step: int, steps: int, loss: float) -> None:
    if step % REPORTED == 0 or step == steps:
        listen(f"step {step:,} of {steps:,}, loss {loss:.3f}")


def _constant(judged: JudgedPairs, tools: Tools, seed: int) -> RelevanceModel:
    return ConstantModel.fit(judged)


_BI = partial(_frozen, Architecture.BI_ENCODER, PLAIN)
_CROSS = partial(_frozen, Architecture.CROSS_ENCODER, PLAIN)
_CROSS_TRIPLES = partial(_frozen, Architecture.CROSS_ENCODER, WITH_REASONS)
METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "constant": Method(_constant),
        "bi_encoder": Method(_BI),
        "cross_encoder": Method(_CROSS, pretrained=True),
        "cross_encoder+triples": Method(_CROSS_TRIPLES, Given.OWN, pretrained=True),
        "cross_encoder+shuffled": Method(_CROSS_TRIPLES, Given.SHUFFLED, pretrained=True),
    }
)
"""By the name in reports; the encoder stays as it is."""
_TUNED_CROSS = partial(_tuned, Architecture.CROSS_ENCODER)
TUNED: Mapping[str, Method] = MappingProxyType(
    {
        "constant": Method(_constant),
        "bi_encoder": Method(partial(_tuned, Architecture.BI_ENCODER, Wording()), pretrained=True),
        "cross_encoder": Method(partial(_TUNED_CROSS, Wording()), pretrained=True),
        "cross_encoder+triples": Method(partial(_TUNED_CROSS, TOLD), Given.OWN, pretrained=True),
        "cross_encoder+shuffled": Method(partial(_TUNED_CROSS, TOLD), Given.SHUFFLED, pretrained=True),
    }
)
"""The same with encoders that are trained, too."""
DIFFERENCES = MappingProxyType(
    {
        "triples-none": ("cross_encoder+triples", "cross_encoder"),
        "triples-shuffled": ("cross_encoder+triples", "cross_encoder+shuffled"),
    }
)


@dataclass(frozen=True, slots=True)
class RelevanceTrial:
    """What is measured, and how often."""

    models: tuple[str, ...] = ()  # names of methods; none for all that the encoder allows
    triples: tuple[Knowledge, ...] = TRIPLES  # what models are given
    trained: bool = False  # whether encoders are trained, too: on two thirds of the queries, without folds
    folds: int = 5  # by query
    fits: int = 5  # by other folds and seeds
    most_queries: int | None = None  # drawn from the judged ones

    @property
    def methods(self) -> Mapping[str, Method]:
        """Those that can be asked for, by name."""
        return TUNED if self.trained else METHODS

    @property
    def relations(self) -> frozenset[Relation]:
        """Those of the knowledge that models are given."""
        return frozenset().union(*(kind.relations for kind in self.triples))


@dataclass(frozen=True, slots=True, eq=False)
class RelevanceReport:
    """How good models are, and by how much those with reasons are better."""

    classes: Mapping[str, int]  # pairs by the name of their class, the best first
    coverage: Coverage
    trial: RelevanceTrial
    models: Mapping[str, Mapping[str, float]]  # by model and metric
    differences: Mapping[str, Mapping[str, Difference]]  # by difference and metric
    wordings: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by model: how often one was chosen

    def as_json(self) -> dict[str, object]:
        """The body that `whybuy evaluate relevance --json` prints."""
        return {
            "queries": self.coverage.queries,
            "pairs": self.coverage.pairs,
            "classes": dict(self.classes),
            "triples": [kind.value for kind in self.trial.triples],
            "trained": self.trial.trained,
            "folds": 1 if self.trial.trained else self.trial.folds,
            "fits": self.trial.fits,
            "coverage": self.coverage.as_json(),
            "models": {name: dict(values) for name, values in self.models.items()},
            "differences": {
                name: {metric: _interval(by) for metric, by in found.items()}
                for name, found in self.differences.items()
            },
            "wordings": {name: dict(chosen) for name, chosen in self.wordings.items()},
        }

    def as_report(self) -> Report:
        """A row for each model, then one for each difference."""
        tables = [Table(self.models, "model")]
        for name, found in self.differences.items():
            rows = {
                metric: {column: f"{value:+.4f}" for column, value in _interval(by).items()}
                for metric, by in found.items()
            }
            tables.append(Table(rows, "metric", name))
        covered = self.coverage
        note = (
            f"{covered.queries_with_reasons:,} of {covered.queries:,} queries and {covered.products_with_reasons:,} of "
            f"{covered.products:,} products have a reason; {covered.pairs_that_share:,} pairs share one."
        )
        return Report(f"{covered.pairs:,} pairs of {covered.queries:,} queries", tuple(tables), self.as_json, (note,))


def _interval(by: Difference) -> dict[str, float]:
    return {"difference": by.mean, "low": by.low, "high": by.high}


def evaluate_relevance(
    store: Path,
    qrels: Qrels,
    trial: RelevanceTrial,
    *,
    encoder: str = "",
    listen: Callable[[str], None] = lambda line: None,
) -> RelevanceReport:
    """Train models by query and measure each on queries that it has not seen.

    What a pretrained encoder made of a text is kept in the folder `relevance_vectors` of the store, so that a stopped
    run goes on. Shuffled reasons are one shuffle for all fits.

    encoder: a folder or a name on the hub; empty for one fitted on the products, which only the bi-encoder takes.

    Raises:
        ArtifactError: there is no finished build.
        InputError: the judgments do not fit the shop or are too few, a model needs an encoder, or there is no such one.
        MissingExtraError: the encoder needs a package that is missing.
    """
    names = _methods(trial, encoder)
    listen("reading the shop and its reasons")
    topics = sampled(qrels.grades, trial.most_queries, SEED)
    discovery = Discovery.open(store)
    shop = read_judged_shop(discovery, qrels, topics)
    tools = Tools(discovery, _open_encoder(encoder, store, shop), encoder, store / MODELS_FOLDER, listen)
    truth = Truth(shop.bare.classes, shop.bare.by_query(), shop.gains, np.array(shop.class_gains))
    if truth.queries < 2 * trial.folds:
        raise InputError(
            f"{truth.queries} queries are too few for {trial.folds} folds. Judge more, or give fewer --folds."
        )
    fits, wordings = dict[str, list[FitScores]](), dict[str, Counter[str]]()
    for name in names:
        method = trial.methods[name]
        judged = _given(shop, method.given, trial.relations)
        wordings[name], fits[name] = Counter(), []
        for seed in range(trial.fits):
            listen(f"{name}, fit {seed + 1} of {trial.fits}")
            folds = _folds(truth.by_query, TRAINED_FOLDS if trial.trained else trial.folds, seed)
            folds = np.where(folds > 0, -1, folds) if trial.trained else folds
            probabilities = np.zeros((len(judged), len(judged.names)))
            for rows, model in _trained(method.learn, judged, tools, folds, seed):
                probabilities[rows] = model.probabilities(judged.only(rows).pairs)
                if isinstance(model, FrozenModel) and method.given is not Given.NONE:
                    wordings[name][_label(model.reading.wording)] += 1
            fits[name].append(FitScores(truth, probabilities, folds))
    comparison = Comparison(fits)
    counts = np.bincount(shop.bare.classes, minlength=len(shop.bare.names)).tolist()
    return RelevanceReport(
        classes=dict(zip(shop.bare.names, counts, strict=True)),
        coverage=shop.coverage(trial.relations),
        trial=trial,
        models={name: {metric: comparison.mean(name, metric) for metric in METRICS} for name in names},
        differences={
            name: {metric: comparison.difference(*sides, metric) for metric in METRICS}
            for name, sides in DIFFERENCES.items()
            if set(sides) <= set(names)
        },
        wordings={name: chosen for name, chosen in wordings.items() if chosen},
    )


def _methods(trial: RelevanceTrial, encoder: str) -> tuple[str, ...]:
    """The names asked for, in the order of reports; all that the encoder allows when none is."""
    asked, known = trial.models, trial.methods
    if not asked:
        return tuple(name for name, method in known.items() if encoder or not method.pretrained)
    if not encoder and (needy := [name for name in asked if known[name].pretrained]):
        raise InputError(
            f"{', '.join(needy)} need an encoder that reads sentences, and an encoder fitted on the catalog does not. "
            "Give a folder or a name with --encoder."
        )
    return tuple(name for name in known if name in asked)


def _open_encoder(encoder: str, store: Path, shop: JudgedShop) -> Encoder:
    if not encoder:
        return CachingEncoder(CatalogEncoder.fit(list({pair.product for pair in shop.bare.pairs})))
    return KeepingEncoder(open_pretrained_encoder(encoder), store / FOLDER / digest(encoder))


def _given(shop: JudgedShop, given: Given, relations: frozenset[Relation]) -> JudgedPairs:
    if given is Given.SHUFFLED:
        return shop.shuffled(relations, SEED)
    return shop.given(relations if given is Given.OWN else ())


def _folds(by_query: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """The number of the fold of each pair; folds differ by one query at most."""
    order = np.random.default_rng(SEED + seed).permutation(int(by_query.max()) + 1)
    fold_of = np.empty(len(order), np.int64)
    fold_of[order] = np.arange(len(order)) % folds
    return fold_of[by_query]


def _trained(
    learn: Learn, judged: JudgedPairs, tools: Tools, folds: NDArray[np.int64], seed: int
) -> Iterator[tuple[NDArray[np.int64], RelevanceModel]]:
    """The rows of each fold, and a model of the other folds."""
    for fold in range(int(folds.max()) + 1):
        model = learn(judged.only(np.flatnonzero(folds != fold)), tools, seed)
        yield np.flatnonzero(folds == fold), model


def _label(wording: Wording) -> str:
    text = f"{'shared' if wording.shared_only else 'all'} in the text" if wording.most else ""
    return " and ".join(filter(None, [text, "matches" if wording.matches else ""])) or "none"
