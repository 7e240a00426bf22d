"""The methods of completion that are measured, each taught by the sessions of a shop before a moment in time."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore
from whybuy.catalog.catalog import PRODUCTS_FILE
from whybuy.catalog.shop import ShopConfig
from whybuy.completion.asked import Counted
from whybuy.completion.completer import Completer
from whybuy.completion.endings import Endings
from whybuy.completion.folding import fold
from whybuy.completion.most_frequent import MostFrequent
from whybuy.completion.names import names_of
from whybuy.completion.published import CONFIGURATIONS, PublishedTree
from whybuy.completion.session_ranker import LOOKED_BACK, SessionConfig, SessionRanker
from whybuy.completion.teaching import lessons_from, teach_session
from whybuy.completion.vocabulary import Knowledge, VocabularyConfig, choose_vocabulary, read_asked
from whybuy.config import read_settings
from whybuy.errors import InputError
from whybuy.evaluation.character_gru import CharacterGru, GruConfig
from whybuy.evaluation.complete import (
    BASELINE,
    ORACLE,
    SESSION,
    Complete,
    CompletionReport,
    evaluate_completion,
    keystrokes_of,
)
from whybuy.retrieval.lexical import LexicalIndex

LADDER = (0, 5, 6, 7, 8, 9)  # the paper's configurations that are measured by default
MEANT_FILE, NEXT_FILE = "truth/meant.parquet", "truth/next.parquet"
_SEED = 0


@dataclass(frozen=True, slots=True)
class CompletionTrial:
    """How completion is measured."""

    held_out: float = 0.1  # of the queries of the log, the latest; in (0, 1)
    queries: int = 3000  # of these at most, drawn at random
    configurations: tuple[int, ...] = LADDER  # of the published tree
    network: bool = False  # whether a recurrent network is trained too; minutes, and torch


def evaluate_store_completion(
    store: Path, trial: CompletionTrial, *, listen: Callable[[str], None] = lambda said: None
) -> CompletionReport:
    """Teach every method the early part of a shop's log and type the queries of the late part.

    Raises:
        ArtifactError: there is no finished build.
        InputError: the shop has no log, or too short a one.
    """
    folders = ArtifactStore(store / ARTIFACTS_FOLDER).current()
    if "events" not in folders:
        raise InputError(f"{store} was built without logs; completion is measured by what shoppers asked in sessions.")
    settings = read_settings(store)
    config, session = settings.one("vocabulary", VocabularyConfig), settings.one("session", SessionConfig)
    language = settings.one("shop", ShopConfig).language
    with TemporaryDirectory() as spill:
        follow_ups = read_asked(folders["events"], Path(spill), config, language=language).follow_ups
        if not follow_ups.num_rows:
            raise InputError(f"The log of {store} has no query; completion is measured by what shoppers asked.")
        cut = int(np.quantile(follow_ups["seconds"].to_numpy(), 1 - trial.held_out))
        said = read_asked(folders["events"], Path(spill), config, language=language, before=cut)
    lexical = LexicalIndex.open(folders["lexical"])
    names = names_of(pq.read_table(folders["catalog"] / PRODUCTS_FILE), None, least_products=config.least_products)
    vocabulary, _ = choose_vocabulary(said.asked, names, Knowledge(lexical.finds), config, language)
    ranker = teach_session(vocabulary, said.follow_ups, session, half_life_days=config.half_life_days)
    listen(f"session ranker: weights {ranker.weights if ranker else ()}")
    endings = Endings.build(said.beginnings, said.endings, said.links, language=language)
    methods = _methods(_Taught(vocabulary, said, ranker, endings), trial, listen)
    late = _typed(follow_ups.filter(pc.greater_equal(follow_ups["seconds"], cut)), trial.queries)
    methods["session, others' queries"] = _shuffled(methods[SESSION], late)
    if (store / MEANT_FILE).exists() and (store / NEXT_FILE).exists():
        methods[ORACLE] = _oracle(store, methods[BASELINE])
    return evaluate_completion(methods, keystrokes_of(late))


@dataclass(frozen=True, slots=True, eq=False)
class _Taught:
    """What the early part of a log taught."""

    vocabulary: pa.Table
    said: Counted
    ranker: SessionRanker | None
    endings: Endings


def _methods(taught: _Taught, trial: CompletionTrial, listen: Callable[[str], None]) -> dict[str, Complete]:
    vocabulary, said = taught.vocabulary, taught.said
    times: defaultdict[str, float] = defaultdict(float)
    for query, count in zip(said.asked["query"].to_pylist(), said.asked["times"].to_pylist(), strict=True):
        times[fold(query)] += count
    frequent, alone = MostFrequent(times), Completer.build(vocabulary)
    trie = Completer.build(vocabulary, endings=taught.endings)
    ranked = Completer.build(vocabulary, taught.ranker, endings=taught.endings)
    known = set(vocabulary["key"].to_pylist())
    private = MostFrequent({key: count for key, count in times.items() if key in known})
    methods: dict[str, Complete] = {
        BASELINE: lambda prefix, _: frequent.complete(prefix),
        "mfq of what may be suggested": lambda prefix, _: private.complete(prefix),
        "trie, nothing composed": lambda prefix, _: _texts(alone, prefix, ()),
        "trie": lambda prefix, _: _texts(trie, prefix, ()),
        SESSION: lambda prefix, previous: _texts(ranked, prefix, previous),
        "session, one of a meaning": lambda prefix, previous: _texts(ranked, prefix, previous, distinct=True),
    }
    if trial.network:
        rows = [
            (fold(previous or ""), fold(query))
            for query, previous in _rows(said.follow_ups.select(["query", "previous_1"]))
        ]
        methods["gru"] = CharacterGru.fit(rows, GruConfig(), listen=listen).complete
    keys = vocabulary["key"].to_pylist()
    lessons = lessons_from(said.follow_ups, keys)
    listen(f"{len(lessons.rows):,} pairs of a query and a suggestion asked after it")
    for number in trial.configurations:
        listen(f"published tree, configuration {number}")
        methods[f"xmr-{number}"] = PublishedTree.fit(keys, lessons, CONFIGURATIONS[number]).complete
    return methods


def _texts(completer: Completer, prefix: str, previous: Sequence[str], *, distinct: bool = False) -> list[str]:
    return [fold(one.text) for one in completer.complete(prefix, previous=previous, distinct=distinct)]


def _typed(late: pa.Table, most: int) -> list[tuple[str, tuple[str, ...]]]:
    """Folded query and earlier queries of some rows of FOLLOW_SCHEMA."""
    rows = np.sort(np.random.default_rng(_SEED).permutation(late.num_rows)[:most])
    names = ["query", *(f"previous_{back}" for back in range(1, LOOKED_BACK + 1))]
    columns = late.select(names).take(pa.array(rows)).to_pydict()
    typed = zip(*(columns[name] for name in names), strict=True)
    return [(text, tuple(filter(None, previous))) for query, *previous in typed if (text := fold(query))]


def _shuffled(complete: Complete, late: Sequence[tuple[str, tuple[str, ...]]]) -> Complete:
    """A method that is told what somebody else asked before: what it gains then is no gain from the session."""
    contexts = [previous for _, previous in late if previous]
    rng = np.random.default_rng(_SEED)

    def told(prefix: str, previous: tuple[str, ...]) -> Sequence[str]:
        return complete(prefix, contexts[rng.integers(len(contexts))] if previous else ())

    return told


def _oracle(store: Path, baseline: Complete) -> Complete:
    """The simulator's own distribution of the next query; the baseline where that knows nothing."""
    following: defaultdict[int, list[tuple[str, float]]] = defaultdict(list)
    for need, query, probability in _rows(pq.read_table(store / NEXT_FILE, columns=["need", "query", "probability"])):
        following[need].append((fold(query), probability))
    needs: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for query, need, probability in _rows(pq.read_table(store / MEANT_FILE, columns=["query", "need", "probability"])):
        needs[query].append((need, probability))

    def known(prefix: str, previous: tuple[str, ...]) -> Sequence[str]:
        total: defaultdict[str, float] = defaultdict(float)
        for need, share in needs.get(previous[0], ()) if previous else ():
            for text, probability in following.get(need, ()):
                if text.startswith(prefix):
                    total[text] += share * probability
        ranked = sorted(total, key=lambda text: (-total[text], text))
        return list(dict.fromkeys([*ranked, *baseline(prefix, previous)]))

    return known


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)
