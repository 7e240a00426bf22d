"""Lexical search on the Home Depot set: relevance on the validation queries, build time and latency, as JSON.

Usage: `python benchmarks/lexical_homedepot.py [train|validation]`, with the data under `$WHYBUY_DATA`.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.evaluation.search import Rank, evaluate_search
from whybuy.evaluation.splits import Part, keys_of
from whybuy.qrels import read_qrels
from whybuy.records import PRODUCT_SCHEMA
from whybuy.retrieval.lexical import LexicalIndex, build_lexical
from whybuy.text import clean

DATA = Path(os.environ.get("WHYBUY_DATA", Path(__file__).parents[2] / "shared" / "data")) / "homedepot"


def products() -> pa.Table:
    """The feed, which has ids and titles alone, as products."""
    feed = pq.read_table(DATA / "products.parquet")
    rows = [
        dict.fromkeys(PRODUCT_SCHEMA.names, "")
        | {"product_id": str(product_id), "title": clean(title), "type_confidence": 0.0}
        | {"category": [], "attributes": [], "price": None}
        for product_id, title in zip(feed["product_id"].to_pylist(), feed["title"].to_pylist(), strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=PRODUCT_SCHEMA)


def ranker(index: LexicalIndex, ids: Sequence[str]) -> Rank:
    """Product ids by words alone."""
    return lambda query, limit: [ids[row] for row in index.some_words(index.analyze(query), limit).rows]


def main(part: Part) -> None:
    """Build, rank, print."""
    catalog = products()
    ids = catalog["product_id"].to_pylist()
    qrels = read_qrels(DATA / "judgments.parquet")
    qrels = qrels.only(keys_of(part, qrels.grades))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        build_lexical(catalog, Path(folder))
        build_seconds = time.perf_counter() - start
        start = time.perf_counter()
        index = LexicalIndex.open(Path(folder))
        open_ms = 1000 * (time.perf_counter() - start)
        report = evaluate_search({"lexical": ranker(index, ids)}, qrels)
    figures = {"part": part.value, "products": len(ids), "build_s": build_seconds, "open_ms": open_ms}
    print(json.dumps(figures | report.as_json(), indent=1))


if __name__ == "__main__":
    main(Part(sys.argv[1]) if len(sys.argv) > 1 else Part.VALIDATION)
