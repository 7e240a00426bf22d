"""The shop that is served: opened anew, beside the running requests, when a build is published."""

import atexit
import gc
import logging
import threading
import time
from pathlib import Path

from whybuy.discovery import Discovery, live_key
from whybuy.errors import WhybuyError

atexit.register(gc.unfreeze)  # what `settle` spares is freed with the process
_log = logging.getLogger(__name__)


class LiveShop:
    """The newest opened `Discovery` of a store; safe for many threads, none of which ever waits for another."""

    def __init__(self, discovery: Discovery, store: Path | None, *, pause: float = 1.0, rest: float = 60.0) -> None:
        """Start with an opened shop.

        Args:
            discovery: What is served until a newer build is found.
            store: The folder to look for newer builds in; None looks for none.
            pause: Seconds between two looks.
            rest: Seconds until the next look when a build could not be opened.
        """
        self._discovery = discovery
        self._store = store
        self._pause, self._rest = pause, rest
        self._next_look = time.monotonic() + pause
        self._looking = threading.Lock()

    def now(self) -> Discovery:
        """The shop to answer one request with; a newer build is opened in the background."""
        if self._store is not None and time.monotonic() >= self._next_look and self._looking.acquire(blocking=False):
            self._next_look = time.monotonic() + self._pause
            if live_key(self._store) in ("", self._discovery.key):
                self._looking.release()
            else:
                threading.Thread(target=self._renew, args=(self._store,), daemon=True).start()
        return self._discovery

    def _renew(self, store: Path) -> None:
        try:
            renewed = Discovery.open(store)
            renewed.warm_up()
            self._discovery = renewed
            settle()
        except (WhybuyError, OSError) as error:
            _log.warning("The new build cannot be opened, so the one before is served on: %s", error)
            self._next_look = time.monotonic() + self._rest
        finally:
            self._looking.release()


def settle() -> None:
    """Collect garbage, then exclude what is in use from later collections, each of which would stop requests for 0.1 s.

    Called again, it also frees what was spared before and is no longer in use.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
