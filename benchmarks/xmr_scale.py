"""How the label tree grows with the catalog: training, memory, size and latency by number of labels, as JSON.

`python benchmarks/xmr_scale.py [LABELS ...]` makes synthetic catalogs with three training queries a label, each in a
process of its own, fits power laws, and writes `results/xmr_scale.json`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking_data import synthetic
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.training.trainer import train_tree
from whybuy.xmr.tree import XMRTree

RESULTS = Path(__file__).parents[1] / "results" / "xmr_scale.json"
SIZES = (10_000, 100_000, 1_000_000)
QUERIES_PER_LABEL = 3
THREADS = 2
EXTRAPOLATED = 100_000_000  # labels
AT = "at_100_million"
GROWING = ("train_s", "peak_mb", "tree_mb", "vectorizer_mb")
LATENCIES = ("single_p50_us", "single_p99_us", "single_p99_us_of_medians")
ROUNDS = 3  # of single queries
Figures = dict[str, Any]
Vector = tuple[NDArray[np.int32], NDArray[np.float32]]  # ids, values


def measure(labels: int, folder: Path) -> Figures:
    """Everything from texts to answers, in this process; memory is its peak, with the making of the catalog."""
    clock = Clock()
    data = synthetic(labels, QUERIES_PER_LABEL * labels)
    clock.note("catalog_s")
    vectorizer = NgramVectorizer.fit(data.queries, threads=THREADS)
    features = vectorizer.transform(data.queries, threads=THREADS)
    clock.note("vectorize_s")
    made = peak_megabytes()
    tree = train_tree(features, data.labels, threads=THREADS)
    clock.note("fit_s")
    peak = peak_megabytes()
    vectorizer.save(folder / "vectorizer")
    tree.save(folder / "tree")
    clock.note("save_s")
    seconds = clock.seconds
    searched = search(XMRTree.load(folder / "tree"), NgramVectorizer.load(folder / "vectorizer"), data.asked)
    report = data.report({"tree": searched.pop("labels")}).rankers["tree"]
    return {
        "labels": labels,
        "queries": len(data.queries),
        "features": vectorizer.features,
        "features_per_query": features.nnz / features.shape[0],
        **seconds,
        "train_s": seconds["vectorize_s"] + seconds["fit_s"],
        "peak_before_fit_mb": made,
        "peak_mb": peak,
        "tree_mb": megabytes(folder / "tree"),
        "vectorizer_mb": megabytes(folder / "vectorizer"),
        **searched,
        "recall@10": report.mean("recall@10"),
        "recall@100": report.mean("recall@100"),
    }


class Clock:
    """Seconds between one note and the next."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def note(self, name: str) -> None:
        """Give the time since the last note a name."""
        now = time.perf_counter()
        self.seconds[name], self._last = now - self._last, now


def search(tree: XMRTree, vectorizer: NgramVectorizer, asked: list[str]) -> Figures:
    """Latency of single queries from their vectors and of all at once, on one thread, and what is found."""
    rows = vectorizer.transform(asked)
    tree.predict(rows[:100], limit=100)
    vectors = [(rows.indices[start:end], rows.data[start:end]) for start, end in pairwise(rows.indptr)]
    time_queries(tree, vectors[:1])
    taken = np.array([time_queries(tree, vectors) for _ in range(ROUNDS)])
    began = time.perf_counter()
    tree.predict(rows)
    batch = time.perf_counter() - began
    return {
        "single_p50_us": float(np.percentile(taken, 50)),
        "single_p99_us": float(np.percentile(taken, 99)),
        "single_p99_us_of_medians": float(np.percentile(np.median(taken, axis=0), 99)),
        "batch_us": 1e6 * batch / len(asked),
        "labels": tree.predict(rows, limit=100).labels,
    }


def time_queries(tree: XMRTree, vectors: Sequence[Vector]) -> list[float]:
    """Microseconds of each query, asked one after the other."""
    taken = []
    for ids, values in vectors:
        began = time.perf_counter_ns()
        tree.search(ids, values)
        taken.append((time.perf_counter_ns() - began) / 1e3)
    return taken


def extrapolate(runs: Sequence[Figures]) -> dict[str, dict[str, float]]:
    """What the step between the two largest sizes says of many more labels: a trend stated, nothing measured.

    Time, memory and size are taken to go on with the power of labels that they grew with; latency, which grows with the
    levels of the tree, by as much for each tenfold as it did.
    """
    small, large = sorted(runs, key=lambda run: run["labels"])[-2:]
    step = np.log10(large["labels"] / small["labels"])
    further = np.log10(EXTRAPOLATED / large["labels"])
    laws = {}
    for name in GROWING:
        power = float(np.log10(large[name] / small[name]) / step)
        laws[name] = {"power_of_labels": power, AT: float(large[name] * 10 ** (power * further))}
    for name in LATENCIES:
        more = float((large[name] - small[name]) / step)
        laws[name] = {"more_for_each_tenfold": more, AT: float(large[name] + more * further)}
    return laws


def peak_megabytes() -> float:
    """The most memory that this process has held; getrusage would count its parent's until it was started."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3


def megabytes(folder: Path) -> float:
    """Of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def in_own_process(labels: int) -> Figures:
    """Measure one size in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--one", str(labels), folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: Figures = json.loads(done.stdout)
    return figures


def main(sizes: Sequence[int], results: Path) -> None:
    """Measure all sizes, the kernels being compiled before; print and write."""
    in_own_process(1_000)
    runs = []
    for labels in sizes:
        runs.append(in_own_process(labels))
        print(json.dumps(runs[-1], indent=1), flush=True)
    body = {
        "command": " ".join(["python benchmarks/xmr_scale.py", *map(str, sizes)]),
        "cores": len(os.sched_getaffinity(0)),
        "runs": runs,
        "extrapolation": extrapolate(runs) if len(runs) > 1 else {},
    }
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(int(sys.argv[2]), Path(sys.argv[3]))))
    else:
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("labels", nargs="*", type=int, default=SIZES)
        parser.add_argument("--results", type=Path, default=RESULTS)
        options = parser.parse_args()
        main(options.labels, options.results)
