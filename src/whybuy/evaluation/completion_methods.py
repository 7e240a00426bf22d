"""The completion methods that are compared, each trained on the queries before a moment in time."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.completion.building import CompleterParts
from whybuy.completion.completer import Completer
from whybuy.completion.folding import fold
from whybuy.completion.query_log import QueryLog
from whybuy.completion.session_training import session_training_set
from whybuy.evaluation.character_gru import CharacterGru, GruConfig
from whybuy.evaluation.complete import BASELINE, SESSION, Complete
from whybuy.evaluation.most_frequent import MostFrequent
from whybuy.evaluation.published_tree import CONFIGURATIONS, PublishedTree

MEANT_FILE, NEXT_FILE = "truth/meant.parquet", "truth/next.parquet"
_SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class TrainedCompletion:
    """The early part of a query log, and what was built from it."""

    log: QueryLog
    parts: CompleterParts


def methods_of(
    trained: TrainedCompletion, configurations: Sequence[int], *, network: bool, listen: Callable[[str], None]
) -> dict[str, Complete]:
    """All methods but the oracle, by name.

    configurations: numbers of those of the published tree that are trained. network: whether to train a recurrent one.
    """
    log, vocabulary = trained.log, trained.parts.vocabulary
    counts: defaultdict[str, float] = defaultdict(float)
    for query, count in zip(log.counts["query"].to_pylist(), log.counts["count"].to_pylist(), strict=True):
        counts[fold(query)] += count
    frequent, alone = MostFrequent(counts), Completer.build(vocabulary)
    trie = Completer.build(vocabulary, suffixes=trained.parts.suffixes)
    ranked = Completer.build(vocabulary, trained.parts.ranker, suffixes=trained.parts.suffixes)
    known = set(vocabulary["key"].to_pylist())
    private = MostFrequent({key: count for key, count in counts.items() if key in known})
    methods: dict[str, Complete] = {
        BASELINE: lambda prefix, _: frequent.complete(prefix),
        "mfq of what may be suggested": lambda prefix, _: private.complete(prefix),
        "trie, nothing composed": lambda prefix, _: _texts(alone, prefix, ()),
        "trie": lambda prefix, _: _texts(trie, prefix, ()),
        SESSION: lambda prefix, previous: _texts(ranked, prefix, previous),
        "session, one of each word key": lambda prefix, previous: _texts(ranked, prefix, previous, distinct=True),
    }
    if network:
        rows = [
            (fold(previous or ""), fold(query))
            for query, previous in _rows(log.follow_ups.select(["query", "previous_1"]))
        ]
        methods["gru"] = CharacterGru.fit(rows, GruConfig(), listen=listen).complete
    keys = vocabulary["key"].to_pylist()
    pairs = session_training_set(log.follow_ups, keys)
    listen(f"{len(pairs.rows):,} pairs of a query and a suggestion asked after it")
    for number in configurations:
        listen(f"published tree, configuration {number}")
        methods[f"xmr-{number}"] = PublishedTree.fit(keys, pairs, CONFIGURATIONS[number]).complete
    return methods


def _texts(completer: Completer, prefix: str, previous: Sequence[str], *, distinct: bool = False) -> list[str]:
    return [fold(one.text) for one in completer.complete(prefix, previous=previous, distinct=distinct)]


def shuffled(complete: Complete, late: Sequence[tuple[str, tuple[str, ...]]]) -> Complete:
    """The same method with earlier queries of another session: a gain that remains does not come from the session."""
    contexts = [previous for _, previous in late if previous]
    rng = np.random.default_rng(_SEED)

    def after_others(prefix: str, previous: tuple[str, ...]) -> Sequence[str]:
        return complete(prefix, contexts[rng.integers(len(contexts))] if previous else ())

    return after_others


def oracle_of(store: Path, baseline: Complete) -> Complete:
    """Completions by the demo simulator's own distribution of the next query, then those of a baseline.

    store: of the demo, with the simulator's truth.
    """
    following: defaultdict[int, list[tuple[str, float]]] = defaultdict(list)
    for intent, query, probability in _rows(pq.read_table(store / NEXT_FILE, columns=["need", "query", "probability"])):
        following[intent].append((fold(query), probability))
    intents: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for query, intent, probability in _rows(
        pq.read_table(store / MEANT_FILE, columns=["query", "need", "probability"])
    ):
        intents[query].append((intent, probability))

    def oracle(prefix: str, previous: tuple[str, ...]) -> Sequence[str]:
        total: defaultdict[str, float] = defaultdict(float)
        for intent, share in intents.get(previous[0], ()) if previous else ():
            for text, probability in following.get(intent, ()):
                if text.startswith(prefix):
                    total[text] += share * probability
        ranked = sorted(total, key=lambda text: (-total[text], text))
        return list(dict.fromkeys([*ranked, *baseline(prefix, previous)]))

    return oracle


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)
