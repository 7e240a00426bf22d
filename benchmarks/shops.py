"""Builds shops from the real data sets and prints what each build took, as JSON by shop.

Run `python benchmarks/shops.py [SHOP...]`: all four when none is named. Reads `$WHYBUY_DATA` (default ../shared/data),
writes to `$WHYBUY_SHOPS` (default ../shops). Home Depot's shop learns from training judgments alone, its order from
their grades; the validation judgments lie beside it as `judgments.parquet`, for `whybuy evaluate search`.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.evaluation.splits import Part, part_of

PROJECT = Path(__file__).parents[1]
DATA = Path(os.environ.get("WHYBUY_DATA", PROJECT.parent / "shared" / "data")).resolve()
SHOPS = Path(os.environ.get("WHYBUY_SHOPS", PROJECT.parent / "shops")).resolve()
TRAINING, VALIDATION = "judgments_train.parquet", "judgments.parquet"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a shop is made of, as paths below the data folder."""

    title: str
    files: tuple[str, ...]
    judgments: str = ""  # split by query; the training part is one more log, and trains the reranker


RECIPES = {
    "homedepot": Recipe("Home Depot", ("homedepot/products.parquet",), "homedepot/judgments.parquet"),
    "instacart": Recipe("Instacart", ("instacart/products.parquet", "instacart/orders.parquet")),
    "amazon_office": Recipe("Amazon Office", ("amazon_office/items.parquet", "amazon_office/sequences.parquet")),
    "bestbuy": Recipe("Best Buy", ("bestbuy/products.parquet",)),
}


def main(names: Sequence[str]) -> int:
    """Build the named shops one after the other; returns the exit code."""
    unknown = sorted(set(names) - RECIPES.keys())
    if unknown:
        print(f"No shop is called {', '.join(unknown)}. There are: {', '.join(RECIPES)}.", file=sys.stderr)
        return 2
    figures = {name: make(name, RECIPES[name]) for name in names or RECIPES}
    print(json.dumps(figures, indent=1))
    return int(any("seconds" not in figure for figure in figures.values()))


def make(name: str, recipe: Recipe) -> dict[str, float | str]:
    """Init and build one shop; returns seconds and peak memory of the build, or why there is none."""
    missing = [file for file in (*recipe.files, recipe.judgments) if file and not (DATA / file).is_file()]
    if missing:
        return {"skipped": f"{DATA} has no {', '.join(missing)}; set WHYBUY_DATA"}
    print(f"{recipe.title} -> {SHOPS / name}", file=sys.stderr)
    store = SHOPS / name
    store.mkdir(parents=True, exist_ok=True)
    files = [DATA / file for file in recipe.files]
    if recipe.judgments:
        files.append(split_judgments(DATA / recipe.judgments, store))
    whybuy("init", "--store", str(store), "--overwrite", *map(str, files))
    with (store / "store.toml").open("a", encoding="utf-8") as stream:
        stream.write(f'\n[shop]\nname = "{recipe.title}"\n')
        if recipe.judgments:
            stream.write(f'\n[reranker]\njudgments = "{TRAINING}"\nmost_queries = 8000\n')
    return whybuy("build", "--store", str(store))


def split_judgments(path: Path, store: Path) -> Path:
    """Write the training and the validation part of judgments, by query, into a store; returns the training part."""
    judgments = pq.read_table(path)
    training = pa.array([part_of(query) is Part.TRAIN for query in judgments["query"].to_pylist()])
    held_out = pa.array([not learned for learned in training.to_pylist()])
    for name, chosen in ((TRAINING, training), (VALIDATION, held_out)):
        pq.write_table(judgments.filter(chosen), store / name, compression="zstd")
    return store / TRAINING


def whybuy(*command: str) -> dict[str, float | str]:
    """Run one command in a process of its own, with what it prints on stderr; returns its figures."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "whybuy.cli", *command], stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it again
    if process.returncode:
        return {"failed": f"whybuy {command[0]} ended with {process.returncode}"}
    return {"seconds": round(time.perf_counter() - began, 1), "peak_gb": round(usage.ru_maxrss / 1e6, 2)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
