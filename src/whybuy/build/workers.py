"""Runs the stages of a build: in this process one after the other, or in worker processes side by side."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from typing import Protocol

from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore
from whybuy.build.plan import Planned
from whybuy.build.stage import StageShop, Summary
from whybuy.errors import ArtifactError, InputError
from whybuy.shop import Shop

_PATIENCE = 10.0  # seconds in which a stopped worker may clean up


@dataclass(frozen=True, slots=True)
class Made:
    """A stage that was made."""

    summary: Summary
    seconds: float
    process: int  # number of the process that made it
    peak_memory: int  # bytes, the most that this process has held so far


class Workers(Protocol):
    """Makes stages, some of them at a time."""

    size: int  # stages at a time

    def start(self, planned: Planned) -> None:
        """Begin with a stage; its sources are made."""
        ...

    def finished(self) -> tuple[Planned, Made]:
        """Wait for a stage that was begun."""
        ...


class ThisProcess:
    """Makes one stage at a time, here."""

    size = 1

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._started: list[Planned] = []

    def start(self, planned: Planned) -> None:
        """Store the stage for `finished`."""
        self._started.append(planned)

    def finished(self) -> tuple[Planned, Made]:
        """Make the stage."""
        planned = self._started.pop(0)
        return planned, make(_shop_for(planned, self._shop), planned)


class Processes:
    """Makes stages in processes of their own, which take the memory that they used with them."""

    def __init__(self, shop: Shop, pool: ProcessPoolExecutor, size: int) -> None:
        self.size = size
        self._shop, self._pool = shop, pool
        self._running: dict[Future[Made], Planned] = {}

    def start(self, planned: Planned) -> None:
        """Submit the stage to a process."""
        with _ctrl_c_held_back():  # the first stage spawns the processes
            task = self._pool.submit(_make_here, _shop_for(planned, self._shop), planned)
        self._running[task] = planned

    def finished(self) -> tuple[Planned, Made]:
        """Wait for the first stage that is ready, or has failed.

        Raises:
            ArtifactError: a process was killed.
        """
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        task = next(iter(done))
        planned = self._running.pop(task)
        try:
            return planned, task.result()
        except BrokenProcessPool:
            where = f"{planned.stage.kind} or beside it" if self.size > 1 else planned.stage.kind
            remedy = "with --processes 1" if self.size > 1 else "when more memory is free"
            raise ArtifactError(
                f"A process that built was killed, in the stage {where}; most often memory ran out. "
                f"What was finished is kept. Run the same command again {remedy}."
            ) from None


@contextmanager
def open_workers(shop: Shop, processes: int) -> Iterator[Workers]:
    """The workers that make the stages of a shop. processes: how many; 0 is this process alone.

    Whatever stops the block ends the processes, and they leave nothing half-written.
    """
    if not processes:
        yield ThisProcess(shop)
        return
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare)
    try:
        yield Processes(shop, pool, processes)
        pool.shutdown()
    except BaseException:
        _stop(set(multiprocessing.active_children()) - before)
        pool.shutdown(cancel_futures=True)
        ArtifactStore(shop.store / ARTIFACTS_FOLDER).drop_drafts()
        raise


def make(shop: StageShop, planned: Planned) -> Made:
    """Make the artifact of a stage in the store of a shop.

    Raises:
        InputError: a source file was written meanwhile, so that the artifact would not be what its key says.
    """
    started, stage = time.perf_counter(), planned.stage
    artifacts = ArtifactStore(shop.store / ARTIFACTS_FOLDER)
    with artifacts.create(stage.kind, planned.key, stage.version, planned.inputs) as (folder, summary):
        summary.update(stage.make(shop, folder))
        if changed := planned.changed_file():
            raise InputError(f"{changed} was written while the build read it. Run the same command again.")
    return Made(summary, time.perf_counter() - started, os.getpid(), _peak_memory())


def _shop_for(planned: Planned, shop: Shop) -> StageShop:
    """What a stage is given of a shop."""
    folders = {kind: shop.folder(kind) for kind in planned.after}
    return StageShop(shop.store, shop.settings, folders, planned.judgments)


def _make_here(shop: StageShop, planned: Planned) -> Made:
    """Make a stage in a worker process."""
    try:
        return make(shop, planned)
    except SystemExit:  # the draft is gone; the pool would take this for a failed task and go on
        os._exit(1)


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Ctrl-C waits until the block ends; processes that are spawned in it never get it, not even while they import."""
    if sys.platform == "win32":
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _prepare() -> None:
    """Ignore Ctrl-C, which the building process handles, and clean up when it asks to stop or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _exit)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Stop this process when the building one was killed; the pool would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os._exit(1)


def _exit(*_: object) -> None:
    """Unwind, so that drafts are removed; what an interrupted library says of it is no news to a person."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.exit(1)


def _stop(workers: Collection[multiprocessing.process.BaseProcess]) -> None:
    """End processes, which have a while to clean up. The pool joins them: a second waiter would see them as alive."""
    for worker in workers:
        worker.terminate()
    alive, deadline = {worker.sentinel for worker in workers}, time.monotonic() + _PATIENCE
    while alive and (left := deadline - time.monotonic()) > 0:
        alive -= set(connection.wait(alive, left))
    for worker in workers:
        worker.kill()


if sys.platform == "win32":

    def _peak_memory() -> int:
        """Unknown on this operating system."""
        return 0

else:
    import resource

    def _peak_memory() -> int:
        """Bytes of memory that this process held at most."""
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
