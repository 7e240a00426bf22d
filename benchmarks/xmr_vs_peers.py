"""The label tree beside its peers, each in its own process: ratios of cost to libpecos, and quality beside five others.

`python benchmarks/xmr_vs_peers.py [--data homedepot demo synthetic] [--peers FOLDER] [--work FOLDER]` makes the peers'
environment where it is missing, prints what it measures as JSON, and writes `results/xmr_vs_peers.json`. libpecos gets
the same features and the same tree, so that only the engine differs; all ratios are ours over theirs.
"""

import argparse
import json
import os
import platform
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from engine_figures import (
    Contender,
    Figures,
    answer_in_turns,
    batch_in_turns,
    opening,
    ranked,
    ratio,
    train_in_turns,
)
from peer_processes import Side, peers_python, run_once, versions
from ranking_data import RankingData, demo_shop, home_depot, synthetic
from ranking_folder import write_folder
from whybuy.evaluation.search import SearchReport

RESULTS = Path(__file__).parents[1] / "results" / "xmr_vs_peers.json"
THREADS = 2  # of training
OURS, THEIRS = "whybuy_engine.py", "libpecos_engine.py"
METRICS = ("ndcg@10", "recall@10", "recall@100")
ENGINES = ("homedepot", "synthetic")
RANKERS = {
    "homedepot": ("bm25s", "napkinxc", "minilm"),
    "demo": ("bm25s", "napkinxc", "minilm", "minilm_trained"),
    "demo_clicks": ("napkinxc",),
}
# the soft solver was chosen on the stretch of the demo before the last: learned=0.64, until=0.8
TREES: dict[str, dict[str, float]] = {"tree": {}, "soft_tree": {"cost": 0.1, "threshold": 0.02}}
WARM_UP = 2_000  # labels of the data set that compiles the kernels


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements share."""

    peers: Path  # interpreter of the peers
    work: Path  # folder for data and models
    rounds: int
    asked: int  # queries of the turns, at most

    def contenders(self, data: Path, *, theirs: str = "theirs") -> tuple[Contender, Contender]:
        """Both engines with their models of a data set."""
        ours = Contender("ours", Path(sys.executable), OURS, data / "ours")
        return ours, Contender("theirs", self.peers, THEIRS, data / theirs)


def compare_engines(bench: Bench, data: RankingData, folder: Path) -> Figures:
    """Ours and libpecos on the same features and the same tree."""
    pair = bench.contenders(folder)
    queries = min(bench.asked, len(data.asked))
    training = train_in_turns(pair, folder, rounds=min(2, bench.rounds), threads=THREADS)
    single = answer_in_turns(pair, folder, "single", rounds=bench.rounds, queries=queries)
    batch = batch_in_turns(pair, folder, rounds=bench.rounds, queries=queries, threads=1)
    wide = batch_in_turns(pair, folder, rounds=bench.rounds, queries=queries, threads=2)
    opened = {one.name: opening(one, folder) for one in pair}
    size = {one.name: sizes(one) for one in pair}
    report = data.report({one.name: ranked(one, folder, folder / f"{one.name}.npy") for one in pair})
    return {
        "ratios": {
            "single_p50": ratio(single, lambda figures: figures["p50_us"]),
            "single_p99": ratio(single, lambda figures: figures["p99_us"]),
            "single_p99_of_medians": ratio(single, lambda figures: figures["p99_us_of_medians"]),
            "batch": ratio(batch, lambda figures: figures["us"]),
            "batch_cpu": ratio(batch, lambda figures: figures["cpu_us"]),
            "batch_2_threads": ratio(wide, lambda figures: figures["us"]),
            "train": ratio(training, lambda figures: figures["train_s"]),
            "train_cpu": ratio(training, lambda figures: figures["train_cpu_s"]),
            "disk": ratio(size, lambda figures: min(figures.values())),
            "memory": ratio(training, lambda figures: figures["peak_mb"]),
            "opening": ratio(opened, lambda figures: figures["first_answer_ms"]),
            "opening_cold": ratio(opened, lambda figures: figures["from_start_of_process_ms"]),
        },
        "recall_difference": differences(report, "ours", ["theirs"])["theirs"],
        "quality": quality(report),
        "training": training,
        "single": single,
        "batch": batch,
        "batch_2_threads": wide,
        "opening": opened,
        "disk_mb": size,
    }


def compare_strings(bench: Bench, data: RankingData, folder: Path, vectorizer: str) -> Figures:
    """From a text to ids: ours beside libpecos trained on the features of another vectorizer."""
    pair = bench.contenders(folder, theirs=f"theirs_{vectorizer}")
    theirs = pair[1]
    with Side(theirs.python, theirs.script, threads=THREADS) as side:
        training = side.ask(
            "train_strings", data=str(folder), model=str(theirs.model), vectorizer=vectorizer, threads=THREADS
        )
    queries = min(bench.asked, len(data.asked))
    strings = answer_in_turns(pair, folder, "strings", rounds=bench.rounds, queries=queries)
    labels = {one.name: ranked(one, folder, folder / f"{one.name}_{vectorizer}.npy", texts=True) for one in pair}
    return {
        "ratios": {
            "string_p50": ratio(strings, lambda figures: figures["p50_us"]),
            "string_p99": ratio(strings, lambda figures: figures["p99_us"]),
        },
        "strings": strings,
        "train_with_vectorizer_s": training["seconds"],
        "quality": quality(data.report(labels)),
    }


def compare_quality(bench: Bench, data: RankingData, folder: Path, names: Sequence[str]) -> Figures:
    """Trees alone beside rankers of other kinds; differences are the tree's less theirs."""
    figures: dict[str, Figures] = {}
    labels = {}
    for name, solver in TREES.items():
        tree = Contender("ours", Path(sys.executable), OURS, folder / name)
        with Side(tree.python, tree.script, threads=THREADS) as side:
            figures[name] = side.ask("train", data=str(folder), model=str(tree.model), threads=THREADS, **solver)
        labels[name] = ranked(tree, folder, folder / f"{name}.npy")
    for name in names:
        script, _, trained = name.partition("_")
        flags = ["--train"] if trained else []
        figures[name] = dict(run_once(bench.peers, f"{script}_ranks.py", folder, folder / name, flags))
        labels[name] = np.load(folder / name / "labels.npy")
    report = data.report(labels)
    return {
        "quality": quality(report),
        "less": {tree: differences(report, tree, names) for tree in TREES},
        "quality_of_new_queries": quality(data.report(labels, data.new_queries())),
        "figures": figures,
    }


