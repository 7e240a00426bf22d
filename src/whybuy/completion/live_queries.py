"""Counts the queries that arrive while a shop is served, so that frequent new ones are suggested before the next build.

A query becomes a suggestion once it meets the same thresholds that hold for the query log of a build (our design).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pyarrow as pa

from whybuy.completion.folding import fold, word_key, word_key_hash
from whybuy.completion.limits import LONGEST, Thresholds
from whybuy.records import VOCABULARY_SCHEMA, CompletionSource
from whybuy.text import normalize

MAX_COUNTED = 200_000  # word keys; those not searched for longest are forgotten first


@dataclass(frozen=True, slots=True)
class LoggedQuery:
    """One search of one shopper."""

    text: str
    shopper: str
    search: str  # id of the search, shared by all of its events, such as the clicks that followed


@dataclass(slots=True)
class _Counts:
    """Who searched in the words of one word key, and how often."""

    shoppers: set[str] = field(default_factory=set)
    searches: dict[str, set[str]] = field(default_factory=dict)  # ids of searches by text


class LiveQueries:
    """Counts of queries since the build, by word key. Not safe for several threads at once."""

    def __init__(
        self, has_results: Callable[[str], bool], past_count: Callable[[str], float], thresholds: Thresholds
    ) -> None:
        """has_results: whether the shop has a product for a query. past_count: of a folded query, by the build."""
        self._has_results, self._past_count, self._thresholds = has_results, past_count, thresholds
        self._counts: OrderedDict[str, _Counts] = OrderedDict()
        self._suggested: dict[str, tuple[str, float]] = {}  # text and count by folded query

    def add(self, queries: Iterable[LoggedQuery]) -> bool:
        """Count queries. Returns: whether `vocabulary` has changed."""
        changed = [self._add(query) for query in queries]
        return any(changed)

    def vocabulary(self) -> pa.Table:
        """The queries that meet the thresholds, VOCABULARY_SCHEMA; weight: searches before and since the build."""
        rows = [
            {
                "key": key,
                "text": text,
                "weight": count,
                "source": CompletionSource.QUERY_LOG,
                "word_key": word_key_hash(word_key(key, self._thresholds.language)),
            }
            for key, (text, count) in sorted(self._suggested.items())
        ]
        return pa.Table.from_pylist(rows, VOCABULARY_SCHEMA)

    def _add(self, query: LoggedQuery) -> bool:
        text = normalize(query.text[: LONGEST + 1])
        if not fold(text) or len(text) > LONGEST:
            return False
        counts = self._counts_of(word_key(text, self._thresholds.language))
        counts.shoppers.add(query.shopper)
        counts.searches.setdefault(text, set()).add(query.search)
        total = sum(map(len, counts.searches.values()))
        if total < self._thresholds.least_asked or len(counts.shoppers) < self._thresholds.least_shoppers:
            return False
        return self._suggest(counts)

    def _counts_of(self, key: str) -> _Counts:
        counts = self._counts.setdefault(key, _Counts())
        self._counts.move_to_end(key)
        if len(self._counts) > MAX_COUNTED:
            self._counts.popitem(last=False)
        return counts

    def _suggest(self, counts: _Counts) -> bool:
        """Suggest each text that was searched for; returns whether that changed anything."""
        changed = False
        for text, searches in counts.searches.items():
            key = fold(text)
            entry = text, self._past_count(key) + len(searches)
            if self._suggested.get(key) != entry and self._has_results(text):
                self._suggested[key], changed = entry, True
        return changed
