"""Measures two engines in turns on one folder of data, and what the turns say as figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from peer_processes import Side

MODES = {"ours": ("mmap",), "theirs": ("mmap", "BINARY_SEARCH_CHUNKED", "HASH_CHUNKED", "CSC")}
TURN = 50  # queries that one side answers before the other
TRIED = 100  # queries that choose the fastest mode
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contender:
    """One of the two engines."""

    name: str  # "ours" or "theirs"
    python: Path
    script: str
    model: Path  # folder for its models

    def start(self, data: Path, *, threads: int = 1) -> Side:
        """A process that holds the queries ready."""
        side = Side(self.python, self.script, threads=threads)
        side.ask("prepare", data=str(data))
        return side


def train_in_turns(contenders: Sequence[Contender], data: Path, *, rounds: int, threads: int) -> dict[str, Figures]:
    """Train each in fresh processes. Returns: by name, the fastest seconds and the highest peak of memory."""
    runs: dict[str, list[Figures]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            with Side(contender.python, contender.script, threads=threads) as side:
                figures = side.ask("train", data=str(data), model=str(contender.model), threads=threads)
            runs[contender.name].append(figures)
    return {
        name: {
            "train_s": min(run["seconds"] for run in done),
            "train_s_of_rounds": [run["seconds"] for run in done],
            "train_cpu_s": min(run["cpu_s"] for run in done),
            "peak_mb": max(run["peak_mb"] for run in done),
            "read_mb": max(run["read_mb"] for run in done),
            "started_mb": max(run["started_mb"] for run in done),
        }
        for name, done in runs.items()
    }


def fastest_mode(contender: Contender, data: Path, command: str, **arguments: object) -> str:
    """The mode in which the engine answers a command with the lowest median time a query, on one thread."""
    modes = MODES[contender.name]
    if len(modes) == 1:
        return modes[0]
    medians = {}
    with contender.start(data) as side:
        for mode in modes:
            side.ask("open", model=str(contender.model), mode=mode, texts=command == "strings")
            medians[mode] = min(np.median(side.ask(command, **arguments)["us"]) for _ in range(3))
    return min(modes, key=medians.__getitem__)


def answer_in_turns(
    contenders: Sequence[Contender], data: Path, command: str, *, rounds: int, queries: int
) -> dict[str, Figures]:
    """Ask one query at a time, a block of one side after a block of the other.

    Returns: by name, percentiles in microseconds over all queries of all rounds, and over the medians of each query.
    """
    modes = {one.name: fastest_mode(one, data, command, start=0, count=min(TRIED, queries)) for one in contenders}
    taken: dict[str, list[list[float]]] = {one.name: [] for one in contenders}
    sides = {one.name: one.start(data) for one in contenders}
    for one in contenders:
        sides[one.name].ask("open", model=str(one.model), mode=modes[one.name], texts=command == "strings")
    for _ in range(rounds):
        for blocks in taken.values():
            blocks.append([])
        for start in range(0, queries, TURN):
            count = min(TURN, queries - start)
            for name, side in sides.items():
                taken[name][-1] += side.ask(command, start=start, count=count)["us"]
    for side in sides.values():
        side.close()
    return {name: {"mode": modes[name], **_percentiles(np.array(times))} for name, times in taken.items()}


def _percentiles(times: np.ndarray) -> Figures:
    steady = np.median(times, axis=0)
    return {
        "p50_us": float(np.percentile(times, 50)),
        "p90_us": float(np.percentile(times, 90)),
        "p99_us": float(np.percentile(times, 99)),
        "p99_us_of_medians": float(np.percentile(steady, 99)),
    }


def batch_in_turns(
    contenders: Sequence[Contender], data: Path, *, rounds: int, queries: int, threads: int
) -> dict[str, Figures]:
    """Ask all queries at once. Returns: by name, the median microseconds a query, by the clock and of processors."""
    arguments = {"start": 0, "count": queries, "threads": threads}
    modes = {one.name: fastest_mode(one, data, "batch", **arguments) for one in contenders}
    sides = {one.name: one.start(data) for one in contenders}
    for one in contenders:
        sides[one.name].ask("open", model=str(one.model), mode=modes[one.name])
        sides[one.name].ask("batch", **arguments)
    taken: dict[str, list[Figures]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            taken[name].append(side.ask("batch", **arguments))
    for side in sides.values():
        side.close()
    return {
        name: {"mode": modes[name]} | {unit: float(np.median([run[unit] for run in runs])) for unit in ("us", "cpu_us")}
        for name, runs in taken.items()
    }


def opening(contender: Contender, data: Path, *, mode: str = "mmap", rounds: int = 5) -> Figures:
    """Milliseconds to the first answer: in a process that has answered before, and from the start of a process."""
    began = perf_counter()
    side = contender.start(data)
    model = str(contender.model)
    cold = side.ask("open", model=model, mode=mode)
    cold_ms = 1e3 * (perf_counter() - began)
    warm = [side.ask("open", model=model, mode=mode) for _ in range(rounds)]
    side.close()
    return {
        "open_ms": float(np.median([figures["open_ms"] for figures in warm])),
        "first_answer_ms": float(np.median([figures["first_answer_ms"] for figures in warm])),
        "first_answer_in_new_process_ms": cold["first_answer_ms"],
        "from_start_of_process_ms": cold_ms,
    }


def ranked(contender: Contender, data: Path, target: Path, *, beam: int = 10, texts: bool = False) -> np.ndarray:
    """The 100 best labels of every query."""
    with contender.start(data, threads=2) as side:
        side.ask("open", model=str(contender.model), mode="mmap", texts=texts)
        side.ask("predict", target=str(target), limit=100, beam=beam, texts=texts)
    found: np.ndarray = np.load(target)
    return found


def ratio(figures: dict[str, Figures], value: Callable[[Figures], float]) -> float:
    """Ours over theirs."""
    return value(figures["ours"]) / value(figures["theirs"])
