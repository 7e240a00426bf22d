"""Whether two builds, or two versions of the code, give the same answers.

`python benchmarks/same_answers.py record STORE FILE` asks a built shop for searches with reasons and completions, and
writes them with the rows of its graph to a JSON-lines file; run it with either version of the code. `python
benchmarks/same_answers.py compare FILE FILE` says how many answers of each kind are equal to the last digit, and shows
the first that differ; its exit code is 1 when any differs.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path

import orjson
import pyarrow.parquet as pq

from whybuy.artifacts import ArtifactStore
from whybuy.discovery import Discovery
from whybuy.graph import KnowledgeGraph
from whybuy.records import Query

SEED = 14
HITS = 50
RENAMED = {"need": "intent", "signs": "contributions", "likely": "session_score", "alike": "similar"}
"""Fields and stages that older versions call otherwise."""
SOURCES = {"alike": "similar"}
MEASURED = {"took_ms", "query_id", "id"}  # differ from run to run
SHOWN = 3  # differences of each kind


def main() -> int:
    """Run one of the two commands; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="ask a shop and write its answers")
    recording.add_argument("store", type=Path)
    recording.add_argument("file", type=Path)
    recording.add_argument("--queries", type=int, default=800, help="searches (default: 800)")
    recording.add_argument("--keystrokes", type=int, default=5000, help="completions (default: 5000)")
    comparing = commands.add_parser("compare", help="say what differs")
    comparing.add_argument("files", type=Path, nargs=2)
    arguments = parser.parse_args()
    if arguments.command == "compare":
        return compare(*arguments.files)
    with arguments.file.open("wb") as stream:
        for kind, asked, answer in answers(arguments.store, arguments.queries, arguments.keystrokes):
            line = orjson.dumps([kind, asked, answer], option=orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE)
            stream.write(line)
    return 0


def answers(store: Path, queries: int, keystrokes: int) -> Iterator[tuple[str, str, object]]:
    """Kind, question and answer, always the same questions for the same log."""
    folders = ArtifactStore(store / "artifacts").current()
    graph = KnowledgeGraph(folders["graph"])
    for row, triple in enumerate(graph.triples(range(graph.edges.num_rows))):
        yield "edge", str(row), _plain(asdict(triple))
    discovery = Discovery.open(store)
    texts = sorted(set(pq.read_table(folders["events"] / "queries.parquet")["query"].to_pylist()) - {"", None})
    chosen = random.Random(SEED).sample(texts, min(queries, len(texts)))
    for text in chosen:
        yield "search", text, _plain(asdict(discovery.search(Query(text, limit=HITS, explain=True))))
    typing = random.Random(SEED)
    for place in range(keystrokes):
        text, before = typing.choice(texts), typing.choice(texts)
        prefix, previous = text[: typing.randint(1, len(text))], (before,) if place % 2 else ()
        completions = discovery.complete(prefix, previous=previous, limit=10)
        yield "complete", f"{prefix} | {previous}", _plain(asdict(completions))


def _plain(value: object) -> object:
    """A record without what differs from run to run."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items() if name not in MEASURED}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def _renamed(value: object) -> object:
    """An answer under today's names."""
    if isinstance(value, dict):
        return {
            RENAMED.get(name, name): SOURCES.get(entry, entry) if name == "source" else _renamed(entry)
            for name, entry in value.items()
        }
    return [_renamed(entry) for entry in value] if isinstance(value, list) else value


def compare(one: Path, other: Path) -> int:
    """Print how many answers are equal, by kind; returns the exit code."""
    equal: Counter[str] = Counter()
    differing: Counter[str] = Counter()
    missing = 0
    with one.open("rb") as first, other.open("rb") as second:
        for left, right in zip_longest(map(orjson.loads, first), map(orjson.loads, second)):
            if left is None or right is None:
                missing += 1
                continue
            (kind, asked, before), (*question, after) = left, right
            old, new = [kind, asked, _renamed(before)], [*question, _renamed(after)]
            if old == new:
                equal[kind] += 1
                continue
            differing[kind] += 1
            if differing[kind] <= SHOWN:
                print(f"{kind} {asked!r}: {'; '.join(_differences(old, new, '')[:3])}")
    for kind in sorted(equal | differing):
        print(f"{kind}: {equal[kind]:,} equal, {differing[kind]:,} differ")
    if missing:
        print(f"{missing:,} answers are in one file alone")
    return int(bool(differing) or bool(missing))


def _differences(old: object, new: object, where: str) -> Sequence[str]:
    """Where two answers differ, as `path: old -> new`."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        return [line for name in old for line in _differences(old[name], new[name], f"{where}.{name}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [line for at in range(len(old)) for line in _differences(old[at], new[at], f"{where}[{at}]")]
    return [] if old == new else [f"{where}: {str(old)[:120]} -> {str(new)[:120]}"]


if __name__ == "__main__":
    sys.exit(main())
