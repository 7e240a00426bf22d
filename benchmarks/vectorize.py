"""N-gram vectors of Home Depot queries beside scikit-learn's of the same n-grams, as JSON; ratios are ours over theirs.

Usage: `python benchmarks/vectorize.py [batch queries]`, with the data under `$WHYBUY_DATA`.
"""

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


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes on the clock."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def single(vectorizer: NgramVectorizer, peer: Peer, queries: list[str]) -> dict[str, float]:
    """Microseconds a query, the two in turn, so that a busy machine slows both."""
    pairs = [
        (seconds(lambda: vectorizer.vector(query)), seconds(lambda: peer.transform([query])))  # noqa: B023
        for query in queries
    ]
    ours, theirs = 1e6 * np.array(pairs).T
    return {
        "query_p50_us": float(np.median(ours)),
        "query_p99_us": float(np.percentile(ours, 99)),
        "scikit_learn_p50_us": float(np.median(theirs)),
        "ratio": float(np.median(ours) / np.median(theirs)),
    }


def batch(vectorizer: NgramVectorizer, peer: Peer, queries: list[str], size: int) -> dict[str, float]:
    """Queries a second."""
    column = pa.array((queries * (size // len(queries) + 1))[:size])
    few = column[: len(queries)].to_pylist()
    one_thread, two_threads = (
        size / seconds(lambda: vectorizer.transform(column, threads=threads))  # noqa: B023
        for threads in (1, 2)
    )
    theirs = len(few) / seconds(lambda: peer.transform(few))
    return {
        "batch_queries_per_s": one_thread,
        "batch_2_threads_queries_per_s": two_threads,
        "scikit_learn_queries_per_s": theirs,
        "ratio": one_thread / theirs,
    }


def main(size: int) -> None:
    """Fit both, ask both, print."""
    titles = pq.read_table(DATA / "products.parquet")["title"]
    queries = list(dict.fromkeys(pq.read_table(DATA / "judgments.parquet")["query"].to_pylist()))
    small = NgramVectorizer.fit(titles[:100])  # kernels are compiled, or read from disk
    small.vector(queries[0])
    small.transform(titles[:100])
    fit_seconds = seconds(lambda: NgramVectorizer.fit(titles, threads=2))
    vectorizer = NgramVectorizer.fit(titles)
    title_list = titles.to_pylist()
    peer_seconds = seconds(lambda: Peer(title_list))
    peer = Peer(title_list)
    with tempfile.TemporaryDirectory() as folder:
        vectorizer.save(Path(folder))
        megabytes = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
        load_seconds = seconds(lambda: NgramVectorizer.load(Path(folder)))
    figures = {
        "titles": len(titles),
        "features": vectorizer.features,
        "scikit_learn_features": peer.transform(["steel"]).shape[1],
        "fit": {"seconds": fit_seconds, "scikit_learn_s": peer_seconds, "ratio": fit_seconds / peer_seconds},
        "folder_mb": megabytes,
        "load_ms": 1000 * load_seconds,
        "single": single(vectorizer, peer, queries[:SINGLE_QUERIES]),
        "batch": batch(vectorizer, peer, queries, size),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
