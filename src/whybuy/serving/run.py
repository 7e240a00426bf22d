"""The server process of one shop."""

import contextlib
import errno
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from whybuy.discovery import Discovery
from whybuy.errors import WhybuyError
from whybuy.journal import JOURNAL_FILE, Journal
from whybuy.serving.app import create_app
from whybuy.serving.live import settle

_LARGEST_HEAD = 256 * 1024  # a query of 10,000 characters takes up to 120 kB in an address


class ListenError(WhybuyError):
    """The server cannot listen where it was told to."""


def serve(
    store: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    examples: tuple[str, ...] = (),
    listening: Callable[[str], None] | None = None,
) -> None:
    """Serve the shop in a store folder until Ctrl-C or SIGTERM; builds that finish meanwhile are taken up.

    Args:
        store: The folder with `store.toml` and a finished build.
        host: The address or name to listen on.
        port: 0 takes any free port.
        examples: Queries that the start page offers.
        listening: Called with the address of the start page once the port is taken.

    Raises:
        ListenError: the port is taken, not allowed, or the host is unknown.
        JournalError: the journal in the store cannot be used.
        WhybuyError: there is no finished build to serve.
    """
    with listen(host, port) as listener, Journal(store / JOURNAL_FILE) as journal:
        discovery = Discovery.open(store)
        app = create_app(discovery, journal, examples=examples, store=store)
        discovery.warm_up()
        settle()
        if listening is not None:
            listening(address(listener))
        with contextlib.suppress(KeyboardInterrupt):
            make_server(app).run(sockets=[listener])


def make_server(app: FastAPI) -> uvicorn.Server:
    """A server that reports only warnings, to the log."""
    return uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, h11_max_incomplete_event_size=_LARGEST_HEAD)
    )


def listen(host: str, port: int) -> socket.socket:
    """A bound socket.

    Raises:
        ListenError: the port is taken, not allowed, or the host is unknown.
    """
    if not 0 <= port <= 65535:
        raise ListenError(f"Cannot listen on port {port}: ports go from 0 to 65535; 0 takes any free one.")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ListenError(f"Cannot listen on {host}, port {port}: {_advice(error)}") from error


def _advice(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host. Use 127.0.0.1 for this machine alone, or 0.0.0.0 for its network too."
    if error.errno == errno.EADDRINUSE:
        return "the port is taken. Choose another with `--port`; 0 takes any free one."
    if isinstance(error, PermissionError):
        return "this user may not. Choose a port from 1024 up with `--port`."
    return f"{error}. Choose another `--host` or `--port`."


def address(listener: socket.socket) -> str:
    """The address of the start page behind a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
