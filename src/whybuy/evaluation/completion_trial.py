"""Measures completion on a log cut in time: methods train on the early part, complete prefixes of the late one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from whybuy.behavior.events import read_events
from whybuy.behavior.recognize import EventSource
from whybuy.completion.building import build_parts
from whybuy.completion.catalog_phrases import catalog_phrases, leading_queries
from whybuy.completion.folding import fold
from whybuy.completion.limits import LOOKED_BACK, MIN_SHOPPERS
from whybuy.completion.query_log import read_query_log
from whybuy.completion.session_training import SESSION_CONFIG, SessionConfig
from whybuy.completion.vocabulary import VOCABULARY_CONFIG, ShopLookups, VocabularyConfig
from whybuy.errors import InputError
from whybuy.evaluation.complete import (
    BASELINE,
    ORACLE,
    SESSION,
    CompletionReport,
    Keystroke,
    evaluate_completion,
    keystrokes_of,
)
from whybuy.evaluation.completion_methods import (
    MEANT_FILE,
    NEXT_FILE,
    TrainedCompletion,
    methods_of,
    oracle_of,
    shuffled,
)
from whybuy.records import PAIRS
from whybuy.shop import Shop

LADDER = (0, 5, 6, 7, 8, 9)  # the paper's configurations that are measured by default
_SEED = 0


@dataclass(frozen=True, slots=True)
class CompletionTrial:
    """Settings of the measurement: share of the log that is held out, and how many queries are typed."""

    held_out: float = 0.1  # of the queries of the log, the latest; in (0, 1)
    queries: int = 3000  # of these at most, drawn at random
    configurations: tuple[int, ...] = LADDER  # of the published tree
    network: bool = False  # whether a recurrent network is trained too; minutes, and torch
    least_shoppers: int = MIN_SHOPPERS  # of a suggested query, where no shop's settings say how many


def evaluate_store_completion(
    store: Path,
    trial: CompletionTrial,
    *,
    later: Sequence[Path] = (),
    listen: Callable[[str], None] = lambda line: None,
) -> CompletionReport:
    """Train every method on the early part of a shop's log, and complete prefixes of the queries of the late part.

    later: logs that go on where the shop's end; where there are some, all of the shop's is trained on, and these typed.

    Raises:
        ArtifactError: there is no finished build.
        InputError: the shop has no log, or too short a one; a later log cannot be read.
    """
    oracle = store if (store / MEANT_FILE).exists() and (store / NEXT_FILE).exists() else None
    return _evaluate(_log_of(store), trial, listen, oracle, later)


def cut_store_log(store: Path, trial: CompletionTrial) -> tuple[TrainedCompletion, list[Keystroke]]:
    """What is trained on the early part of a shop's log, and the keystrokes of its late part: for benchmarks.

    Raises:
        ArtifactError: there is no finished build.
        InputError: the shop has no log, or too short a one.
    """
    trained, late = _cut(_log_of(store), trial, lambda line: None)
    return trained, keystrokes_of(late)


def evaluate_log_completion(
    logs: Sequence[Path], trial: CompletionTrial, *, listen: Callable[[str], None] = lambda line: None
) -> CompletionReport:
    """As `evaluate_store_completion`, on logs of any format that `whybuy init` recognizes, without a catalog.

    Every query counts as one with results.

    Raises:
        InputError: a log cannot be understood, or there is no query in them.
    """
    with TemporaryDirectory() as folder:
        _import(logs, Path(folder), listen)
        config = VocabularyConfig(least_shoppers=trial.least_shoppers)
        log = _Log(Path(folder), config, SessionConfig(), "en", {}, ShopLookups(lambda text: True))
        return _evaluate(log, trial, listen, None)


def _import(logs: Sequence[Path], folder: Path, listen: Callable[[str], None]) -> None:
    """Import logs of any format, as a build does, into a folder."""
    read = read_events([EventSource(str(path.resolve())) for path in logs], Path.cwd(), folder)
    for plan in read.plans:
        listen(f"{plan.path.name} is read as {plan.format.value}")
    listen(f"{read.queries:,} queries, {read.repeated:,} copies of rows, {read.reading.set_aside.total():,} set aside")


@dataclass(frozen=True, slots=True)
class _Log:
    """Imported logs, and the settings and look-ups with which a vocabulary is made."""

    events: Path
    config: VocabularyConfig
    session: SessionConfig
    language: str
    phrases: Mapping[str, float]  # of a catalog
    shop: ShopLookups


def _log_of(store: Path) -> _Log:
    shop = Shop.open(store)
    if not shop.has("events"):
        raise InputError(f"{store} was built without logs; completion is measured by what shoppers asked in sessions.")
    config, products = shop.settings.one(VOCABULARY_CONFIG), shop.catalog.table
    leading, finds = leading_queries(shop.table(PAIRS), products), shop.lexical.finds
    return _Log(
        shop.folder("events"),
        config,
        shop.settings.one(SESSION_CONFIG),
        shop.language,
        catalog_phrases(products, None, least_products=config.least_products),
        ShopLookups(
            has_results=lambda text: text in leading or finds(text),
            corrected=shop.lexical.spelled,
            titles=products["title"].to_pylist(),
        ),
    )


def _evaluate(
    log: _Log,
    trial: CompletionTrial,
    listen: Callable[[str], None],
    oracle: Path | None,
    later: Sequence[Path] = (),
) -> CompletionReport:
    trained, late = _cut(log, trial, listen, later)
    methods = methods_of(trained, trial.configurations, network=trial.network, listen=listen)
    methods["session, others' queries"] = shuffled(methods[SESSION], late)
    if oracle:
        methods[ORACLE] = oracle_of(oracle, methods[BASELINE])
    corrected = cache(lambda text: fold(log.shop.corrected(text)))
    return evaluate_completion(methods, keystrokes_of(late, corrected=corrected))


def _cut(
    log: _Log, trial: CompletionTrial, listen: Callable[[str], None], later: Sequence[Path] = ()
) -> tuple[TrainedCompletion, list[tuple[str, tuple[str, ...]]]]:
    """What is trained on the early part, and some queries of the late part or of later logs, each with those before."""
    config, language = log.config, log.language
    with TemporaryDirectory() as folder:
        spill = Path(folder)
        if later:
            _import(later, spill, listen)
            early = read_query_log(log.events, spill, config, language=language)
            late = read_query_log(spill, spill, config, language=language).follow_ups
        else:
            follow_ups = read_query_log(log.events, spill, config, language=language).follow_ups
            seconds = follow_ups["seconds"].to_numpy()
            cut = int(np.quantile(seconds, 1 - trial.held_out)) if len(seconds) else 0
            early = read_query_log(log.events, spill, config, language=language, before=cut)
            late = follow_ups.filter(seconds >= cut)
    if not late.num_rows:
        raise InputError("The log has no query; completion is measured by what shoppers asked.")
    parts = build_parts(early, log.phrases, log.shop, config, log.session, language=language)
    listen(f"session ranker: weights {parts.ranker.weights if parts.ranker else ()}")
    return TrainedCompletion(early, parts), _typed(late, trial.queries)


def _typed(late: pa.Table, most: int) -> list[tuple[str, tuple[str, ...]]]:
    """Folded query and earlier queries of some rows of FOLLOW_SCHEMA."""
    rows = np.sort(np.random.default_rng(_SEED).permutation(late.num_rows)[:most])
    names = ["query", *(f"previous_{back}" for back in range(1, LOOKED_BACK + 1))]
    columns = late.select(names).take(pa.array(rows)).to_pydict()
    typed = zip(*(columns[name] for name in names), strict=True)
    return [(text, tuple(filter(None, previous))) for query, *previous in typed if (text := fold(query))]
