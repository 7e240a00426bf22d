"""A graph of COSMO's size: assembled, looked up, kept up to date; prints seconds, memory and latencies as JSON.

    python benchmarks/graph_scale.py [--edges 29000000] [--nodes 6300000] [--folder FOLDER] [--out RESULT]

A synthetic stream of hypotheses over 18 categories is written first (not counted): pairs and queries as heads, intents
in several wordings with Zipfian frequency, two generators that meet on a fifth of the edges. Each step then runs the
code of a real build in a process of its own, so that its peak memory is its own.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.artifacts import ArtifactStore, FileEntry
from whybuy.graph import GraphConfig, KnowledgeGraph, assemble
from whybuy.graph.files import FORMAT_VERSION, KIND, WITHDRAWN_SCHEMA
from whybuy.graph.increment import shared_files, update
from whybuy.graph.writing import GraphCounts
from whybuy.records import HYPOTHESIS_SCHEMA
from whybuy.relations import Relation
from whybuy.text import canonical

CATEGORIES = (
    "tent kitchen garden office baby pet car bathroom bedroom school sport music travel studio art craft party hair"
).split()
VERBS = (
    "paint repair protect carry cook cool lock mount mend lift load pack print record sort train wash water polish "
    "install adjust collect attach inspect sharpen test stack"
).split()
ADJECTIVES = (
    "small large old new heavy soft hard wet cold quiet loud bright dark thin thick long short narrow wide deep flat "
    "round square dirty fancy rare plain sturdy fragile portable foldable wooden metal plastic leather cotton outdoor "
    "indoor antique modern green blue red white black gray"
).split()
NOUNS = (
    "table chair lamp bag tool shelf wall floor bottle blanket pillow jacket glove boot sock hat rope cable battery "
    "filter basket bowl cup plate mat rug curtain mirror frame clock fan heater pump hose bucket ladder hook handle "
    "wheel chain seat strap cap ring stand tray kettle cabinet tub stool bin crate jar rail vase"
).split()
INTENTS = (len(VERBS) + 1) * (len(ADJECTIVES) + 1) * len(NOUNS)  # of a category, at most
WORDINGS = 4
RELATIONS = np.array([relation.value for relation in Relation])
CHUNK = 400_000  # hypotheses
LOOK_UPS = 20_000
COLD_LOOK_UPS = 500
ASKED = "asked.json"
SHOWN = 100  # neighbors of a look-up


def main() -> None:
    """Generate, then run each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edges", type=int, default=29_000_000)
    parser.add_argument("--nodes", type=int, default=6_300_000)
    parser.add_argument("--changed", type=int, default=100_000, help="edges of the increment")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder that goes at the end")
    parser.add_argument("--out", type=Path, help="file for the figures, beside printing them")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(STEPS[arguments.step](arguments.folder)))
        return
    folder = Path(tempfile.mkdtemp(dir=arguments.folder))
    try:
        figures = run(folder, arguments.edges, arguments.nodes, arguments.changed)
    finally:
        shutil.rmtree(folder)
    text = json.dumps(figures, indent=1)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


def run(folder: Path, edges: int, nodes: int, changed: int) -> dict[str, object]:
    """All steps, in their order."""
    started = time.perf_counter()
    shape = Shape(edges, nodes)
    write(folder / "hypotheses.parquet", shape.stream(np.random.default_rng(7)))
    write(folder / "added.parquet", Shape(changed, nodes).stream(np.random.default_rng(8)))
    figures: dict[str, object] = {"cores": len(os.sched_getaffinity(0))}
    figures["generated"] = {
        "hypotheses": pq.ParquetFile(folder / "hypotheses.parquet").metadata.num_rows,
        "seconds": round(time.perf_counter() - started, 1),
        "seed": 7,
    }
    for step in STEPS:
        command = [sys.executable, __file__, "--step", step, "--folder", str(folder)]
        figures[step] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        print(step, figures[step], file=sys.stderr)
    return figures


