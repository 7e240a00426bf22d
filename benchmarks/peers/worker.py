"""Measures one engine on commands that come as JSON lines, so that two engines can be measured in turns.

Plain Python for the environment of any engine. A folder of data holds `features.npz`, `labels.npz`, `asked.npz` (sparse
matrices: training instances x features, instances x labels, queries x features), texts as JSON lists
(`texts` of the training instances, `titles` of the labels, `asked` queries) and the label tree.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, load_npz

Figures = dict[str, Any]
Labels = NDArray[np.int32]  # shape (queries, limit), best first, -1 past the end
Question = TypeVar("Question")


class Engine(Protocol):
    """A label-tree ranker as far as it is measured."""

    def read(self, data: Path) -> None:
        """Load what training needs."""

    def train(self, threads: int, cost: float, threshold: float) -> None:
        """Train on what was read. cost: of a wrong instance; threshold: below which weights are dropped."""

    def train_strings(self, vectorizer: str, texts: list[str], threads: int) -> None:
        """Fit a vectorizer of its own on the texts of what was read, and train on its features."""

    def save(self, model: Path) -> None:
        """Write what was trained."""

    def open(self, model: Path, mode: str) -> None:
        """Open a model as it is read fastest in this mode."""

    def ask(self, vectors: csr_matrix, beam: int) -> Callable[[int], object]:
        """What answers one row with the 10 best labels, on one thread; the rows are cut out beforehand."""

    def ask_text(self, beam: int) -> Callable[[str], object]:
        """What answers one text with the 10 best labels, on one thread."""

    def batch(self, vectors: csr_matrix, beam: int, threads: int) -> object:
        """Answer all rows with the 10 best labels each, in the engine's own form."""

    def best(self, vectors: csr_matrix, beam: int, limit: int) -> Labels:
        """The best labels of all rows."""

    def best_of_texts(self, texts: list[str], beam: int, limit: int) -> Labels:
        """The best labels of all texts."""


class Worker:
    """One engine and the queries that it holds ready."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asked = csr_matrix((0, 0), dtype=np.float32)
        self._texts: list[str] = []

    def train(self, data: str, model: str, threads: int, cost: float = 1.0, threshold: float = 0.1) -> Figures:
        """Train on the features of a folder and save; seconds are without reading and saving."""
        started = peak_megabytes()
        self._engine.read(Path(data))
        read = peak_megabytes()
        began, worked = time.perf_counter(), time.process_time()
        self._engine.train(threads, cost, threshold)
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
        peak = peak_megabytes()
        self._engine.save(Path(model))
        return {"seconds": seconds, "cpu_s": worked, "started_mb": started, "read_mb": read, "peak_mb": peak}

    def train_strings(self, data: str, model: str, vectorizer: str, threads: int) -> Figures:
        """Train on the texts of a folder with a vectorizer of the engine's own and save."""
        self._engine.read(Path(data))
        began = time.perf_counter()
        self._engine.train_strings(vectorizer, read_texts(data, "texts"), threads)
        seconds = time.perf_counter() - began
        self._engine.save(Path(model))
        return {"seconds": seconds}

    def prepare(self, data: str) -> Figures:
        """Hold the queries of a folder ready."""
        self._asked = load_npz(Path(data) / "asked.npz").tocsr()
        self._texts = read_texts(data, "asked")
        return {"queries": len(self._texts)}

    def open(self, model: str, mode: str, texts: bool = False) -> Figures:
        """Open a model and give the first answer, to a text where the model has its own vectorizer."""
        began = time.perf_counter()
        self._engine.open(Path(model), mode)
        opened = time.perf_counter()
        if texts:
            self._engine.ask_text(10)(self._texts[0])
        else:
            self._engine.ask(self._asked[:1], 10)(0)
        return {"open_ms": 1e3 * (opened - began), "first_answer_ms": 1e3 * (time.perf_counter() - began)}

    def single(self, start: int, count: int, beam: int = 10) -> Figures:
        """Microseconds of each query from its vector to ids."""
        rows = self._asked[start : start + count]
        return {"us": microseconds(self._engine.ask(rows, beam), range(rows.shape[0]))}

    def strings(self, start: int, count: int, beam: int = 10) -> Figures:
        """Microseconds of each query from its text to ids."""
        return {"us": microseconds(self._engine.ask_text(beam), self._texts[start : start + count])}

    def batch(self, start: int, count: int, threads: int, beam: int = 10) -> Figures:
        """Microseconds a query of many at once, by the clock and of processors."""
        rows = self._asked[start : start + count]
        began, worked = time.perf_counter(), time.process_time()
        self._engine.batch(rows, beam, threads)
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
        return {"us": 1e6 * seconds / rows.shape[0], "cpu_us": 1e6 * worked / rows.shape[0]}

    def predict(self, target: str, limit: int, beam: int = 10, texts: bool = False) -> Figures:
        """Write the best labels of every query."""
        if texts:
            labels = self._engine.best_of_texts(self._texts, beam, limit)
        else:
            labels = self._engine.best(self._asked, beam, limit)
        np.save(target, labels)
        return {"answered": int((labels[:, 0] >= 0).sum())}


def serve(worker: object) -> None:
    """Answer JSON lines {"do": command, ...} from standard input until it ends; what libraries print goes to errors."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(getattr(worker, request.pop("do"))(**request)), file=answers, flush=True)


def microseconds(answer: Callable[[Question], object], questions: Sequence[Question]) -> list[float]:
    """How long each question takes; the first is asked once before."""
    answer(questions[0])
    taken = []
    for question in questions:
        began = time.perf_counter_ns()
        answer(question)
        taken.append((time.perf_counter_ns() - began) / 1e3)
    return taken


def read_texts(data: str | Path, name: str) -> list[str]:
    """A list of texts of a folder."""
    texts: list[str] = json.loads((Path(data) / f"{name}.json").read_text(encoding="utf-8"))
    return texts


def disk(folder: str | Path) -> float:
    """Megabytes of all files in a folder."""
    return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / 1e6


def peak_megabytes() -> float:
    """The most memory that this process has held so far; getrusage would count its parent's until it was started."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3