def quality(report: SearchReport) -> Figures:
    """Mean metrics by ranker."""
    means = {name: {metric: ranker.mean(metric) for metric in METRICS} for name, ranker in report.rankers.items()}
    return {"queries": len(report.queries), **means}


def differences(report: SearchReport, ranker: str, baselines: Sequence[str]) -> Figures:
    """How much better a ranker is than others, by metric, with 95 % intervals."""
    return {
        baseline: {metric: asdict(report.difference(ranker, baseline, metric=metric)) for metric in METRICS}
        for baseline in baselines
    }


def sizes(contender: Contender) -> Figures:
    """Megabytes of the models on disk, by form, without vectorizers."""
    forms = [folder for folder in contender.model.iterdir() if folder.is_dir() and folder.name != "vectorizer"]
    return {form.name: sum(file.stat().st_size for file in form.rglob("*") if file.is_file()) / 1e6 for form in forms}


def warm_up(bench: Bench) -> None:
    """Compile all kernels of ours, which is done once on a machine."""
    folder = bench.work / "warm_up"
    write_folder(synthetic(WARM_UP, 3 * WARM_UP, asked=100), folder)
    ours = bench.contenders(folder)[0]
    train_in_turns([ours], folder, rounds=1, threads=THREADS)
    with ours.start(folder) as side:
        side.ask("open", model=str(ours.model), mode="mmap")
        side.ask("strings", start=0, count=10)
        side.ask("batch", start=0, count=100, threads=2)


def measure(bench: Bench, name: str, data: RankingData) -> Figures:
    """All that is compared on one data set: engines where their speed is of interest, quality where it is real."""
    folder = bench.work / name
    found: Figures = {"data": asdict(write_folder(data, folder))}
    if name in ENGINES:
        found["engines"] = compare_engines(bench, data, folder)
    if name == "homedepot":
        found["strings"] = {kind: compare_strings(bench, data, folder, kind) for kind in ("libpecos", "scikit-learn")}
    if name in RANKERS:
        found["rankers"] = compare_quality(bench, data, folder, RANKERS[name])
    return found


def headline(found: dict[str, Figures]) -> Figures:
    """The ratios and the difference of recall on Home Depot."""
    if "homedepot" not in found:
        return {}
    engines, strings = found["homedepot"]["engines"], found["homedepot"]["strings"]
    return {
        "ratios": engines["ratios"]
        | strings["libpecos"]["ratios"]
        | {f"{key}_scikit_learn": value for key, value in strings["scikit-learn"]["ratios"].items()},
        "recall_difference": {
            metric: difference["mean"]
            for metric, difference in engines["recall_difference"].items()
            if metric.startswith("recall")
        },
    }


def machine() -> Figures:
    """What it was measured on."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text(encoding="utf-8").splitlines() if cpus.is_file() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "system": platform.platform(),
        "processor": model or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load_at_start": os.getloadavg()[0],
    }


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=list(DATA_SETS), choices=list(DATA_SETS))
    parser.add_argument("--peers", type=Path, default=Path(sys.prefix) / "peers", help="their virtual environment")
    parser.add_argument("--work", type=Path, help="keep data and models here instead of in a temporary folder")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--asked", type=int, default=2_000, help="queries that are timed, at most")
    parser.add_argument("--labels", type=int, default=100_000, help="of the synthetic catalog")
    return parser.parse_args()


def main(arguments: argparse.Namespace, work: Path) -> None:
    """Measure, print, write; figures of data sets that are not measured now stay."""
    bench = Bench(peers_python(arguments.peers), work, arguments.rounds, arguments.asked)
    facts_of_machine = machine()
    warm_up(bench)
    found: dict[str, Figures] = (
        json.loads(arguments.results.read_text())["by_data"] if arguments.results.is_file() else {}
    )
    for name in arguments.data:
        settings = [f"--{key}={getattr(arguments, key)}" for key in ("rounds", "asked", "labels")]
        command = shlex.join(["python", "benchmarks/xmr_vs_peers.py", f"--data={name}", *settings])
        facts = {"command": command, "machine": facts_of_machine, "versions": versions(bench.peers)}
        found[name] = facts | measure(bench, name, DATA_SETS[name](work, arguments.labels))
        print(json.dumps({name: found[name]}, indent=1), flush=True)
        body = headline(found) | {"by_data": found}
        arguments.results.parent.mkdir(parents=True, exist_ok=True)
        arguments.results.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


DATA_SETS: dict[str, Callable[[Path, int], RankingData]] = {
    "homedepot": lambda work, labels: home_depot(),
    "demo": lambda work, labels: demo_shop(work / "shop"),
    "demo_clicks": lambda work, labels: demo_shop(work / "shop", click=1.0),
    "synthetic": lambda work, labels: synthetic(labels, 4 * labels),
}


if __name__ == "__main__":
    options = read_arguments()
    if options.work:
        main(options, options.work)
    else:
        with tempfile.TemporaryDirectory() as name:
            main(options, Path(name))
