"""Several server processes behind one port: each searches on a processor of its own, all map the same files."""

import ctypes
import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess

from whybuy.errors import WhybuyError
from whybuy.serving.server_metrics import COUNTERS_FOLDER

Work = Callable[[socket.socket, Callable[[], None]], None]
"""The function that a process runs: serve a socket until SIGTERM, and report when it is ready. Must be importable."""

_spawn = multiprocessing.get_context("spawn")  # a fork would share locks with threads that it has not
_log = logging.getLogger(__name__)


class WorkerError(WhybuyError):
    """A server process ended before it could answer."""


@dataclass(frozen=True, slots=True)
class _Worker:
    process: SpawnProcess
    listener: socket.socket
    answers: ctypes.c_bool  # shared, without a lock: a process that is killed could hold one for ever


def supervise(work: Work, listeners: Sequence[socket.socket], ready: Callable[[], None]) -> None:
    """Run a process for each socket until SIGINT or SIGTERM; one that dies is replaced.

    Their counters meet in a folder, so that `/metrics` of any of them sums over all. ready: called once all answer.

    Raises:
        WorkerError: a process ended before it could answer.
        KeyboardInterrupt: SIGINT or SIGTERM came; the processes are gone.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="whybuy-counters-") as counters:
        os.environ[COUNTERS_FOLDER] = counters
        workers: list[_Worker] = []
        try:
            workers += (_start(work, listener) for listener in listeners)
            for worker in workers:
                _wait_for(worker)
            ready()
            while True:
                ended = wait([worker.process.sentinel for worker in workers])
                workers[:] = [_replaced(one, work) if one.process.sentinel in ended else one for one in workers]
        finally:
            for worker in workers:
                worker.process.terminate()
            for worker in workers:
                worker.process.join()
            del os.environ[COUNTERS_FOLDER]
            signal.signal(signal.SIGTERM, before)


def _start(work: Work, listener: socket.socket) -> _Worker:
    answers = _spawn.RawValue(ctypes.c_bool, False)
    process = _spawn.Process(target=_run, args=(work, listener, answers))
    process.start()
    return _Worker(process, listener, answers)


def _run(work: Work, listener: socket.socket, answers: ctypes.c_bool) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work(listener, partial(setattr, answers, "value", True))


def _end_with_parent() -> None:
    """A supervisor that was killed cannot end its processes."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _wait_for(worker: _Worker) -> None:
    while not worker.answers.value:
        worker.process.join(0.05)
        _check(worker)


def _replaced(worker: _Worker, work: Work) -> _Worker:
    worker.process.join()
    _check(worker)
    _log.warning("Server process %s ended (%s); another takes its place.", worker.process.pid, worker.process.exitcode)
    return _start(work, worker.listener)


def _check(worker: _Worker) -> None:
    if worker.process.exitcode is not None and not worker.answers.value:
        raise WorkerError(
            f"A server process ended with exit code {worker.process.exitcode} before it could answer. "
            "Run `whybuy serve --workers 1` to see why."
        )
