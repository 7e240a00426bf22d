"""Completion over real queries, in two parts that prove little by themselves; prints JSON.

    python benchmarks/complete_real.py [--data ../shared/data] [--queries 2000]

"typing": the queries of Home Depot, Crowdflower, WebShop and query_suggestions, each as often as it stands there, are
the vocabulary; they are typed, mistyped, and mixed with junk. "pseudo_sessions": two queries of Home Depot that share
a relevant product count as asked one after the other; a fifth of the first queries is held out. No shopper ever did so.
"""

import argparse
import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.completion.completer import Completer
from whybuy.completion.folding import fold, word_key, word_key_hash
from whybuy.completion.query_log import FOLLOW_SCHEMA
from whybuy.completion.session_training import SessionConfig, train_session_ranker
from whybuy.evaluation.complete import evaluate_completion, keystrokes_of
from whybuy.evaluation.most_frequent import MostFrequent
from whybuy.evaluation.splits import Part, part_of
from whybuy.records import VOCABULARY_SCHEMA, CompletionSource

RELEVANT = 2.5  # mean rating from which a product is shared
JUNK = ["\U0001f9e6" * 50, "ﷺ" * 200, "a" * 10_000, " " * 500, "\ud800x"]
JUNK += ["<script>", "ＦＵＬＬ　ｗｉｄｔｈ", "ß", "İ", "e\u0301" * 99]


def main() -> None:
    """Measure both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("WHYBUY_DATA", "../shared/data")))
    parser.add_argument("--queries", type=int, default=2_000)
    arguments = parser.parse_args()
    rng = np.random.default_rng(2026)
    figures = {
        "typing": typing(arguments.data, arguments.queries, rng),
        "pseudo_sessions": pseudo_sessions(arguments.data, arguments.queries, rng),
    }
    print(json.dumps(figures, indent=1))


def typing(data: Path, count: int, rng: np.random.Generator) -> dict[str, object]:
    """How often what is typed, or mistyped, is found, and how long it takes."""
    columns = [("homedepot/judgments", "query"), ("crowdflower/judgments", "query")]
    columns += [("webshop/goals", name) for name in ("query", "instruction")]
    columns += [("query_suggestions/suggestions", name) for name in ("query", "suggestion")]
    asked: Counter[str] = Counter()
    for name, column in columns:
        path = data / f"{name}.parquet"
        if column in pq.read_schema(path).names:
            asked.update(filter(None, map(fold, pq.read_table(path, columns=[column])[column].drop_null().to_pylist())))
    completer = Completer.build(vocabulary_of(asked))
    drawn = [text for text in rng.permutation(sorted(asked)).tolist() if len(text) >= 6][:count]
    typed = [(text[: rng.integers(5, len(text) + 1)], text) for text in drawn]
    mistyped = [(mistake(prefix, rng), text) for prefix, text in typed]
    return {
        "queries": len(asked),
        "typed": found(completer, typed),
        "mistyped": found(completer, mistyped),
        "junk": found(completer, [(junk, "") for junk in JUNK * 20]),
    }


def found(completer: Completer, typed: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Share of texts among ten completions, and milliseconds."""
    took, hits = [], 0
    completer.complete(typed[0][0])
    for prefix, text in typed:
        started = time.perf_counter()
        shown = completer.complete(prefix)
        took.append(1000 * (time.perf_counter() - started))
        hits += any(fold(one.text) == text for one in shown)
    p50, p99 = np.percentile(took, [50, 99])
    figures = {"success@10": round(hits / len(typed), 3)} if typed[0][1] else {}
    return figures | {"p50_ms": round(p50, 3), "p99_ms": round(p99, 3), "max_ms": round(max(took), 3)}


def mistake(prefix: str, rng: np.random.Generator) -> str:
    """The prefix without one of its letters; neither the first nor the last."""
    at = int(rng.integers(1, len(prefix) - 1))
    return prefix[:at] + prefix[at + 1 :]


def pseudo_sessions(data: Path, count: int, rng: np.random.Generator) -> dict[str, object]:
    """Completion after a query that shares a relevant product, beside completion without it."""
    judged = pq.read_table(data / "homedepot/judgments.parquet").to_pylist()
    sharing: defaultdict[int, set[str]] = defaultdict(set)
    for row in judged:
        if row["relevance"] >= RELEVANT:
            sharing[row["product_id"]].add(fold(row["query"]))
    pairs = sorted({pair for queries in sharing.values() for pair in permutations(sorted(queries), 2)})
    asked = Counter({fold(row["query"]): 1 for row in judged})
    vocabulary = vocabulary_of(asked)
    held_out = [pair for pair in pairs if part_of(pair[0]) is Part.VALIDATION]
    unseen = {frozenset(pair) for pair in held_out}  # in either order
    kept = [pair for pair in rng.permutation(np.array(pairs)).tolist() if frozenset(pair) not in unseen]
    rows = [
        {"session": "", "seconds": place, "query": later, "previous_1": earlier}
        for place, (earlier, later) in enumerate(kept)
    ]
    follow_ups = pa.Table.from_pylist(rows, FOLLOW_SCHEMA)
    ranker = train_session_ranker(vocabulary, follow_ups, SessionConfig(), half_life_days=90.0)
    frequent, plain, ranked = MostFrequent(asked), Completer.build(vocabulary), Completer.build(vocabulary, ranker)
    chosen = [held_out[at] for at in rng.permutation(len(held_out))[:count].tolist()]
    keystrokes = keystrokes_of([(later, (earlier,)) for earlier, later in chosen])
    others = rng.permutation(len(keystrokes)).tolist()
    shuffled = [replace(one, previous=keystrokes[at].previous) for one, at in zip(keystrokes, others, strict=True)]
    methods = {
        "mfq": lambda prefix, _: frequent.complete(prefix),
        "trie": lambda prefix, _: texts(plain, prefix, ()),
        "session": lambda prefix, previous: texts(ranked, prefix, previous),
    }
    report = evaluate_completion(methods, keystrokes)
    fooled = evaluate_completion({"session": methods["session"]}, shuffled)
    mrr = {name: round(one.as_json(report.parts()["all"])["mrr@10"], 4) for name, one in report.methods.items()}
    short = report.parts()["1-3"]
    return {
        "pairs": len(kept),
        "held_out": len(held_out),
        "weights": ranker.weights if ranker else (),
        "mrr@10": mrr | {"others' queries": round(fooled.methods["session"].reciprocal.mean(), 4)},
        "mrr@10, 1 to 3 letters": {
            name: round(one.as_json(short)["mrr@10"], 4) for name, one in report.methods.items()
        },
    }


def texts(completer: Completer, prefix: str, previous: Sequence[str]) -> list[str]:
    """Folded completions."""
    return [fold(one.text) for one in completer.complete(prefix, previous=previous)]


def vocabulary_of(asked: Counter[str]) -> pa.Table:
    """VOCABULARY_SCHEMA of folded texts."""
    rows = [
        {
            "key": key,
            "text": key,
            "weight": float(times),
            "source": CompletionSource.QUERY_LOG,
            "word_key": word_key_hash(word_key(key, "en")),
        }
        for key, times in sorted(asked.items())
    ]
    return pa.Table.from_pylist(rows, VOCABULARY_SCHEMA)


if __name__ == "__main__":
    main()
