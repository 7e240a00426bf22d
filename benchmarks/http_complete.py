"""Loads a running `whybuy serve` with keystrokes at a fixed rate, and says how long the answers take, as JSON.

    python benchmarks/http_complete.py STORE [--rate 50 200] [--workers 1] [--seconds 20]

The keystrokes are prefixes of the shop's own suggestions, drawn evenly, each after another one. An
open loop, as in `http_search.py`; "nothing": the same load where no completion is asked for, which is the price of HTTP
itself; "alone": a thousand of them one after the other, over one connection.
"""

import argparse
import asyncio
import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pyarrow.parquet as pq

from http_search import load, report, serving
from whybuy.shop import Shop

ALONE = 1_000


def main() -> None:
    """Serve, type, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--rate", type=float, nargs="+", default=[50.0, 200.0], help="keystrokes a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    folder = Shop.open(asked.store).folder("completions")
    texts = pq.read_table(folder / "texts.parquet", columns=["key"])["key"].to_pylist()
    rng = np.random.default_rng(7)
    loads = []
    for rate in asked.rate:
        rows = rng.integers(0, len(texts), (round(rate * (asked.seconds + 3)), 2)).tolist()
        lengths = rng.random(len(rows)).tolist()
        typed = [(texts[row][: 1 + int(share * len(texts[row]))], texts[before]) for (row, before), share in
                 zip(rows, lengths, strict=True)]  # fmt: skip
        paths = ["/v1/complete?" + urlencode({"prefix": prefix, "previous": before}) for prefix, before in typed]
        warm = round(3 * rate)
        with serving(asked.store, asked.workers) as (port, _):
            asyncio.run(load(port, paths[:warm], rate, gzip=False))
            heard = asyncio.run(load(port, paths[warm:], rate, gzip=False))
            nothing = asyncio.run(load(port, [f"{path}&limit=0" for path in paths[warm:]], rate, gzip=False))
            one_by_one = alone(port, paths[:ALONE])
        figures = {"rate": rate, "workers": asked.workers} | report(heard, asked.seconds)
        bare = report(nothing, asked.seconds)
        loads.append(figures | {"nothing": {key: bare[key] for key in ("p50_ms", "p99_ms")}, "alone": one_by_one})
    print(json.dumps(loads, indent=1))


def alone(port: int, paths: list[str]) -> dict[str, float]:
    """Milliseconds of requests that wait for each other."""
    connection, took = http.client.HTTPConnection("127.0.0.1", port), []
    for path in paths:
        began = time.perf_counter()
        connection.request("GET", path)
        connection.getresponse().read()
        took.append(1000 * (time.perf_counter() - began))
    p50, p99 = np.percentile(took, [50, 99]).round(2).tolist()
    return {"p50_ms": p50, "p99_ms": p99}


if __name__ == "__main__":
    main()
