"""How long completion takes with a million queries, one thread, in process; prints JSON.

    python benchmarks/complete_scale.py STORE [--queries 1000000] [--keystrokes 5000] [--pairs 0] [--cut 100000]
        [--keep COPY]

The queries are made of the words that the completions of STORE, a built shop, have, as often as they have them: 2 to 5
words each, weights like one over the rank. Queries are drawn by weight and typed to a random length ("typed_well"), to
a random length with a letter left out ("mistyped"), and to each of some lengths. So many queries of --cut are cut into
heads and suffixes, of which completions are composed. With --pairs, a session ranker learns from so many pairs of
queries that share a word, and prefixes are typed after a query ("in_session"), and after two more ("after_three").
With --keep, a copy of STORE with all of it is left, for `http_complete.py` to serve.
"""

import argparse
import json
import resource
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore, digest
from whybuy.completion.completer import FORMAT_VERSION, Completer
from whybuy.completion.query_log import LINK_SCHEMA, PART_SCHEMA, QueryLog
from whybuy.completion.session_ranker import SessionRanker
from whybuy.completion.session_training import SessionConfig, SessionTrainingSet, fit_session_ranker
from whybuy.completion.suffix_building import build_suffixes
from whybuy.completion.suffixes import Suffixes
from whybuy.records import VOCABULARY_SCHEMA, CompletionSource
from whybuy.shop import Shop

LENGTHS = (1, 2, 3, 5, 8, 12)
WARM_UP = 1_000  # keystrokes


