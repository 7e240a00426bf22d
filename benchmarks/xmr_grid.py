"""The grid of the product-search paper on one data set: weight thresholds x beams x feature sets, as JSON.

`python benchmarks/xmr_grid.py [--data demo|homedepot] [--shop FOLDER]` prints recall, latency and size, and writes
`results/xmr_grid_DATA.json`. Chang et al., KDD 2021, arXiv 2106.12657.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from ranking_data import RankingData, demo_shop, home_depot
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.embeddings import pifa
from whybuy.xmr.training.node_rankers import train_rankers
from whybuy.xmr.training.packing import pack
from whybuy.xmr.training.solver import SvmRanker
from whybuy.xmr.tree import XMRTree

RESULTS = Path(__file__).parents[1] / "results"
FEATURE_SETS = {
    "words": NgramConfig(words=1, characters=0),
    "word n-grams": NgramConfig(words=3, characters=0),
    "characters": NgramConfig(words=0, characters=3),
    "all": NgramConfig(words=3, characters=3),
}
THRESHOLDS = (0.1, 0.2, 0.3, 0.35, 0.4, 0.45)
BEAMS = (1, 2, 5, 10, 20, 50)
THREADS = 2
TIMED = 1_000  # queries
Figures = dict[str, Any]


def grid(data: RankingData, thresholds: Sequence[float], beams: Sequence[int]) -> Iterator[Figures]:
    """One line per cell."""
    for name, config in FEATURE_SETS.items():
        vectorizer = NgramVectorizer.fit([*data.queries, *data.titles], config, threads=THREADS)
        features, asked = (vectorizer.transform(texts, threads=THREADS) for texts in (data.texts, data.asked))
        tree = BalancedKMeans()(pifa(features, data.labels), threads=THREADS)
        for threshold in thresholds:
            began = time.perf_counter()
            trained = train(features, data, tree, threshold)
            row = {
                "features": name,
                "columns": vectorizer.features,
                "threshold": threshold,
                "train_s": time.perf_counter() - began,
                "tree_mb": megabytes(trained),
            }
            for beam in beams:
                yield row | answer(trained, data, asked, beam)


def train(features: csr_matrix, data: RankingData, tree: LabelTree, threshold: float) -> XMRTree:
    """All cells of one feature set share one label tree."""
    chunks = train_rankers(features, data.labels, tree, ranker=SvmRanker(threshold=threshold), threads=THREADS)
    return XMRTree(tree, pack(chunks, tree, features.shape[1]))


def answer(tree: XMRTree, data: RankingData, asked: csr_matrix, beam: int) -> Figures:
    """Recall over all queries, and microseconds of single ones from their vectors."""
    found = tree.predict(asked, beam=beam, limit=100, threads=THREADS).labels
    report = data.report({"tree": found}).rankers["tree"]
    taken = []
    for start, end in pairwise(asked.indptr[: TIMED + 1]):
        began = time.perf_counter_ns()
        tree.search(asked.indices[start:end], asked.data[start:end], beam=beam, limit=10)
        taken.append((time.perf_counter_ns() - began) / 1e3)
    return {
        "beam": beam,
        "recall@10": report.mean("recall@10"),
        "recall@100": report.mean("recall@100"),
        "single_p50_us": float(np.percentile(taken, 50)),
        "single_p99_us": float(np.percentile(taken, 99)),
    }


def megabytes(tree: XMRTree) -> float:
    """The saved tree's size."""
    with tempfile.TemporaryDirectory() as folder:
        tree.save(Path(folder) / "tree")
        return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / 1e6


def main() -> None:
    """Measure, print line by line, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["demo", "homedepot"], default="demo")
    parser.add_argument("--shop", type=Path, help="the demo shop's files; made in a temporary folder by default")
    parser.add_argument("--thresholds", nargs="+", type=float, default=THRESHOLDS)
    parser.add_argument("--beams", nargs="+", type=int, default=BEAMS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = home_depot() if options.data == "homedepot" else demo_shop(options.shop or Path(folder))
    cells = []
    for cell in grid(data, options.thresholds, options.beams):
        print(json.dumps(cell), flush=True)
        cells.append(cell)
    body = {"command": f"python benchmarks/xmr_grid.py --data {options.data}", "cells": cells}
    options.results.mkdir(parents=True, exist_ok=True)
    target = options.results / f"xmr_grid_{options.data}.json"
    target.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
