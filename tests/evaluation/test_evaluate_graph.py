"""Graph evaluation on a world small enough to count by hand."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whybuy.errors import InputError
from whybuy.evaluation.graph import Projection, Truth, evaluate_graph, read_truth
from whybuy.records import Head, HeadKind, Triple
from whybuy.relations import Relation
from whybuy.text import canonical

AUDIENCE, EVENT = Relation.USED_FOR_AUDIENCE, Relation.USED_FOR_EVENT
PROJECTION = Projection(
    type_of={"p1": "Shoe", "p2": "sock"},
    types_of_query=lambda query: ["shoe"] if query == "shoes for pregnant women" else [],
)
TRUTHS = [
    Truth("shoe", AUDIENCE, frozenset({"pregnant woman", "mum to be"}), "Shoes", held_out=False, purchases=9),
    Truth("shoe", EVENT, frozenset({"wedding"}), "Shoes", held_out=False, purchases=4),
    Truth("tent", EVENT, frozenset({canonical("camping trip")}), "Camping", held_out=True, purchases=5),
]


def triple(kind: HeadKind, key: tuple[str, ...], relation: Relation, tail: str) -> Triple:
    return Triple(Head(kind, key), relation, tail, 0.9, 0.9, 3)


QUERY_EDGE = triple(HeadKind.QUERY, ("shoes for pregnant women",), AUDIENCE, "Pregnant Women")
PRODUCT_EDGE = triple(HeadKind.PRODUCT, ("p1",), AUDIENCE, "a pregnant woman")
PAIR_EDGE = triple(HeadKind.PAIR, ("p1", "p2"), EVENT, "weddings")
TENT_EDGE = triple(HeadKind.TYPE, ("tent",), EVENT, "camping trips")
TRAIT_EDGE = triple(HeadKind.TYPE_ATTRIBUTE, ("shoe", "sole", "red"), AUDIENCE, "mums to be")


def test_edges_that_say_the_same_count_once() -> None:
    overall = evaluate_graph([QUERY_EDGE, PRODUCT_EDGE], TRUTHS, PROJECTION).overall
    assert (overall.edges, overall.right) == (1, 1)


def test_every_listed_wording_is_right_and_finds_its_truth_once() -> None:
    overall = evaluate_graph([QUERY_EDGE, TRAIT_EDGE], TRUTHS, PROJECTION).overall
    assert (overall.edges, overall.right, overall.recall) == (2, 2, 0.5)


def test_a_pair_claims_for_both_types() -> None:
    report = evaluate_graph([PAIR_EDGE], TRUTHS, PROJECTION)
    assert report.overall.precision == 0.5
    assert report.wrong == (("sock", EVENT, "wedding"),)


def test_recall_counts_expressed_truths_and_all() -> None:
    overall = evaluate_graph([PAIR_EDGE, TENT_EDGE], TRUTHS, PROJECTION).overall
    assert (overall.recall, overall.truths) == (1 / 2, 2)
    assert (overall.recall_all, overall.truths_all) == (2 / 3, 3)


def test_the_relation_must_be_right_too() -> None:
    wrong = triple(HeadKind.PRODUCT, ("p1",), EVENT, "pregnant women")
    assert evaluate_graph([wrong], TRUTHS, PROJECTION).overall.right == 0


def test_heads_that_name_no_known_type_claim_nothing() -> None:
    unknown = [triple(HeadKind.PRODUCT, ("p9",), EVENT, "wedding")]
    assert evaluate_graph(unknown, TRUTHS, PROJECTION).overall.edges == 0


def test_per_relation_and_seen_and_unseen() -> None:
    report = evaluate_graph([QUERY_EDGE, PAIR_EDGE, TENT_EDGE], TRUTHS, PROJECTION)
    assert {relation: score.right for relation, score in report.per_relation.items()} == {AUDIENCE: 1, EVENT: 2}
    assert (report.seen.edges, report.seen.right) == (3, 2)
    assert (report.unseen.precision, report.unseen.recall) == (1, 1)


def test_an_empty_graph_scores_zero() -> None:
    overall = evaluate_graph([], TRUTHS, PROJECTION).overall
    assert (overall.precision, overall.recall, overall.edges) == (0, 0, 0)


def test_json_is_the_contract() -> None:
    body = json.loads(json.dumps(evaluate_graph([QUERY_EDGE], TRUTHS, PROJECTION).as_json()))
    assert (body["precision"], body["recall"], body["edges"]) == (1, 0.5, 1)
    assert body["per_relation"]["used_for_audience"]["recall"] == 1


def truth_table(relation: str = "used_for_event") -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "product_type": "Tent",
                "relation": relation,
                "tail": "camping trips",
                "wordings": ["camping", "nights outdoors"],
                "category": "Camping",
                "held_out": True,
                "purchases": 5,
            }
        ]
    )


def test_truth_is_read_in_canonical_form(tmp_path: Path) -> None:
    pq.write_table(truth_table(), tmp_path / "reasons.parquet")
    (truth,) = read_truth(tmp_path / "reasons.parquet")
    assert (truth.product_type, truth.relation, truth.purchases) == ("tent", EVENT, 5)
    assert canonical("camping trip") in truth.wordings
    assert len(truth.wordings) == 3


def test_a_shop_without_truth(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only the demo shop has one"):
        read_truth(tmp_path / "reasons.parquet")


def test_truth_with_a_missing_column(tmp_path: Path) -> None:
    pq.write_table(truth_table().drop_columns(["tail"]), tmp_path / "reasons.parquet")
    with pytest.raises(InputError, match="lacks tail; it has product_type"):
        read_truth(tmp_path / "reasons.parquet")


def test_truth_with_an_unknown_relation(tmp_path: Path) -> None:
    pq.write_table(truth_table("used_for_evnt"), tmp_path / "reasons.parquet")
    with pytest.raises(InputError, match="Did you mean 'used_for_event'"):
        read_truth(tmp_path / "reasons.parquet")
