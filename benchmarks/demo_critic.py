"""What simulated judgments do to the demo shop's graph, against its latent truth; prints JSON.

    python benchmarks/demo_critic.py STORE [--judgments 500] [--seeds 8] [--error-rate 0.1]

Judges who answer from the truth, but err in a tenth, judge a sample and then what the critic selects. Each row is
the mean over the seeds of judge and sample. STORE is a built demo shop.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from whybuy.artifacts import ArtifactStore
from whybuy.build import open_critic
from whybuy.demo.judge import TRUTH_FILE, SimulatedJudge, judge_candidates
from whybuy.evaluation.graph import GraphReport, Truth, evaluate_graph, read_truth
from whybuy.evaluation.store import projection_of
from whybuy.graph import GraphConfig, KnowledgeGraph, assemble
from whybuy.graph.files import FORMAT_VERSION, KIND
from whybuy.records import HYPOTHESES
from whybuy.shop import Shop

STEPS = (0, 100, 200, 300, 400, 500, 750, 1000, 2000)


def main() -> None:
    """Measure the graph before judgments and after ever more of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--judgments", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--error-rate", type=float, default=0.1)
    arguments = parser.parse_args()
    shop = DemoShop(arguments.store)
    rows: defaultdict[int, list[dict[str, float]]] = defaultdict(list)
    for seed in range(arguments.seeds):
        judge = SimulatedJudge(arguments.store, error_rate=arguments.error_rate, seed=seed)
        judged = judge_candidates(shop.critic, judge, arguments.judgments, seed=seed)
        for size in [step for step in STEPS if step <= judged.num_rows]:
            rescored = shop.critic.rescored(judged.slice(0, size))[0] if size else shop.hypotheses
            rows[size].append(figures(shop.measure(rescored)))
    print(
        json.dumps({"seeds": arguments.seeds, "error_rate": arguments.error_rate, "by_judgments": mean(rows)}, indent=1)
    )


class DemoShop:
    """A built demo shop with what is measured of it."""

    def __init__(self, store: Path) -> None:
        self.shop = Shop.open(store)
        self._projection = projection_of(store)
        self._truths: Sequence[Truth] = read_truth(store / TRUTH_FILE)
        self.hypotheses: pa.Table = self.shop.table(HYPOTHESES)
        self.critic, _ = open_critic(self.shop)

    def measure(self, hypotheses: pa.Table) -> GraphReport:
        """The graph of these hypotheses against the truth."""
        with TemporaryDirectory() as root:
            artifacts = ArtifactStore(Path(root))
            with artifacts.create(KIND, "measured", FORMAT_VERSION, {}) as (folder, _):
                assemble(hypotheses, folder, GraphConfig())
            graph = KnowledgeGraph(artifacts.folder(KIND, "measured"))
            edges = graph.triples(range(graph.edges.num_rows))
            return evaluate_graph(edges, self._truths, self._projection)


def figures(report: GraphReport) -> dict[str, float]:
    """What a row shows."""
    parts = {"": report.overall, "looked_at_": report.seen, "unseen_": report.unseen}
    return {
        f"{part}{name}": value
        for part, score in parts.items()
        for name, value in (
            ("wrong", score.edges - score.right),
            ("precision", score.precision),
            ("recall", score.recall),
        )
    }


def mean(rows: dict[int, list[dict[str, float]]]) -> dict[int, dict[str, float]]:
    """Means over the seeds by number of judgments."""
    return {
        size: {name: round(sum(one[name] for one in found) / len(found), 4) for name in found[0]}
        for size, found in rows.items()
    }


if __name__ == "__main__":
    main()
