"""What shoppers never ask for counts less, where there is a log to ask."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_shop import hypotheses_lists, of_type, reason
from whybuy.knowledge.proposing.demand import DemandConfig, weigh_claims
from whybuy.knowledge.proposing.hypothesizer import to_table
from whybuy.records import Head, HeadKind, Hypothesis, Proposer
from whybuy.relations import Relation

SHOE = of_type("slip-on shoe")
EVERY_LOG = DemandConfig(enough_queries=1, unsearched=0.25)


def asked(relation: Relation, tail: str) -> Hypothesis:
    query = Head(HeadKind.QUERY, (f"shoes for {tail}",))
    return reason(query, relation, tail, generator=Proposer.EVIDENCE)


def claimed(relation: Relation, tail: str) -> Hypothesis:
    return reason(SHOE, relation, tail, generator=Proposer.DESCRIPTIONS)


def weighed(hypotheses: list[Hypothesis], config: DemandConfig = EVERY_LOG) -> list[float]:
    scores: list[float] = weigh_claims(to_table(hypotheses), config)["plausibility"].to_pylist()
    return scores


@pytest.mark.parametrize(
    ("relation", "tail", "score"),
    [
        (Relation.USED_BY, "nurses", 0.8),
        (Relation.USED_BY, "a nurse", 0.8),
        (Relation.USED_BY, "pilots", 0.2),
        (Relation.X_IS_A, "nurses", 0.2),
    ],
)
def test_a_claim_counts_fully_when_a_query_names_it_in_its_relation(
    relation: Relation, tail: str, score: float
) -> None:
    assert weighed([asked(Relation.USED_BY, "nurses"), claimed(relation, tail)]) == pytest.approx([0.8, score])


def test_only_claims_of_descriptions_are_weighed() -> None:
    bought = reason(SHOE, Relation.USED_FOR_EVENT, "hiking", generator=Proposer.EVIDENCE)
    complement = reason(SHOE, Relation.USED_WITH, "sock", generator="co_buy.v1")
    assert weighed([asked(Relation.USED_BY, "nurses"), bought, complement]) == [0.8, 0.8, 0.8]


@pytest.mark.parametrize(("queries", "score"), [(0, 0.8), (2, 0.8), (3, 0.2), (4, 0.2)])
def test_a_thin_log_is_not_held_against_a_claim(queries: int, score: float) -> None:
    log = [asked(Relation.USED_BY, f"nurses of ward {number}") for number in range(queries)]
    config = DemandConfig(enough_queries=3, unsearched=0.25)
    assert weighed([*log, claimed(Relation.USED_BY, "pilots")], config)[-1] == pytest.approx(score)


def test_without_any_query_nothing_is_weighed_however_little_is_enough() -> None:
    assert weighed([claimed(Relation.USED_BY, "pilots")], DemandConfig(enough_queries=0)) == [0.8]


@given(hypotheses_lists(), st.integers(0, 3))
def test_nothing_but_plausibility_changes_and_only_downwards(hypotheses: list[Hypothesis], enough: int) -> None:
    table = to_table(hypotheses)
    found = weigh_claims(table, DemandConfig(enough_queries=enough))
    assert found.schema == table.schema
    assert found.drop_columns(["plausibility"]).equals(table.drop_columns(["plausibility"]))
    lower = pa.compute.less_equal(found["plausibility"], table["plausibility"])
    assert all(lower.to_pylist())
