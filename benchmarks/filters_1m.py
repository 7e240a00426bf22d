"""How long the filters take over a million made-up hypotheses.

Usage: `python benchmarks/filters_1m.py [--rows 1000000] [--products 200000]`; prints JSON. Heads are products, pairs,
types and queries in equal parts, tails are 20,000 phrases of made-up words; the models are fitted on the made-up shop.
"""

import argparse
import json
import platform
import resource
import sys
import time
from typing import Any

import numpy as np
import pyarrow as pa

from whybuy.knowledge.filters import apply_filters
from whybuy.knowledge.filters.default import FilterConfig, default_filters
from whybuy.knowledge.filters.report import filter_report, origins
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.records import HYPOTHESIS_SCHEMA, PAIR_SCHEMA, PRODUCT_SCHEMA, STATISTICS, HeadKind
from whybuy.relations import Relation

TYPES, WORDS, TAILS = 1_000, 5_000, 20_000


def main() -> None:
    """Make, time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--products", type=int, default=200_000)
    asked = parser.parse_args()
    random = np.random.default_rng(7)
    inputs = make_shop(random, asked.products)
    hypotheses = make_hypotheses(random, inputs, asked.rows)
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    filters = default_filters(inputs, FilterConfig())
    seconds["models"] = time.perf_counter() - started
    for judge in filters:
        judge(hypotheses.slice(0, 1000))  # compiles, and reads the dictionaries of lemmas
        started = time.perf_counter()
        judge(hypotheses)
        seconds[judge.name] = time.perf_counter() - started
    started = time.perf_counter()
    filtered = apply_filters(hypotheses, filters)
    seconds["all filters"] = time.perf_counter() - started
    started = time.perf_counter()
    rows = filter_report(hypotheses, filtered, origins(hypotheses, inputs)).num_rows
    seconds["filter report"] = time.perf_counter() - started
    figures = {"rows": asked.rows, "products": asked.products, "seconds": {k: round(v, 2) for k, v in seconds.items()}}
    figures |= {"rejected": filtered.counts(), "filter_report_rows": rows}
    figures |= {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    print(
        json.dumps(figures | {"command": "python " + " ".join(sys.argv), "python": platform.python_version()}, indent=1)
    )


def make_shop(random: np.random.Generator, count: int) -> ProposerInput:
    """Products with titles of made-up words that end in their type, and a query for each fifth."""
    types = phrases(random, TYPES, 2)
    kinds = [types[number] for number in random.integers(TYPES, size=count)]
    titles = [f"{words} {kind}" for words, kind in zip(phrases(random, count, 5), kinds, strict=True)]
    columns: dict[str, list[Any]] = {name: [""] * count for name in PRODUCT_SCHEMA.names}
    columns |= {"product_id": [f"p{number}" for number in range(count)], "title": titles, "product_type": kinds}
    columns |= {"description": phrases(random, count, 20), "type_confidence": [1.0] * count, "price": [1.0] * count}
    columns |= {"category": [[f"category {len(kind) % 18}"] for kind in kinds], "attributes": [[]] * count}
    asked = range(0, count, 5)
    pairs: dict[str, list[Any]] = {name: [1] * len(asked) for name in PAIR_SCHEMA.names}
    pairs |= {"pair_id": [f"s{row}" for row in asked], "right": [f"p{row}" for row in asked]}
    pairs |= {
        "kind": ["search_buy"] * len(asked),
        "left": [f"{kinds[row]} for {titles[row].split()[0]}" for row in asked],
    }
    return ProposerInput(pa.table(columns, schema=PRODUCT_SCHEMA), pa.table(pairs, schema=PAIR_SCHEMA))


def make_hypotheses(random: np.random.Generator, inputs: ProposerInput, count: int) -> pa.Table:
    """Hypotheses of random heads, relations and tails."""
    tails, relations = phrases(random, TAILS, 3), list(Relation)
    kinds = [HeadKind.PRODUCT, HeadKind.PAIR, HeadKind.TYPE, HeadKind.QUERY]
    products, others = random.integers(len(inputs.ids), size=(2, count)).tolist()
    queries = inputs.pairs["left"].to_pylist()

    def key(row: int) -> list[str]:
        one, other = products[row], others[row]
        return [
            [inputs.ids[one]],
            [inputs.ids[one], inputs.ids[other]],
            [inputs.types[one]],
            [queries[one % len(queries)]],
        ][row % 4]

    columns = {
        "head_kind": [kinds[row % 4].value for row in range(count)],
        "head_key": [key(row) for row in range(count)],
        "relation": [relations[number].value for number in random.integers(len(relations), size=count)],
        "tail": [tails[number] for number in random.integers(TAILS, size=count)],
        "generator": ["made.v1"] * count,
        "support": random.integers(1, 50, count),
        "lift": random.uniform(1, 9, count),
        "plausibility": random.uniform(0, 1, count),
        "typicality": random.uniform(0, 1, count),
        "evidence": [[f"s{products[row] // 5 * 5}"] for row in range(count)],
        "words": [[]] * count,
        "scored_by": [STATISTICS] * count,
    }
    return pa.table(columns, schema=HYPOTHESIS_SCHEMA)


def phrases(random: np.random.Generator, count: int, longest: int) -> list[str]:
    """Phrases of 1 up to so many made-up words, the more frequent the lower their number."""
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(["".join(word) for word in letters[np.random.default_rng(1).integers(26, size=(WORDS, 6))]])
    chosen = words[np.minimum(random.geometric(0.001, size=(count, longest)), WORDS - 1)]
    lengths = random.integers(1, longest + 1, size=count)
    return [" ".join(row[:length]) for row, length in zip(chosen.tolist(), lengths.tolist(), strict=True)]


if __name__ == "__main__":
    main()
