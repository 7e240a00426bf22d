"""Reads the queries in a journal's events: for completion to suggest, and as the recent queries of each session."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import orjson

from whybuy.completion.limits import LOOKED_BACK
from whybuy.completion.live_queries import LoggedQuery
from whybuy.discovery import Discovery
from whybuy.journal import Journal, JournalError
from whybuy.journal.journal import Entry

_log = logging.getLogger(__name__)

MAX_SESSIONS = 100_000  # whose queries are remembered; the least recently active are dropped first
EVENTS_AT_ONCE = 1_000  # of one look, so that the request that looks does not wait for all of a long journal


class JournalQueries:
    """The queries in the events of one journal; safe for many threads, none of which waits for another."""

    def __init__(self, journal: Journal, *, pause: float = 0.5) -> None:
        """pause: seconds between two looks at what was added."""
        self._journal, self._pause = journal, pause
        self._next_look, self._cursor = 0.0, 0
        self._applied_to: Discovery | None = None
        self._recent: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._turn = threading.Lock()

    def previous(self, session: str) -> tuple[str, ...]:
        """The last queries of a session or client, the latest first; empty for an unknown id."""
        return self._recent.get(session, ())

    def apply(self, discovery: Discovery) -> None:
        """Give a shop the queries that were journaled by now, in this process or another; looks once in a pause.

        A newly opened shop gets all of them. Where the journal cannot be read, a warning is logged and nothing raised.
        """
        now = time.monotonic()
        if (now < self._next_look and discovery is self._applied_to) or not self._turn.acquire(blocking=False):
            return
        try:
            self._next_look = now + self._pause
            if discovery is not self._applied_to:
                self._applied_to, self._cursor = discovery, 0
            entries = self._journal.read(after=self._cursor, limit=EVENTS_AT_ONCE)
            if entries:
                discovery.add_queries(self._queries(entries))
                self._cursor = entries[-1].cursor
        except JournalError as error:
            _log.warning("New queries are not suggested for now: %s", error)
        finally:
            self._turn.release()

    def _queries(self, entries: Sequence[Entry]) -> Iterator[LoggedQuery]:
        """The queries of UBI events that have a query and some id of the shopper."""
        for entry in entries:
            event = orjson.loads(entry.body)
            text, query_id, session, client = (
                event.get(name) or "" for name in ("user_query", "query_id", "session_id", "client_id")
            )
            shopper = client or session or query_id
            if text and shopper:
                for name in {session, client} - {""}:
                    self._remember(name, text)
                yield LoggedQuery(text, shopper, query_id or f"{shopper} {entry.received:%Y-%m-%d %H}")

    def _remember(self, session: str, text: str) -> None:
        earlier = tuple(query for query in self._recent.pop(session, ()) if query != text)
        self._recent[session] = (text, *earlier)[:LOOKED_BACK]
        if len(self._recent) > MAX_SESSIONS:
            self._recent.popitem(last=False)