# ---------------------------------------------------------------- the stream
class Shape:
    """Hypotheses that make about so many edges between about so many nodes."""

    def __init__(self, edges: int, nodes: int) -> None:
        self._edges = edges // len(CATEGORIES)
        self._intents = min(INTENTS, nodes * 13 // 63 // len(CATEGORIES))
        self._heads = int(nodes * 1.005) // len(CATEGORIES) - self._intents  # a few are never drawn

    def stream(self, random: np.random.Generator) -> Iterator[pa.Table]:
        """Category by category, chunks in HYPOTHESIS_SCHEMA."""
        for number, category in enumerate(CATEGORIES):
            wordings = spell(category, np.random.default_rng(number).permutation(INTENTS)[: self._intents])
            for chunk in range(-(-self._edges // CHUNK)):
                size = min(CHUNK, self._edges - chunk * CHUNK)
                yield from self._claims(random, number, wordings, size)

    def _claims(self, random: np.random.Generator, category: int, wordings: pa.Array, size: int) -> Iterator[pa.Table]:
        """So many edges that hold, some that do not, and a fifth of them again by another generator, in other words."""
        proposed = int(size * 1.2)
        head = np.sort(random.integers(0, self._heads, proposed)) + category * self._heads
        intent = _skewed(random, self._intents, proposed)
        relation = RELATIONS[_skewed(random, len(RELATIONS), proposed)]
        weak = random.random(proposed) < 0.15
        again = random.random(proposed) < 0.2
        for which, generator in ((slice(None), "prompted.v1"), (again, "evidence.v1")):
            wording = intent[which] * WORDINGS + random.integers(0, WORDINGS, len(intent[which]))
            tails = wordings.take(pa.array(wording))
            low, high = np.where(weak[which], 0.0, 0.55), np.where(weak[which], 0.25, 1.0)
            yield _table(random, head[which], relation[which], tails, generator, random.uniform(low, high))


def _skewed(random: np.random.Generator, count: int, size: int) -> NDArray[np.int64]:
    """Numbers below `count`: half of them Zipfian, half uniform, so that each occurs."""
    zipf = (float(count) ** random.random(size)).astype(np.int64) - 1
    return np.where(random.random(size) < 0.5, zipf, random.integers(0, count, size))


def spell(category: str, intents: NDArray[np.int64]) -> pa.Array:
    """Four wordings of each intent, such as "paint red tent tables" and "painting the red tent table"."""
    rest, noun = np.divmod(intents, len(NOUNS))
    verb, adjective = (pa.array(code) for code in np.divmod(rest, len(ADJECTIVES) + 1))
    adjectives = pa.array(["", *(f"{word} " for word in ADJECTIVES)]).take(adjective)
    nouns = pa.array([f"{category} {word}" for word in NOUNS]).take(pa.array(noun))
    things = pc.binary_join_element_wise(adjectives, nouns, "")
    forms = []
    for bare, led, plural in (
        ("", "{} ", "s"),
        ("the ", "{}ing the ", ""),
        ("a ", "{} a ", ""),
        ("our ", "{}s our ", ""),
    ):
        verbs = pa.array([bare, *(led.format(word) for word in VERBS)]).take(verb)
        forms.append(pc.binary_join_element_wise(verbs, things, plural, ""))
    by_intent = np.arange(len(intents) * len(forms)).reshape(len(forms), -1).T.ravel()
    return pa.concat_arrays(forms).take(pa.array(by_intent))


def _table(
    random: np.random.Generator,
    head: NDArray[np.int64],
    relation: NDArray[np.str_],
    tails: pa.Array,
    generator: str,
    plausibility: NDArray[np.float64],
) -> pa.Table:
    count = len(head)
    pairs, queries = head % 8 < 5, head % 8 >= 5  # 3.14 M co-buy and 1.87 M search-buy pairs
    first, second = _numbered("B0", head), _numbered("B0", head * 7919 % 100_000_007)
    key = np.where(pairs, 2, 1)
    flat = np.repeat(np.arange(count), key)
    ends = np.cumsum(key)
    is_second = np.zeros(len(flat), bool)
    is_second[ends[pairs] - 1] = True
    named = pc.if_else(pa.array(queries), _numbered("things for buyer ", head), first)
    parts = pc.if_else(pa.array(is_second), second.take(pa.array(flat)), named.take(pa.array(flat)))
    sessions = 1 + (random.random(count) < 0.3)
    evidence = _numbered("", random.integers(10**15, 10**16, int(sessions.sum())))
    columns = {
        "head_kind": pc.if_else(pa.array(pairs), "pair", "query"),
        "head_key": pa.ListArray.from_arrays(pa.array(np.append(0, ends), pa.int32()), parts),
        "relation": pa.array(relation),
        "tail": tails,
        "generator": pa.array([generator]).take(pa.array(np.zeros(count, np.int64))),
        "support": pa.array(np.minimum(random.zipf(1.8, count), 10_000)),
        "lift": pa.array(1.0 + random.random(count)),
        "plausibility": pa.array(plausibility),
        "typicality": pa.array(random.random(count)),
        "evidence": pa.ListArray.from_arrays(pa.array(np.append(0, np.cumsum(sessions)), pa.int32()), evidence),
        "words": pa.ListArray.from_arrays(pa.array(np.arange(count + 1), pa.int32()), tails),
        "scored_by": pa.array(["statistics"]).take(pa.array(np.zeros(count, np.int64))),
    }
    return pa.table(columns).cast(HYPOTHESIS_SCHEMA)


def _numbered(prefix: str, numbers: NDArray[np.int64]) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def write(path: Path, tables: Iterator[pa.Table]) -> None:
    """Write tables as one Parquet file."""
    with pq.ParquetWriter(path, HYPOTHESIS_SCHEMA, compression="zstd", compression_level=1) as writer:
        for table in tables:
            writer.write_table(table)


# ---------------------------------------------------------------- the steps
def build_step(folder: Path) -> dict[str, object]:
    """Assemble the stream and publish the graph."""
    hypotheses = [folder / "hypotheses.parquet"]
    return _published(folder, "base", {}, lambda target: assemble(hypotheses, target, GraphConfig()))


def update_step(folder: Path) -> dict[str, object]:
    """Add hypotheses, take some away, and publish the graph."""
    added = pq.read_table(folder / "added.parquet")
    graph = ArtifactStore(folder).folder(KIND, "base")
    gone = [["prompted.v1"], [next(KnowledgeGraph(graph).sources(np.array([0])))[0].evidence[0]]]
    withdrawn = pa.table(gone, schema=WITHDRAWN_SCHEMA)
    figures = _published(
        folder, "updated", shared_files(graph), lambda target: update(graph, added, withdrawn, target, GraphConfig())
    )
    return {"hypotheses": added.num_rows, "withdrawn": withdrawn.num_rows, **figures}


def _published(
    folder: Path, key: str, shared: dict[str, FileEntry], make: Callable[[Path], GraphCounts]
) -> dict[str, object]:
    started = time.perf_counter()
    with ArtifactStore(folder).create(KIND, key, FORMAT_VERSION, {}, shared) as (target, _):
        counts = make(target)
        made = time.perf_counter() - started
    files = [path.stat() for path in ArtifactStore(folder).folder(KIND, key).iterdir()]
    return {
        **asdict(counts),
        "seconds": round(time.perf_counter() - started, 1),
        "seconds_without_hashing": round(made, 1),
        "cpu_seconds": round(time.process_time(), 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "gigabytes": round(sum(file.st_size for file in files) / 1e9, 2),
    }


def look_up_step(folder: Path) -> dict[str, object]:
    """Open the graph; from a wording, and from a head, to the neighbors, when all of it was read before."""
    graph = KnowledgeGraph(ArtifactStore(folder).folder(KIND, "base"))
    chosen = np.random.default_rng(9).integers(0, graph.edges.num_rows, LOOK_UPS)
    asked = [(one.tail, [one.head.kind.value, *one.head.key]) for one in graph.triples(chosen)]
    (folder / ASKED).write_text(json.dumps(asked), encoding="utf-8")
    _look_up(graph, asked)
    canonical.cache_clear()
    return _look_up(graph, asked)


def cold_step(folder: Path) -> dict[str, object]:
    """The same, the first time after the files left the page cache."""
    graph_folder = ArtifactStore(folder).folder(KIND, "base")
    asked = json.loads((folder / ASKED).read_text(encoding="utf-8"))[:COLD_LOOK_UPS]
    canonical("the dictionaries are read")
    for path in graph_folder.iterdir():
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    started = time.perf_counter()
    graph = KnowledgeGraph(graph_folder)
    return {"open_ms": round((time.perf_counter() - started) * 1e3, 1), **_look_up(graph, asked)}


def _look_up(graph: KnowledgeGraph, asked: list[tuple[str, list[str]]]) -> dict[str, object]:
    return {
        "look_ups": len(asked),
        "need_us": _timed(lambda one: neighbors_of_need(graph, one[0]), asked),
        "head_us": _timed(lambda one: neighbors_of_head(graph, one[1]), asked),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }


def neighbors_of_need(graph: KnowledgeGraph, words: str) -> NDArray[np.int32]:
    """The first heads that an intent is joined to."""
    node = graph.intent(words)
    assert node is not None
    return np.asarray(graph.edges["head"].to_numpy()[graph.edges_to(node)[:SHOWN]])


def neighbors_of_head(graph: KnowledgeGraph, key: list[str]) -> NDArray[np.int32]:
    """The first intents that a head is joined to."""
    node = graph.node(*key)
    assert node is not None
    return np.asarray(graph.edges["tail"].to_numpy()[graph.edges_from(node)[:SHOWN]])


def _timed(ask: Callable[[tuple[str, list[str]]], object], asked: list[tuple[str, list[str]]]) -> dict[str, float]:
    """Percentiles in microseconds."""
    times = np.empty(len(asked))
    for place, one in enumerate(asked):
        started = time.perf_counter_ns()
        ask(one)
        times[place] = time.perf_counter_ns() - started
    return {f"p{percent}": round(float(np.percentile(times, percent)) / 1e3, 1) for percent in (50, 99)}


STEPS: dict[str, Callable[[Path], dict[str, object]]] = {
    "build": build_step,
    "look_up": look_up_step,
    "update": update_step,
    "look_up_cold": cold_step,
}

if __name__ == "__main__":
    main()
