"""The server process of one shop."""

import contextlib
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from whybuy.discovery import Discovery
from whybuy.errors import InputError
from whybuy.journal import JOURNAL_FILE, Journal
from whybuy.serving.app import create_app
from whybuy.serving.live import settle
from whybuy.serving.workers import supervise
from whybuy.web.listening import address, listen, make_server, prompt


def serve(
    store: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
    examples: tuple[str, ...] = (),
    listening: Callable[[str], None] | None = None,
) -> None:
    """Serve the shop in a store folder until Ctrl-C or SIGTERM; builds that finish meanwhile are taken up.

    Args:
        store: The folder with `store.toml` and a finished build.
        host: The address or name to listen on.
        port: 0 takes any free port.
        workers: Processes that answer, at least 1.
        examples: Queries that the start page offers.
        listening: Called with the address of the start page once the port is taken.

    Raises:
        ListenError: the port is taken, not allowed, or the host is unknown.
        JournalError: the journal in the store cannot be used.
        InputError: there are no workers.
        WhybuyError: there is no finished build to serve.
    """
    if workers < 1:
        raise InputError(f"{workers} workers cannot answer; say 1 or more, up to the number of processors.")
    say = listening or (lambda _: None)
    with contextlib.suppress(KeyboardInterrupt):
        with listen(host, port) as listener, _opened(store, examples) as app:  # which shows what is wrong, if anything
            where = address(listener)
            if workers == 1:
                say(where)
                make_server(app).run(sockets=[listener])
                return
            family, bound = listener.family, listener.getsockname()
        with _listening_together(family, bound, workers) as listeners:
            supervise(partial(_work, store, examples, workers), listeners, partial(say, where))


@contextlib.contextmanager
def _opened(store: Path, examples: tuple[str, ...], processes: int = 1) -> Iterator[FastAPI]:
    """What one process serves. processes: how many there are of it."""
    with Journal(store / JOURNAL_FILE) as journal:
        discovery = Discovery.open(store)
        app = create_app(discovery, journal, examples=examples, store=store, processes=processes)
        discovery.warm_up()
        settle()
        yield app


def _work(
    store: Path, examples: tuple[str, ...], processes: int, listener: socket.socket, answering: Callable[[], None]
) -> None:
    """One process of several."""
    with _opened(store, examples, processes) as app, contextlib.suppress(KeyboardInterrupt):
        answering()
        make_server(app).run(sockets=[listener])


@contextlib.contextmanager
def _listening_together(family: int, bound: tuple[object, ...], count: int) -> Iterator[list[socket.socket]]:
    """Sockets of one address; Linux spreads connections over several, elsewhere the processes share one."""
    spread = sys.platform == "linux"
    with contextlib.ExitStack() as open_sockets:
        yield [
            open_sockets.enter_context(prompt(socket.create_server(bound, family=family, reuse_port=spread)))
            for _ in range(count if spread else 1)
        ] * (1 if spread else count)