def main() -> None:
    """Make the queries, index them, complete prefixes of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--queries", type=int, default=1_000_000)
    parser.add_argument("--keystrokes", type=int, default=5_000)
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--cut", type=int, default=100_000)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    rng = np.random.default_rng(2026)
    folder = Shop.open(arguments.store).folder("completions")
    vocabulary = made_up(pq.read_table(folder / "texts.parquet")["key"].to_pylist(), arguments.queries, rng)
    with TemporaryDirectory() as name:
        started = time.perf_counter()
        Completer.build(vocabulary).save(Path(name))
        built = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        size = sum(path.stat().st_size for path in Path(name).iterdir())
        started = time.perf_counter()
        Completer.open(Path(name))
        opened = time.perf_counter() - started
        suffixes = suffixes_of(vocabulary, arguments.cut, rng)
        completer = saved(Completer.build(vocabulary, suffixes=suffixes), Path(name) / "plain")
        texts, weights = vocabulary["key"].to_pylist(), vocabulary["weight"].to_numpy()
        drawn = [texts[row] for row in rng.choice(len(texts), arguments.keystrokes, p=weights / weights.sum())]
        figures = {
            "queries": len(texts),
            "build_s": round(built, 1),
            "open_s": round(opened, 3),
            "disk_mb": round(size / 1e6),
            "peak_gb": round(peak, 2),
            "typed_well": timed(completer, [text[: rng.integers(1, len(text) + 1)] for text in drawn]),
            "mistyped": timed(completer, [mistyped(text, rng) for text in drawn]),
            "by_length": {
                length: timed(completer, [text[:length] for text in drawn if len(text) >= length]) for length in LENGTHS
            },
        }
        if arguments.pairs:
            ranker, training = trained(vocabulary, arguments.pairs, rng)
            completer = saved(Completer.build(vocabulary, ranker, suffixes=suffixes), Path(name) / "session")
            figures["in_session"] = training | in_session(completer, drawn, rng)
        if arguments.keep:
            keep(completer, arguments.store, arguments.keep)
    print(json.dumps(figures, indent=1))


def saved(completer: Completer, folder: Path) -> Completer:
    """The same as a server opens it."""
    completer.save(folder)
    return Completer.open(folder)


def trained(vocabulary: pa.Table, pairs: int, rng: np.random.Generator) -> tuple[SessionRanker, dict[str, object]]:
    """A session ranker, and what its training took."""
    keys, weights = vocabulary["key"].to_pylist(), vocabulary["weight"].to_numpy()
    rows = rng.choice(len(keys), pairs, p=weights / weights.sum())
    others = [keys[row] for row in rng.integers(0, len(keys), pairs)]
    previous = [(before(keys[row], other, rng),) for row, other in zip(rows.tolist(), others, strict=True)]
    started = time.perf_counter()
    ranker = fit_session_ranker(keys, SessionTrainingSet(previous, rows), SessionConfig()).with_weights((2.0, 2.0, 2.0))
    trained = time.perf_counter() - started
    with TemporaryDirectory() as name:
        ranker.save(Path(name))
        size = sum(path.stat().st_size for path in Path(name).rglob("*") if path.is_file())
    return ranker, {
        "pairs": pairs,
        "training_s": round(trained, 1),
        "disk_mb": round(size / 1e6),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }


def in_session(completer: Completer, drawn: list[str], rng: np.random.Generator) -> dict[str, object]:
    """Answers after a query."""
    typed = [(text[: rng.integers(1, len(text) + 1)], (before(text, text, rng),)) for text in drawn]
    others = [tuple(drawn[row] for row in rng.integers(0, len(drawn), 2).tolist()) for _ in drawn]
    return {
        "typed_well": timed(completer, typed),
        "after_three": timed(
            completer, [(one, before + two) for (one, before), two in zip(typed, others, strict=True)]
        ),
        "letter_by_letter": timed(
            completer,
            [
                (text[:end], before + two)
                for text, (_, before), two in zip(drawn, typed, others, strict=True)
                for end in range(1, len(text) + 1)
            ][: 4 * len(drawn)],
        ),
        "by_length": {
            length: timed(completer, [(text[:length], (before(text, text, rng),)) for text in drawn])
            for length in LENGTHS
        },
    }


def keep(completer: Completer, store: Path, copy: Path) -> None:
    """A copy of a store that suggests what the completer does."""
    shutil.copytree(store, copy)
    artifacts = ArtifactStore(copy / ARTIFACTS_FOLDER)
    with artifacts.create("completions", digest("scale"), FORMAT_VERSION, {}) as (folder, _):
        completer.save(folder)
    artifacts.publish(artifacts.live() | {"completions": digest("scale")})


def suffixes_of(vocabulary: pa.Table, count: int, rng: np.random.Generator) -> Suffixes:
    """Heads and suffixes of some of the queries, each of which three shoppers or more asked."""
    chosen = [vocabulary["key"][row].as_py().split() for row in rng.permutation(len(vocabulary))[:count].tolist()]
    parts = [(words[:at], " ".join(words[at:])) for words in chosen for at in range(1, len(words))]
    begun = Counter(" ".join(words) for words, _ in parts)
    ended = Counter(suffix for _, suffix in parts)
    linked = Counter((word, suffix) for words, suffix in parts for word in set(words))
    links = [{"word": word, "suffix": suffix, "shoppers": 2 + times} for (word, suffix), times in linked.items()]
    tables = []
    for part in (begun, ended):
        rows = [{"text": text, "shoppers": 2 + times} for text, times in sorted(part.items())]
        tables.append(pa.Table.from_pylist(rows, PART_SCHEMA))
    heads, suffixes = tables
    linked_parts = pa.Table.from_pylist(links, LINK_SCHEMA)
    log = replace(QueryLog.empty(), heads=heads, suffixes=suffixes, links=linked_parts)
    return build_suffixes(log, language="en")


def before(text: str, other: str, rng: np.random.Generator) -> str:
    """A query with a word of the text and a word of another one."""
    words, others = text.split(), other.split()
    return f"{words[rng.integers(len(words))]} {others[rng.integers(len(others))]}"


def made_up(keys: list[str], count: int, rng: np.random.Generator) -> pa.Table:
    """A vocabulary (VOCABULARY_SCHEMA) of different texts."""
    words = np.array([word for key in keys for word in key.split()])
    texts: set[str] = set()
    while len(texts) < count:
        lengths = rng.integers(2, 6, count // 4)
        drawn = iter(rng.choice(words, lengths.sum()).tolist())
        texts.update(" ".join(next(drawn) for _ in range(length)) for length in lengths.tolist())
    chosen = sorted(texts)[:: len(texts) // count][:count]
    weights = 1 / (1.0 + rng.permutation(count))
    columns = [pa.array(chosen), pa.array(chosen), pa.array(weights, pa.float32())]
    columns += [pa.array([CompletionSource.QUERY_LOG.value] * count), pa.array(np.arange(count, dtype=np.int32))]
    unknown = [pa.nulls(count, field.type) for field in list(VOCABULARY_SCHEMA)[len(columns) :]]
    return pa.table([*columns, *unknown], schema=VOCABULARY_SCHEMA)


def mistyped(text: str, rng: np.random.Generator) -> str:
    """A prefix of at least four letters, one of them left out."""
    typed = text[: rng.integers(min(5, len(text)), len(text) + 1)]
    at = rng.integers(1, max(2, len(typed) - 1))
    return typed[:at] + typed[at + 1 :]


def timed(completer: Completer, typed: Sequence[str | tuple[str, tuple[str, ...]]]) -> dict[str, float]:
    """Milliseconds of each completion, the first left out, which map files. typed: prefixes, some after queries."""
    took = []
    for one in typed:
        prefix, previous = (one, ()) if isinstance(one, str) else one
        started = time.perf_counter()
        completer.complete(prefix, previous=previous)
        took.append((time.perf_counter() - started) * 1000)
    counted = took[WARM_UP:]
    p50, p99 = np.percentile(counted, [50, 99])
    return {"n": len(counted), "p50_ms": round(p50, 4), "p99_ms": round(p99, 4), "max_ms": round(max(counted), 3)}


if __name__ == "__main__":
    main()
