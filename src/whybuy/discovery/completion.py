"""Completion of queries over an opened shop."""

import time
from collections.abc import Iterable, Sequence

from whybuy.completion.folding import fold
from whybuy.completion.live_queries import LiveQueries, LoggedQuery
from whybuy.discovery.texts import checked
from whybuy.records import Completions
from whybuy.shop import Shop


class QueryCompletion:
    """Completes queries from the last build and from those that came in since; safe for many threads."""

    def __init__(self, shop: Shop) -> None:
        self._completer, self._finds = shop.completer, shop.lexical.finds
        self._live = LiveQueries(self._has_results, self._completer.weight, self._completer.thresholds)

    def complete(self, prefix: str, previous: Sequence[str], limit: int) -> Completions:
        """Completions, best first. previous: queries before in the session, the latest first.

        Raises:
            InputError: more than 10,000 characters were typed, now or before.
        """
        started = time.perf_counter()
        earlier = [checked(query) for query in previous]
        completions = self._completer.complete(checked(prefix), previous=earlier, limit=limit, distinct=True)
        return Completions(prefix, tuple(completions), round((time.perf_counter() - started) * 1000, 3))

    def add(self, queries: Iterable[LoggedQuery]) -> None:
        """Count queries since the last build, each once; one thread at a time."""
        if self._live.add(queries):
            self._completer.refresh(self._live.vocabulary())

    def _has_results(self, text: str) -> bool:
        """Whether a product has its words, or the last build suggests it, as it led to a product."""
        return self._completer.weight(fold(text)) > 0 or self._finds(text)
