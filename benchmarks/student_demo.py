"""Withholds queries of the demo shop, builds it without them, and asks who understands them.

    python benchmarks/student_demo.py SHOP FOLDER > results/student_demo.json

SHOP: the demo shop (`whybuy demo --store SHOP --no-serve`). FOLDER: where the shops without the queries are built.
A fifth of the distinct queries that name an intent is held out, with all events. `--tuning` holds out another fifth
of the rest, and asks only for that: what is tuned is tuned there.
"""

import argparse
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whybuy.artifacts import ARTIFACTS_FOLDER
from whybuy.build import build
from whybuy.demo.shop import EVENTS, NAMED, QUERIES, REASONS
from whybuy.discovery import Discovery
from whybuy.evaluation.graph import read_truth
from whybuy.evaluation.splits import Part, part_of
from whybuy.evaluation.student import evaluate_store_intents, type_precision
from whybuy.intents import Student
from whybuy.intents.student_training import train_student
from whybuy.records import PAIRS
from whybuy.shop import Shop
from whybuy.text import normalize


def withheld(text: str) -> bool:
    """Whether a query is among those that are measured on."""
    return part_of(text) is Part.VALIDATION


def withheld_for_tuning(text: str) -> bool:
    """Whether a query is among those that are tuned on."""
    return not withheld(text) and part_of(f"tuning {text}") is Part.VALIDATION


def without(shop: Path, folder: Path, gone: Callable[[str], bool]) -> int:
    """Copy the files of a shop without some queries that name an intent; returns how many texts are left out."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(shop, folder, ignore=shutil.ignore_patterns(ARTIFACTS_FOLDER))
    named = {normalize(text) for text in pq.read_table(shop / NAMED)["query"].to_pylist()}
    out = {text for text in named if gone(text)}
    queries, events = pq.read_table(shop / QUERIES), pq.read_table(shop / EVENTS)
    asked = pa.array([normalize(text) in out for text in queries["user_query"].to_pylist()])
    pq.write_table(queries.filter(pc.invert(asked)), folder / QUERIES)
    followed = pc.is_in(events["query_id"], queries["query_id"].filter(asked).combine_chunks())
    pq.write_table(events.filter(pc.invert(followed)), folder / EVENTS)
    return len(out)


def products_withheld(store: Path) -> dict[str, float]:
    """How well a student that has not seen a fifth of the products names the reasons of their types."""
    shop = Shop.open(store)
    graph, catalog = shop.graph, shop.catalog
    seen = pa.array([part_of(product_id) is Part.TRAIN for product_id in catalog.ids])
    started = time.perf_counter()
    model = train_student(graph, catalog.table.filter(seen), shop.table(PAIRS))
    seconds = time.perf_counter() - started
    assert model is not None
    truths = read_truth(store / REASONS)
    right = {(truth.product_type, wording) for truth in truths for wording in truth.wordings}
    products = [catalog.at(row) for row, kept in enumerate(seen.to_pylist()) if not kept]
    figures = type_precision(Student(model, graph).read_product, products, right)
    return {**figures, "seconds_to_train": round(seconds, 1)}


def discovery_times(store: Path) -> dict[str, float]:
    """Milliseconds of one `Discovery.intents`, graph and student together, by the clock and of CPU."""
    discovery, texts = Discovery.open(store), pq.read_table(store / NAMED)["query"].to_pylist()[::10]
    return timed(discovery.intents, texts)


def student_times(store: Path) -> dict[str, float]:
    """The same of the student alone."""
    student = Shop.open(store).student
    assert student is not None
    return timed(student.read, pq.read_table(store / NAMED)["query"].to_pylist()[::10])


def timed(ask: Callable[[str], object], texts: list[str]) -> dict[str, float]:
    """p50 and p99 of one call; on a machine that others use too, only the CPU's time says what a call costs."""
    ask(texts[0])
    clock, cpu = [], []
    for text in texts:
        started, busy = time.perf_counter(), time.thread_time()
        ask(text)
        cpu.append(1000 * (time.thread_time() - busy))
        clock.append(1000 * (time.perf_counter() - started))
    clocks = {"p50_ms": (clock, 50), "p99_ms": (clock, 99), "p50_cpu_ms": (cpu, 50), "p99_cpu_ms": (cpu, 99)}
    return {name: float(np.percentile(*each)) for name, each in clocks.items()}


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shop", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tuning", action="store_true")
    given = parser.parse_args()
    gone = (lambda text: withheld(text) or withheld_for_tuning(text)) if given.tuning else withheld
    left_out = without(given.shop, given.folder, gone)
    build(given.folder)
    named = given.folder / NAMED
    if given.tuning:
        table = pq.read_table(named)
        chosen = pa.array([withheld_for_tuning(normalize(text)) for text in table["query"].to_pylist()])
        pq.write_table(table.filter(chosen), named)
    report = evaluate_store_intents(given.folder, named)
    print(
        json.dumps(
            {
                "withheld": left_out,
                **report.as_json(),
                "products": products_withheld(given.folder),
                "one_guess": student_times(given.folder),
                "one_answer_of_discovery": discovery_times(given.folder),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
