"""Edges that people rejected while looking at the graph: kept in the journal, hidden at once."""

import logging
import threading
import time
from collections.abc import Sequence

from whybuy.discovery import Discovery
from whybuy.journal import Journal, JournalError
from whybuy.journal.judgments import JudgmentEntry, JudgmentLog
from whybuy.records import Head, Judgment, Role
from whybuy.relations import Relation

_log = logging.getLogger(__name__)

READER = "reader"  # readers of the shop's pages have no names


class Rejections:
    """The rejections in one journal, those of other processes included; safe for many threads."""

    def __init__(self, journal: Journal, *, pause: float = 1.0) -> None:
        """pause: seconds between two looks at what other processes added."""
        self._log = JudgmentLog(journal, only=Role.READER)
        self._pause = pause
        self._next_look = 0.0
        self._applied: Discovery | None = None
        self._turn = threading.Lock()

    def apply(self, discovery: Discovery) -> None:
        """Hide from a shop what is rejected by now; looks at most once in a pause, or when the shop is a new one.

        A journal that cannot be read stops nobody from searching; what is hidden stays so. Nobody waits for another.
        """
        now = time.monotonic()
        if (now < self._next_look and discovery is self._applied) or not self._turn.acquire(blocking=False):
            return
        try:
            self._next_look = now + self._pause
            if self._log.refresh() or discovery is not self._applied:
                self._hide(discovery)
        except JournalError as error:
            _log.warning("New rejections are not seen for now: %s", error)
        finally:
            self._turn.release()

    def all(self) -> Sequence[JudgmentEntry]:
        """What stands, the newest first."""
        return self._log.rejections()[::-1]

    def reject(self, discovery: Discovery, head: Head, relation: Relation, tail: str) -> JudgmentEntry:
        """Reject an edge; on disk and hidden when this returns.

        Raises:
            JournalError: the journal cannot be written; nothing was rejected.
        """
        with self._turn:
            self._log.add([Judgment(head, relation, tail, READER, Role.READER, ())])
            self._hide(discovery)
        return self.all()[0]

    def restore(self, discovery: Discovery, cursor: int) -> JudgmentEntry | None:
        """Take a rejection back; returns it, or None when it does not stand (any more).

        Raises:
            JournalError: the journal cannot be written; the rejection stands.
        """
        entered = next((one for one in self.all() if one.cursor == cursor), None)
        if entered is not None:
            with self._turn:
                self._log.retract(entered)
                self._hide(discovery)
        return entered

    def _hide(self, discovery: Discovery) -> None:
        judgments = [entered.judgment for entered in self._log.rejections()]
        discovery.hide((one.head, one.relation, one.tail) for one in judgments)
        self._applied = discovery
