"""A judge who knows the truth of the demo shop, and what a critic makes of him."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whybuy.demo.judge import TRUTH_FILE, SimulatedJudge, judge_candidates
from whybuy.demo.truth import REASON_SCHEMA
from whybuy.errors import InputError
from whybuy.knowledge.critic.edge_critic import CriticConfig, EdgeCritic
from whybuy.knowledge.proposing.hypothesizer import to_table
from whybuy.records import Head, HeadKind, Hypothesis, Question
from whybuy.relations import Relation

NURSES, TENT = "night shift nurses", "dome tent"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two types with two reasons each; of those of the tent the first is bought far more often."""
    rows = [
        {"product_type": kind, "relation": relation, "tail": tail, "wordings": [tail, *wordings], "purchases": count}
        for kind, relation, tail, wordings, count in (
            (TENT, "used_by", NURSES, ["nurses on night shift"], 90),
            (TENT, "used_on", "rainy days", [], 3),
            (TENT, "used_with", "sleeping bag", [], 4),
            ("clog", "used_by", NURSES, [], 40),
        )
    ]
    (tmp_path / TRUTH_FILE).parent.mkdir()
    columns = [row | {"category": "Camping", "held_out": False} for row in rows]
    pq.write_table(pa.Table.from_pylist(columns, REASON_SCHEMA), tmp_path / TRUTH_FILE)
    return tmp_path


def answers_about(store: Path, head: Head, relation: Relation, tail: str) -> dict[Question, bool]:
    judge = SimulatedJudge(store, error_rate=0.0)
    return dict(judge.judge(head, relation, tail, type_of={"t1": TENT, "c1": "clog"}).answers)


def test_what_the_world_says_is_plausible_and_what_is_bought_often_is_typical(store: Path) -> None:
    tent = Head(HeadKind.TYPE, (TENT,))
    assert answers_about(store, tent, Relation.USED_BY, "nurse on night shifts") == {"plausible": True, "typical": True}
    assert answers_about(store, tent, Relation.USED_ON, "rainy day") == {"plausible": True, "typical": False}
    assert answers_about(store, tent, Relation.USED_WITH, "rainy days") == {"plausible": False}


def test_a_pair_has_the_reasons_that_both_products_have(store: Path) -> None:
    pair = Head(HeadKind.PAIR, ("c1", "t1"))
    assert answers_about(store, pair, Relation.USED_BY, NURSES)[Question.PLAUSIBLE]
    assert not answers_about(store, pair, Relation.USED_ON, "rainy days")[Question.PLAUSIBLE]
    assert not answers_about(store, Head(HeadKind.PRODUCT, ("unknown",)), Relation.USED_BY, NURSES)[Question.PLAUSIBLE]


def test_queries_are_not_judged(store: Path) -> None:
    with pytest.raises(InputError, match="Judge reasons of types"):
        answers_about(store, Head(HeadKind.QUERY, ("tents for nurses",)), Relation.USED_BY, NURSES)


def test_the_judge_errs_as_often_as_is_set(store: Path) -> None:
    judge, tent = SimulatedJudge(store, error_rate=0.1, seed=3), Head(HeadKind.TYPE, (TENT,))
    answers = [dict(judge.judge(tent, Relation.USED_BY, NURSES).answers) for _ in range(1000)]
    assert 870 < sum(answer[Question.PLAUSIBLE] for answer in answers) < 930


def test_a_shop_without_a_truth_has_no_such_judge(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only the demo shop has one"):
        SimulatedJudge(tmp_path)


def test_longer_sessions_of_one_seed_begin_alike_and_ask_nothing_twice(store: Path) -> None:
    tails = [f"{word} {trade}" for word in ("tired", "new", "busy") for trade in ("nurses", "cooks", "divers")]
    proposed = [
        Hypothesis(Head(HeadKind.TYPE, (kind,)), relation, tail, "test.v1", 5, 2.0, 0.8, 0.8, (), (f"{kind} {tail}",))
        for kind in (TENT, "clog")
        for relation in (Relation.USED_BY, Relation.USED_WITH)
        for tail in tails
    ]

    def judged(count: int) -> list[dict[str, object]]:
        critic = EdgeCritic(to_table(proposed), {TENT, "clog"}, "en", CriticConfig())
        rows: list[dict[str, object]] = judge_candidates(critic, SimulatedJudge(store), count).to_pylist()
        return rows

    assert judged(30)[:10] == judged(10)
    everything = judged(1000)
    assert len(everything) == len(proposed)
    assert len({(str(row["head_key"]), row["relation"], row["tail"]) for row in everything}) == len(proposed)
