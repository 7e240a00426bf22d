"""Hides the product types of a feed, infers them from the titles, and prints how well they agree, as JSON.

Run `python benchmarks/types_hidden.py [PRODUCTS...]`: Instacart's aisles (from `$WHYBUY_DATA`) and each given
grocery product away; an aisle is coarser than a type, so purity and pair precision say more than recall.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq

from whybuy.catalog.type_scores import evaluate_types
from whybuy.catalog.types import TypeConfig, guess_types


def main() -> None:
    """Print one JSON object, by feed."""
    figures = {}
    instacart = Path(os.environ.get("WHYBUY_DATA", "../shared/data")) / "instacart" / "products.parquet"
    if instacart.exists():
        table = pq.read_table(instacart)
        aisles = [aisle if aisle != "missing" else "" for aisle in table["aisle"].to_pylist()]
        figures["instacart aisles"] = measure(table["name"].to_pylist(), [""] * table.num_rows, aisles)
    for name in sys.argv[1:]:
        table = pq.read_table(name, columns=["title", "brand", "product_type"])
        figures[name] = measure(*(table[column].to_pylist() for column in ("title", "brand", "product_type")))
    print(json.dumps(figures, indent=1))


def measure(titles: Sequence[str], brands: Sequence[str], truth: Sequence[str]) -> dict[str, float]:
    """Scores of the types inferred from titles and brands alone, and the seconds that it took."""
    began = time.perf_counter()
    inferred = [name for name, _ in guess_types(titles, brands, TypeConfig())]
    seconds = time.perf_counter() - began
    return {"seconds": round(seconds, 1)} | {
        name: round(value, 4) for name, value in asdict(evaluate_types(inferred, truth)).items()
    }


if __name__ == "__main__":
    main()
