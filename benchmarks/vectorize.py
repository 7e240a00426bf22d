"""N-gram vectors of Home Depot queries beside scikit-learn's of the same n-grams, as JSON; ratios are ours over theirs.

Usage: `python benchmarks/vectorize.py [batch queries]`, with the data under `$WHYBUY_DATA`.
"""

import functools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from whybuy.vectors.ngrams import NgramVectorizer

DATA = Path(os.environ.get("WHYBUY_DATA", Path(__file__).parents[2] / "shared" / "data")) / "homedepot"
SINGLE_QUERIES = 1000


class Peer:
    """scikit-learn: one vectorizer for each set of n-grams, side by side."""

    def __init__(self, titles: list[str]) -> None:
        words = [TfidfVectorizer(ngram_range=(length, length), token_pattern=r"\w+") for length in (1, 2, 3)]
        self.sets = [*words, TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3))]
        for one in self.sets:
            one.fit(titles)

    def transform(self, texts: list[str]) -> csr_matrix:
        """Shape (texts, features), rows of norm 1."""
        return normalize(hstack([one.transform(texts) for one in self.sets], format="csr", dtype=np.float32))


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """How long one call takes; by `time.process_time` other programs on the machine count little."""
    start = clock()
    work()
    return clock() - start


def single(vectorizer: NgramVectorizer, peer: Peer, queries: list[str]) -> dict[str, float]:
    """Microseconds a query, fifty of one and fifty of the other in turn, so that a busy machine slows both."""
    ours, theirs = [], []
    for start in range(0, len(queries), 50):
        some = queries[start : start + 50]
        ours += [1e6 * seconds(functools.partial(vectorizer.vector, query)) for query in some]
        theirs += [1e6 * seconds(functools.partial(peer.transform, [query])) for query in some]
    return {
        "query_p50_us": float(np.median(ours)),
        "query_p99_us": float(np.percentile(ours, 99)),
        "scikit_learn_p50_us": float(np.median(theirs)),
        "ratio": float(np.median(ours) / np.median(theirs)),
    }


def batch(vectorizer: NgramVectorizer, peer: Peer, queries: list[str], size: int) -> dict[str, float]:
    """Queries a second of one processor, and on the clock with two threads."""
    column = pa.array((queries * (size // len(queries) + 1))[:size])
    ours = size / seconds(lambda: vectorizer.transform(column), time.process_time)
    theirs = len(queries) / seconds(lambda: peer.transform(queries), time.process_time)
    return {
        "queries_per_cpu_s": ours,
        "scikit_learn_queries_per_cpu_s": theirs,
        "ratio": ours / theirs,
        "queries_per_s": size / seconds(lambda: vectorizer.transform(column)),
        "queries_per_s_2_threads": size / seconds(lambda: vectorizer.transform(column, threads=2)),
    }


def main(size: int) -> None:
    """Fit both, ask both, print."""
    titles = pq.read_table(DATA / "products.parquet")["title"]
    queries = list(dict.fromkeys(pq.read_table(DATA / "judgments.parquet")["query"].to_pylist()))
    small = NgramVectorizer.fit(titles[:100])  # kernels are compiled, or read from disk
    small.vector(queries[0])
    small.transform(titles[:100])
    fit_seconds = seconds(lambda: NgramVectorizer.fit(titles), time.process_time)
    vectorizer = NgramVectorizer.fit(titles)
    title_list = titles.to_pylist()
    peer_seconds = seconds(lambda: Peer(title_list), time.process_time)
    peer = Peer(title_list)
    with tempfile.TemporaryDirectory() as folder:
        vectorizer.save(Path(folder))
        megabytes = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
        load_seconds = seconds(lambda: NgramVectorizer.load(Path(folder)))
    figures = {
        "titles": len(titles),
        "features": vectorizer.features,
        "scikit_learn_features": peer.transform(["steel"]).shape[1],
        "fit": {"cpu_s": fit_seconds, "scikit_learn_cpu_s": peer_seconds, "ratio": fit_seconds / peer_seconds},
        "folder_mb": megabytes,
        "load_ms": 1000 * load_seconds,
        "single": single(vectorizer, peer, queries[:SINGLE_QUERIES]),
        "batch": batch(vectorizer, peer, queries, size),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
