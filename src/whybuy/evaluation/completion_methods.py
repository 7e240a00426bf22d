"""The methods of completion that are measured, each taught by what shoppers asked before a moment in time."""

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
    """All methods but the oracle, by name. configurations: of the published tree. network: whether to train one."""
    log, vocabulary = trained.log, trained.parts.vocabulary
    times: defaultdict[str, float] = defaultdict(float)
    for query, count in zip(log.counts["query"].to_pylist(), log.counts["count"].to_pylist(), strict=True):
        times[fold(query)] += count
    frequent, alone = MostFrequent(times), Completer.build(vocabulary)
    trie = Completer.build(vocabulary, suffixes=trained.parts.suffixes)
    ranked = Completer.build(vocabulary, trained.parts.ranker, suffixes=trained.parts.suffixes)
    known = set(vocabulary["key"].to_pylist())
    private = MostFrequent({key: count for key, count in times.items() if key in known})
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
    """A method that is ranker what somebody else asked before: what it gains then is no gain from the session."""
    contexts = [previous for _, previous in late if previous]
    rng = np.random.default_rng(_SEED)

    def ranker(prefix: str, previous: tuple[str, ...]) -> Sequence[str]:
        return complete(prefix, contexts[rng.integers(len(contexts))] if previous else ())

    return ranker


def oracle_of(store: Path, baseline: Complete) -> Complete:
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
