"""Builds shops from the real data sets and prints what each build took, as JSON by shop.

Run `python benchmarks/shops.py [SHOP...]`: all of them when none is named. Reads `$WHYBUY_DATA` (default
../shared/data), writes to `$WHYBUY_SHOPS` (default ../shops). What a shop is measured on lies in its folder, for
`whybuy evaluate search`, and nothing is trained on it:

- homedepot: `judgments.parquet`, a part of the queries; the others train the reranker, by their grades.
- esci_us: `judgments.parquet`, all queries, since they are few.
- bestbuy_search: `clicks.parquet`, the last fifth of the log; with `--clicks`.
- crowdflower: `judgments.parquet`, all queries; its products are those that were judged.
- bestbuy_phones: `judgments.parquet`, where the name of each leaf category asks for its products, with `--scale 0..1`;
  the catalog has no categories.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whybuy.evaluation.splits import Part, part_of

PROJECT = Path(__file__).parents[1]
DATA = Path(os.environ.get("WHYBUY_DATA", PROJECT.parent / "shared" / "data")).resolve()
SHOPS = Path(os.environ.get("WHYBUY_SHOPS", PROJECT.parent / "shops")).resolve()
TRAINING, VALIDATION, CLICKS = "judgments_train.parquet", "judgments.parquet", "clicks.parquet"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a shop is made of, as paths below the data folder."""

    title: str
    files: tuple[str, ...]
    judgments: str = ""  # split by query; the training part is one more log, and trains the reranker
    measured: str = ""  # judgments that nothing is trained on
    clicks: str = ""  # a log of clicks, split by time
    judged_products: str = ""  # judgments that say what their products are; nothing is trained on their grades
    heads: bool = False  # names of leaf categories are queries, and the only file's categories are hidden


RECIPES = {
    "homedepot": Recipe("Home Depot", ("homedepot/products.parquet",), "homedepot/judgments.parquet"),
    "instacart": Recipe("Instacart", ("instacart/products.parquet", "instacart/orders.parquet")),
    "amazon_office": Recipe("Amazon Office", ("amazon_office/items.parquet", "amazon_office/sequences.parquet")),
    "bestbuy": Recipe("Best Buy", ("bestbuy/products.parquet",)),
    "bestbuy_search": Recipe(
        "Best Buy games", ("bestbuy_search/products.parquet",), clicks="bestbuy_search/clicks.parquet"
    ),
    "bestbuy_phones": Recipe("Best Buy phones", ("bestbuy_phones/products.parquet",), heads=True),
    "esci_us": Recipe("ESCI", ("esci_us/products.parquet",), measured="esci_us/judgments.parquet"),
    "crowdflower": Recipe("CrowdFlower", (), judged_products="crowdflower/judgments.parquet"),
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
    named = (*recipe.files, recipe.judgments, recipe.measured, recipe.clicks, recipe.judged_products)
    missing = [file for file in named if file and not (DATA / file).is_file()]
    if missing:
        return {"skipped": f"{DATA} has no {', '.join(missing)}; set WHYBUY_DATA"}
    print(f"{recipe.title} -> {SHOPS / name}", file=sys.stderr)
    store = SHOPS / name
    store.mkdir(parents=True, exist_ok=True)
    files = [DATA / file for file in recipe.files]
    if recipe.heads:
        files = [hide_categories(files[0], store)]
    if recipe.judgments:
        files.append(split_judgments(DATA / recipe.judgments, store))
    if recipe.clicks:
        files.append(split_clicks(DATA / recipe.clicks, store))
    if recipe.judged_products:
        files.append(split_products(DATA / recipe.judged_products, store))
    if recipe.measured:
        shutil.copy(DATA / recipe.measured, store / VALIDATION)
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


def split_products(path: Path, store: Path) -> Path:
    """Write judgments and the products that they tell of, each once, into a store; returns the products."""
    judged = pq.read_table(path)
    pq.write_table(judged.select(["query", "product_id", "relevance"]), store / VALIDATION, compression="zstd")
    told = {row["product_id"]: row for row in judged.to_pylist()}
    columns = {"product_id": list(told), "title": [row["product_title"] for row in told.values()]}
    columns["description"] = [row["product_description"] or "" for row in told.values()]
    pq.write_table(pa.table(columns), store / "products.parquet", compression="zstd")
    return store / "products.parquet"


def split_clicks(path: Path, store: Path) -> Path:
    """Write the first four fifths of clicks, which are in order of time, and the rest, into a store; returns those."""
    clicks = pq.read_table(path)
    cut = round(0.8 * clicks.num_rows)
    pq.write_table(clicks.slice(cut), store / CLICKS, compression="zstd")
    pq.write_table(clicks.slice(0, cut), store / "clicks_train.parquet", compression="zstd")
    return store / "clicks_train.parquet"


def hide_categories(path: Path, store: Path) -> Path:
    """Write products without categories into a store, and their leaves as judged queries; returns the products."""
    products = pq.read_table(path)
    leaves = [(text or "").rpartition(" > ")[2] for text in products["category"].to_pylist()]
    judged = pa.table({"query": leaves, "product_id": products["product_id"], "relevance": [1] * len(leaves)})
    pq.write_table(judged.filter(pc.field("query") != ""), store / VALIDATION)
    pq.write_table(products.drop_columns(["category"]), store / "products.parquet", compression="zstd")
    return store / "products.parquet"


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
