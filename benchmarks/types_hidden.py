"""How well product types are inferred: by hiding those that a shop has, and by reading a sample.

    python benchmarks/types_hidden.py hidden [FEED...]
    python benchmarks/types_hidden.py read bestbuy results/types_bestbuy.json private/types.tsv
    python benchmarks/types_hidden.py record private/types.tsv results/types_bestbuy.json

`hidden` infers types from titles, brands and descriptions and compares them with the leaf categories of `esci_us` and
`bestbuy_phones`, the aisles of Instacart and the types of each given feed (a demo shop's `feed/products.tsv`). An aisle
is coarser than a type and a category may be a trait ("Fitted"), so accuracy and pair precision say more than recall.

`read` draws a sample of a shop of `$WHYBUY_DATA` (default ../shared/data), counts the verdicts that the result has on
the types of a build now, and lists types without a verdict: write 1 (a shopper would call the product so) or 0 before
each, then `record`. The list holds texts of the shop and belongs into a folder that git ignores; the result holds none.
"""

import argparse
import json
import os
import random
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from whybuy.artifacts import digest
from whybuy.catalog.recognize import CatalogSource
from whybuy.catalog.sources import read_catalog
from whybuy.catalog.type_scores import evaluate_types
from whybuy.catalog.types import guess_types, infer_types

DATA = Path(os.environ.get("WHYBUY_DATA", "../shared/data")).resolve()
TAXONOMIES = ("esci_us", "bestbuy_phones", "instacart")
SEED, SIZE = 15, 100


def main() -> None:
    """Print figures as JSON, list what is to be judged, or record it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    hiding = commands.add_parser("hidden", help="compare with types that a feed has")
    hiding.add_argument("feeds", nargs="*", type=Path)
    reading = commands.add_parser("read", help="count verdicts on a seeded sample, list types without one")
    reading.add_argument("shop")
    reading.add_argument("result", type=Path)
    reading.add_argument("file", type=Path)
    recording = commands.add_parser("record", help="add the verdicts of a judged list to a result")
    recording.add_argument("file", type=Path)
    recording.add_argument("result", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "hidden":
        print(json.dumps(dict(map(measure, [*map(_feed, TAXONOMIES), *arguments.feeds])), indent=1))
    elif arguments.command == "read":
        print(json.dumps(read(arguments.shop, arguments.result, arguments.file), indent=1))
    else:
        record(arguments.file, arguments.result)


def measure(feed: Path) -> tuple[str, dict[str, float]]:
    """Scores of the types inferred without the feed's own types and categories, and the seconds that it took."""
    products = _products(feed)
    stated = products["product_type"].to_pylist()
    leaves = [path[-1] if path else "" for path in products["category"].to_pylist()]
    texts = [products[name].to_pylist() for name in ("title", "brand", "description")]
    began = time.perf_counter()
    inferred = [name for name, _ in guess_types(*texts)]
    seconds = time.perf_counter() - began
    scores = asdict(evaluate_types(inferred, stated if any(stated) else leaves))
    return str(feed.relative_to(DATA) if feed.is_relative_to(DATA) else feed.name), {"seconds": round(seconds, 1)} | {
        name: round(value, 4) for name, value in scores.items()
    }


def read(shop: str, result: Path, file: Path) -> dict[str, int]:
    """Verdicts on the types of a seeded sample; types without one are listed in a file."""
    products = infer_types(_products(_feed(shop)))
    chosen = set(random.Random(SEED).sample(sorted(products["product_id"].to_pylist()), SIZE))
    verdicts = json.loads(result.read_text(encoding="utf-8"))["verdicts"] if result.exists() else {}
    counts: Counter[str] = Counter(right=0, wrong=0, untyped=0, unjudged=0)
    lines = []
    columns = zip(*(products[name].to_pylist() for name in ("product_id", "product_type", "title")), strict=True)
    for product_id, name, title in columns:
        if product_id not in chosen:
            continue
        key = digest(product_id, name)
        verdict = verdicts.get(key)
        counts["untyped" if not name else "unjudged" if verdict is None else "right" if verdict else "wrong"] += 1
        if name and verdict is None:
            lines.append("\t".join(["", key, name, title]))
    if lines:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return dict(counts)


def record(file: Path, result: Path) -> None:
    """Add judged lines to the verdicts of a result."""
    judged = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines() if line]
    if missing := [fields[2] for fields in judged if fields[0].strip() not in {"0", "1"}]:
        raise SystemExit(f"{len(missing)} types have no verdict, for example {missing[0]}. Write 0 or 1 before each.")
    body = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {"verdicts": {}}
    body |= {"sample": f"seed {SEED}, {SIZE} products"}
    body["verdicts"] |= {fields[1]: int(fields[0]) for fields in judged}
    result.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


def _feed(shop: str) -> Path:
    return DATA / shop / "products.parquet"


def _products(feed: Path) -> pa.Table:
    return read_catalog([CatalogSource(str(feed))], Path("/"))[0]


if __name__ == "__main__":
    main()
