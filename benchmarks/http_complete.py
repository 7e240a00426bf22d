"""Loads a running `whybuy serve` with keystrokes at a fixed rate, and says how long the answers take, as JSON.

    python benchmarks/http_complete.py STORE [--rate 50 200] [--workers 1] [--seconds 20]

The keystrokes are prefixes of the shop's own suggestions, drawn evenly, each after another one. An
open loop, as in `http_search.py`.
"""

import argparse
import asyncio
import json
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pyarrow.parquet as pq

from http_search import load, report, serving
from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore


def main() -> None:
    """Serve, type, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--rate", type=float, nargs="+", default=[50.0, 200.0], help="keystrokes a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    folder = ArtifactStore(asked.store / ARTIFACTS_FOLDER).current()["completions"]
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
        loads.append({"rate": rate, "workers": asked.workers} | report(heard, asked.seconds))
    print(json.dumps(loads, indent=1))


if __name__ == "__main__":
    main()
