"""What shoppers ask, as the events in the journal tell it, becomes what is suggested."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import orjson

from whybuy.completion.fresh import Heard
from whybuy.discovery import Discovery
from whybuy.journal import Journal, JournalError
from whybuy.journal.journal import Entry

_log = logging.getLogger(__name__)

MOST_SESSIONS = 100_000  # whose queries are remembered; those silent longest are forgotten first
LAST = 3  # queries of each
AT_ONCE = 1_000  # events of one look, so that the request that looks does not wait for all of a long journal


class Asked:
    """The queries in the events of one journal; safe for many threads, none of which waits for another."""

    def __init__(self, journal: Journal, *, pause: float = 0.5) -> None:
        """pause: seconds between two looks at what was added."""
        self._journal, self._pause = journal, pause
        self._next_look, self._cursor = 0.0, 0
        self._told: Discovery | None = None
        self._last: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._turn = threading.Lock()

    def before(self, session: str) -> tuple[str, ...]:
        """What was asked in a session (or by a client) of late, the latest first."""
        return self._last.get(session, ())

    def apply(self, discovery: Discovery) -> None:
        """Tell a shop what was asked by now, in this process or another; looks at most once in a pause.

        A new shop is told everything. A journal that cannot be read stops nobody.
        """
        now = time.monotonic()
        if (now < self._next_look and discovery is self._told) or not self._turn.acquire(blocking=False):
            return
        try:
            self._next_look = now + self._pause
            if discovery is not self._told:
                self._told, self._cursor = discovery, 0
            entries = self._journal.read(after=self._cursor, limit=AT_ONCE)
            if entries:
                discovery.hear(self._queries(entries))
                self._cursor = entries[-1].cursor
        except JournalError as error:
            _log.warning("What shoppers ask is not heard for now: %s", error)
        finally:
            self._turn.release()

    def _queries(self, entries: Sequence[Entry]) -> Iterator[Heard]:
        """The queries of UBI events; an event without one, or without anybody who asked it, tells nothing."""
        for entry in entries:
            event = orjson.loads(entry.body)
            text, query_id, session, client = (
                event.get(name) or "" for name in ("user_query", "query_id", "session_id", "client_id")
            )
            shopper = client or session or query_id
            if text and shopper:
                for name in {session, client} - {""}:
                    self._remember(name, text)
                yield Heard(text, shopper, query_id or f"{shopper} {entry.received:%Y-%m-%d %H}")

    def _remember(self, session: str, text: str) -> None:
        earlier = tuple(query for query in self._last.pop(session, ()) if query != text)
        self._last[session] = (text, *earlier)[:LAST]
        if len(self._last) > MOST_SESSIONS:
            self._last.popitem(last=False)
