"""Judge a random sample of a shop's graph by hand: list it, write 1 or 0 before each line, record the verdicts.

    python benchmarks/judge_edges.py list STORE private/edges.tsv --seed 2026
    python benchmarks/judge_edges.py record private/edges.tsv results/edges_amazon_office.json

The list holds texts of the shop and belongs into a folder that git ignores; what is recorded holds none.
"""

import argparse
import json
import random
from collections import Counter
from pathlib import Path

from whybuy.artifacts import digest
from whybuy.catalog.catalog import Catalog
from whybuy.records import HeadKind, Triple
from whybuy.shop import Shop


def main() -> None:
    """List or record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="write a seeded sample of edges")
    listing.add_argument("store", type=Path)
    listing.add_argument("file", type=Path)
    listing.add_argument("--seed", type=int, default=2026)
    listing.add_argument("--size", type=int, default=100)
    recording = commands.add_parser("record", help="turn a judged list into a result without texts")
    recording.add_argument("file", type=Path)
    recording.add_argument("result", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "list":
        write_list(arguments.store, arguments.file, seed=arguments.seed, size=arguments.size)
    else:
        record(arguments.file, arguments.result)


def write_list(store: Path, file: Path, *, seed: int, size: int) -> None:
    """One edge per line: empty verdict, hash, relation, generator, head, tail."""
    shop = Shop.open(store)
    graph, catalog = shop.graph, shop.catalog
    rows = random.Random(seed).sample(range(graph.edges.num_rows), min(size, graph.edges.num_rows))
    lines = [
        f"# seed {seed}, {len(rows)} of {graph.edges.num_rows} edges; write 1 (a shopper would accept it) or 0 in front"
    ]
    for triple in graph.triples(rows):
        generator = triple.sources[0].generator
        lines.append(
            "\t".join(["", edge_hash(triple), triple.relation.value, generator, spelled(triple, catalog), triple.tail])
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(rows)} edges in {file}")


def spelled(triple: Triple, catalog: Catalog) -> str:
    """A head for reading: titles instead of product ids."""
    if triple.head.kind in (HeadKind.PRODUCT, HeadKind.PAIR):
        return " + ".join(catalog.product(product_id).title for product_id in triple.head.key)
    return str(triple.head)


def edge_hash(triple: Triple) -> str:
    """What stands for an edge in a published result."""
    return digest(triple.head.kind.value, *triple.head.key, triple.relation.value, triple.tail)


def record(file: Path, result: Path) -> None:
    """Write seed, counts per relation and generator, and verdicts by edge hash."""
    first, *lines = file.read_text(encoding="utf-8").splitlines()
    judged = [line.split("\t") for line in lines if line]
    if missing := [fields[1] for fields in judged if fields[0].strip() not in {"0", "1"}]:
        raise SystemExit(f"{len(missing)} edges have no verdict, for example {missing[0]}. Write 0 or 1 before each.")
    verdicts = {fields[1]: int(fields[0]) for fields in judged}

    def shares(column: int) -> dict[str, dict[str, int]]:
        every = Counter(fields[column] for fields in judged)
        accepted = Counter(fields[column] for fields in judged if fields[0].strip() == "1")
        return {name: {"judged": every[name], "accepted": accepted[name]} for name in sorted(every)}

    body = {
        "sample": first.removeprefix("# ").partition(";")[0],
        "judged": len(verdicts),
        "accepted": sum(verdicts.values()),
        "per_relation": shares(2),
        "per_generator": shares(3),
        "verdicts": verdicts,
    }
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    print(f"{body['accepted']} of {body['judged']} accepted; written to {result}")


if __name__ == "__main__":
    main()
