"""The published completion pipeline on libpecos beside ours, on the demo's late sessions; prints JSON.

    python benchmarks/complete_vs_libpecos.py STORE [--configurations 0 5 8] [--queries 3000] [--peers FOLDER]

Both get the same labels, features and tree (`evaluation/published_tree.py`), so only the engine differs; the session
ranker, which has a bound instead of prefix features, stands beside. Keystrokes after a query alone; makes the peers'
environment where it is missing. Features are computed before the clock starts for libpecos, within it for ours.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.sparse import save_npz

from peer_processes import peers_python, run_once
from ranking_folder import cluster_chain
from whybuy.completion.completer import Completer
from whybuy.completion.folding import fold
from whybuy.completion.session_training import SessionTrainingSet, session_training_set
from whybuy.evaluation.complete import LENGTHS, Keystroke
from whybuy.evaluation.completion_trial import CompletionTrial, cut_store_log
from whybuy.evaluation.published_tree import CONFIGURATIONS, PublishedTree, label_matrix, typed_prefixes


def main() -> None:
    """Measure each configuration on both engines, and the session ranker."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--configurations", type=int, nargs="*", default=[0, 5, 8])
    parser.add_argument("--queries", type=int, default=3000)
    parser.add_argument("--peers", type=Path, default=Path(sys.prefix) / "peers", help="their virtual environment")
    arguments = parser.parse_args()
    peers = peers_python(arguments.peers)
    trained, keystrokes = cut_store_log(arguments.store, CompletionTrial(queries=arguments.queries))
    keystrokes = [one for one in keystrokes if one.previous]
    keys = trained.parts.vocabulary["key"].to_pylist()
    pairs = session_training_set(trained.log.follow_ups, keys)
    completer = Completer.build(trained.parts.vocabulary, trained.parts.ranker, suffixes=trained.parts.suffixes)
    figures: dict[str, object] = {
        "keystrokes": len(keystrokes),
        "pairs": len(pairs.rows),
        "session": ours(lambda one: [fold(each.text) for each in completer.complete(one.prefix, previous=one.previous)],
                        keystrokes),
    }  # fmt: skip
    for number in arguments.configurations:
        began = time.perf_counter()
        tree = PublishedTree.fit(keys, pairs, CONFIGURATIONS[number], threads=2)
        training = {"train_s": round(time.perf_counter() - began, 2)}
        figures[f"xmr-{number}"] = training | ours(partial(completed, tree), keystrokes)
        figures[f"libpecos-{number}"] = theirs(peers, tree, keys, pairs, keystrokes)
    print(json.dumps(figures, indent=1))


def completed(tree: PublishedTree, one: Keystroke) -> list[str]:
    """What a published tree answers at a keystroke."""
    return tree.complete(one.prefix, one.previous)


def ours(complete: Callable[[Keystroke], Sequence[str]], keystrokes: Sequence[Keystroke]) -> dict[str, object]:
    """Quality and latency of a method of this process."""
    complete(keystrokes[0])
    took, shown = [], []
    for one in keystrokes:
        began = time.perf_counter()
        shown.append(complete(one))
        took.append(1000 * (time.perf_counter() - began))
    p50, p99 = np.percentile(took, [50, 99]).round(3).tolist()
    return quality(shown, keystrokes) | {"p50_ms": p50, "p99_ms": p99}


def theirs(
    peers: Path, tree: PublishedTree, keys: Sequence[str], pairs: SessionTrainingSet, keystrokes: Sequence[Keystroke]
) -> dict[str, object]:
    """The same labels, features and tree on libpecos, in its own process."""
    with TemporaryDirectory() as name:
        data, target = Path(name) / "data", Path(name) / "target"
        data.mkdir()
        prefixes = [one.prefix for one in keystrokes]
        save_npz(data / "features.npz", tree.vectors(*typed_prefixes(pairs, keys)))
        save_npz(data / "labels.npz", label_matrix(pairs, len(keys)))
        save_npz(data / "asked.npz", tree.vectors(prefixes, [fold(one.previous[0]) for one in keystrokes]))
        for level, matrix in enumerate(cluster_chain(tree.label_tree)):
            save_npz(data / f"chain_{level:02d}.npz", matrix)
        for file, texts in {"keys": keys, "prefixes": prefixes}.items():
            (data / f"{file}.json").write_text(json.dumps(texts), encoding="utf-8")
        figures = run_once(peers, "libpecos_completions.py", data, target)
        labels = np.load(target / "labels.npy")
    shown = [[keys[label] for label in row if label >= 0] for row in labels.tolist()]
    return {name: round(figure, 3) for name, figure in figures.items()} | quality(shown, keystrokes)


def quality(shown: Sequence[Sequence[str]], keystrokes: Sequence[Keystroke]) -> dict[str, object]:
    """MRR@10 by letters typed."""
    answers = zip(map(list, shown), keystrokes, strict=True)
    gains = np.array([1 / (texts.index(one.meant) + 1) if one.meant in texts else 0.0 for texts, one in answers])
    letters = np.array([len(one.prefix) for one in keystrokes])
    return {
        f"mrr@10, {name} letters": round(float(gains[(letters >= low) & (letters <= high)].mean()), 3)
        for name, (low, high) in LENGTHS.items()
    }


if __name__ == "__main__":
    main()
