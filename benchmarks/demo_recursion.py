"""Closes the loop on the demo shop: the student of the judged graph proposes again, the critic judges; prints JSON.

    python benchmarks/demo_recursion.py STORE [--judgments 500] [--least 0.2]

Round 1: what a build proposes, judged by a critic of simulated judgments. Round 2: a student trained on the graph of
round 1 proposes reasons for all queries that were bought for and for all product types, beside those of round 1; the
same judgments train the critic; then as many more, which it asks about both rounds. STORE is a built demo shop.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc

from demo_critic import DemoShop, figures
from whybuy.artifacts import ArtifactStore
from whybuy.demo.judge import SimulatedJudge, judge_candidates, judge_on
from whybuy.graph import GraphConfig, KnowledgeGraph, assemble
from whybuy.graph.files import FORMAT_VERSION, KIND
from whybuy.intents import Student
from whybuy.intents.student_training import train_student
from whybuy.knowledge.critic.edge_critic import CriticConfig, EdgeCritic
from whybuy.knowledge.proposing.hypothesizer import to_table
from whybuy.records import PAIRS, Behavior, Head, HeadKind, Hypothesis, Intent, Product

GENERATOR = "student.v1"


def main() -> None:
    """Measure both rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--judgments", type=int, default=500)
    parser.add_argument("--least", type=float, default=0.2, help="confidence of a guess that becomes a proposal")
    arguments = parser.parse_args()
    shop = DemoShop(arguments.store)
    products, pairs = shop.shop.catalog.table, shop.shop.table(PAIRS)
    judge = SimulatedJudge(arguments.store)
    judged = judge_candidates(shop.critic, judge, arguments.judgments)
    first, _ = shop.critic.rescored(judged)
    with TemporaryDirectory() as root:
        artifacts = ArtifactStore(Path(root))
        with artifacts.create(KIND, "first", FORMAT_VERSION, {}) as (folder, _):
            assemble(first, folder, GraphConfig())
        graph = KnowledgeGraph(artifacts.folder(KIND, "first"))
        model = train_student(graph, products, pairs)
        if model is None:
            parser.error("the graph could not train a student")
        guesses = to_table(proposals(Student(model, graph), products, pairs, arguments.least))
    new = guesses.filter(pa.array(shop.critic.edges.find(guesses) < 0))
    both = pa.concat_tables([shop.hypotheses, new])
    types = pc.unique(products["product_type"]).to_pylist()
    critic = EdgeCritic(both, filter(None, types), "en", CriticConfig())
    second, _ = critic.rescored(judged)
    more = judge_on(critic, judge, judged, 2 * arguments.judgments)
    third, _ = critic.rescored(more)
    more_of_first = judge_on(shop.critic, judge, judged, 2 * arguments.judgments)
    print(
        json.dumps(
            {
                "judgments": judged.num_rows,
                "round_1": {"proposed": shop.hypotheses.num_rows, **figures(shop.measure(first))},
                "round_1_with_more": figures(shop.measure(shop.critic.rescored(more_of_first)[0])),
                "round_2": {
                    "guessed": guesses.num_rows,
                    "new": new.num_rows,
                    "new_kept": kept_of_student(second),
                    **figures(shop.measure(second)),
                },
                "round_2_with_more": {
                    "judgments": more.num_rows,
                    "new_kept": kept_of_student(third),
                    **figures(shop.measure(third)),
                },
                "round_2_without_critic": figures(shop.measure(both)),
            },
            indent=1,
        )
    )


def kept_of_student(hypotheses: pa.Table) -> int:
    """How many of the student's proposals are more plausible than not."""
    kept = pc.and_(pc.greater(hypotheses["plausibility"], 0.5), pc.equal(hypotheses["generator"], GENERATOR))
    return int(pc.sum(kept).as_py())


def proposals(student: Student, products: pa.Table, pairs: pa.Table, least: float) -> Iterator[Hypothesis]:
    """What a student says of all queries that were bought for, and of all product types."""
    searched = pairs.filter(pc.equal(pairs["kind"], Behavior.SEARCH_BUY.value))
    for query in pc.unique(searched["left"]).to_pylist():
        yield from reasons(Head(HeadKind.QUERY, (query,)), student.read(query), least)
    for name in filter(None, pc.unique(products["product_type"]).to_pylist()):
        guessed = student.read_product(Product("", name, product_type=name))
        yield from reasons(Head(HeadKind.TYPE, (name,)), guessed, least)


def reasons(head: Head, guessed: tuple[Intent, ...], least: float) -> Iterator[Hypothesis]:
    """Guesses as hypotheses whose plausibility is how sure the student is."""
    for one in guessed:
        if one.confidence >= least:
            scores = (1.0, one.confidence, one.confidence)
            yield Hypothesis(head, one.relation, one.tail, GENERATOR, 1, *scores, (), (" ".join(head.key),))


if __name__ == "__main__":
    main()
