"""Ten million synthetic events become behavior pairs; prints seconds and peak memory of the mining as JSON.

Run `python benchmarks/pairs_10m.py [EVENTS]`. The logs are made in a temporary folder, which goes at the end.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whybuy.behavior.mining import PairConfig, mine_pairs
from whybuy.records import EVENT_SCHEMA, PRODUCT_SCHEMA, QUERY_SCHEMA

PRODUCTS = 50_000
TYPES = 1_000
QUERY_TEXTS = 200_000
HITS = 10
CHUNKS = 10


def main() -> None:
    """Make the logs, mine them in a process of its own, print what it took."""
    if len(sys.argv) == 3 and sys.argv[1] == "--mine":
        mine(Path(sys.argv[2]))
        return
    events = int(sys.argv[1]) if len(sys.argv) == 2 else 10_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        write_logs(folder, events)
        print(f"made {events:,} events in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        subprocess.run([sys.executable, __file__, "--mine", name], check=True)


def mine(folder: Path) -> None:
    """Mine the logs of a folder and print the figures."""
    began = time.perf_counter()
    report = mine_pairs(folder, folder / "products.parquet", folder / "pairs", PairConfig(memory_limit="3GB"))
    seconds = time.perf_counter() - began
    print("\n".join(report.lines()), file=sys.stderr)
    figures = {
        "events": report.events,
        "searches": report.searches,
        "pairs": report.pairs,
        "seconds": round(seconds, 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "cores": len(os.sched_getaffinity(0)),
    }
    print(json.dumps(figures))


def write_logs(folder: Path, events: int) -> None:
    """Write a catalog, and sessions of searches, clicks and purchases with `events` events in all."""
    random = np.random.default_rng(7)
    pq.write_table(make_products(), folder / "products.parquet")
    with (
        pq.ParquetWriter(folder / "events.parquet", EVENT_SCHEMA) as event_writer,
        pq.ParquetWriter(folder / "queries.parquet", QUERY_SCHEMA) as query_writer,
    ):
        for chunk in range(CHUNKS):
            queries, actions = make_chunk(random, chunk, events // CHUNKS)
            query_writer.write_table(queries)
            event_writer.write_table(actions)


def make_products() -> pa.Table:
    """Products of a thousand types in a tree of three levels."""
    number = np.arange(PRODUCTS)
    product_type = number % TYPES
    empty = pa.array([""] * PRODUCTS)
    columns = dict.fromkeys(PRODUCT_SCHEMA.names, empty)
    columns |= {
        "product_id": text("P", number),
        "product_type": text("type ", product_type),
        "type_confidence": pa.array(np.ones(PRODUCTS, np.float32)),
        "category": pa.array([["shop", f"room {kind % 20}", f"type {kind}"] for kind in product_type.tolist()]),
        "attributes": pa.array([[]] * PRODUCTS, PRODUCT_SCHEMA.field("attributes").type),
        "price": pa.nulls(PRODUCTS, pa.float64()),
    }
    return pa.table(columns).cast(PRODUCT_SCHEMA)


def make_chunk(random: np.random.Generator, chunk: int, events: int) -> tuple[pa.Table, pa.Table]:
    """Sessions of their own clients: two searches each on average; most clicks and buys on the type searched for."""
    searches = events * 2 // 5
    client = np.sort(random.integers(0, searches // 2, searches)) + chunk * 10_000_000
    asked = random.integers(0, 365 * 86_400, searches // 2)[client - chunk * 10_000_000] + np.arange(searches) % 7 * 90
    query = np.minimum(random.zipf(1.2, searches), QUERY_TEXTS) - 1
    first = (query[:, None] % TYPES) + TYPES * random.integers(0, PRODUCTS // TYPES, (searches, HITS))
    identifier = np.arange(searches) + chunk * searches
    queries = pa.table(
        {
            "timestamp": moments(asked),
            "query_id": text("q", identifier),
            "query": text("need ", query),
            "client_id": text("c", client),
            "session_id": text("", np.full(searches, -1)),
            "hits": pa.FixedSizeListArray.from_arrays(text("P", first.ravel()), HITS),
        }
    ).cast(QUERY_SCHEMA)
    source = np.sort(random.integers(0, searches, events))
    rank = np.minimum(random.geometric(0.3, events), HITS) - 1
    action = random.choice(np.array(["click", "add_to_cart", "purchase"]), events, p=[0.86, 0.08, 0.06])
    product = np.where(random.random(events) < 0.95, first[source, rank], random.integers(0, PRODUCTS, events))
    actions = pa.table(
        {
            "timestamp": moments(asked[source] + 5 + random.integers(0, 80, events)),
            "action": pa.array(action),
            "product_id": text("P", product),
            "client_id": text("c", client[source]),
            "session_id": text("", np.full(events, -1)),
            "query_id": text("q", identifier[source]),
            "query": text("", np.full(events, -1)),
            "position": pa.array(rank + 1, pa.int32()),
        }
    ).cast(EVENT_SCHEMA)
    return queries, actions


def text(prefix: str, numbers: np.ndarray) -> pa.Array:
    """Each number as text behind a prefix; empty where it is negative."""
    joined = pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")
    return pc.if_else(pa.array(numbers < 0), "", joined)


def moments(seconds: np.ndarray) -> pa.Array:
    """Seconds of a year as timestamps."""
    return pa.array(1_735_689_600_000_000 + seconds * 1_000_000).cast(pa.timestamp("us"))


if __name__ == "__main__":
    main()
