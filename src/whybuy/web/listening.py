"""Listening sockets, and a server behind one."""

import errno
import socket

import uvicorn
from fastapi import FastAPI

from whybuy.errors import WhybuyError

# httptools reads requests 0.3 ms faster, but refuses addresses beyond 64 kB
_LARGEST_HEAD = 256 * 1024  # a query of 10,000 characters takes up to 120 kB in an address


class ListenError(WhybuyError):
    """The server cannot listen on the given host and port."""


def make_server(app: FastAPI) -> uvicorn.Server:
    """A server that reports only warnings, to the log."""
    return uvicorn.Server(
        uvicorn.Config(
            app, http="h11", log_level="warning", access_log=False, h11_max_incomplete_event_size=_LARGEST_HEAD
        )
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
        return prompt(socket.create_server((host, port), family=family))
    except OSError as error:
        raise ListenError(f"Cannot listen on {host}, port {port}: {_advice(error)}") from error


def prompt(listener: socket.socket) -> socket.socket:
    """Turn off Nagle's algorithm, which holds a body back up to 40 ms until its headers are acknowledged."""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


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
