"""What the peers share that are run once: `python NAME_ranks.py DATA TARGET` writes `labels.npy` and `figures.json`."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from worker import Labels, Question, microseconds

LIMIT = 100  # ranks
Found = TypeVar("Found")
TIMED = 200  # queries that are also asked one by one


def run(rank: Callable[[Path, Path], tuple[Labels, dict[str, float]]]) -> None:
    """Call with the two folders of the command line and write what comes back."""
    data, target = map(Path, sys.argv[1:])
    target.mkdir(parents=True, exist_ok=True)
    labels, figures = rank(data, target)
    np.save(target / "labels.npy", np.asarray(labels, np.int32))
    (target / "figures.json").write_text(json.dumps(figures))


def timed(work: Callable[[], Found]) -> tuple[Found, float]:
    """What comes out, and after how many seconds."""
    began = time.perf_counter()
    found = work()
    return found, time.perf_counter() - began


def single_ms(answer: Callable[[Question], object], questions: Sequence[Question]) -> dict[str, float]:
    """Milliseconds of one query, asked alone."""
    p50, p99 = np.percentile(microseconds(answer, questions), [50, 99]) / 1e3
    return {"single_p50_ms": float(p50), "single_p99_ms": float(p99)}


def padded(rows: Sequence[Sequence[int]]) -> Labels:
    """Lists of labels as a matrix, queries x LIMIT, -1 past the end."""
    labels = np.full((len(rows), LIMIT), -1, np.int32)
    for row, found in enumerate(rows):
        labels[row, : len(found)] = found[:LIMIT]
    return labels
