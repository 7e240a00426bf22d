"""Measuring who understands queries: recall by tail, calibration, the baseline, and files that cannot be read."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from small_shop import write_store
from tiny_shop import of_type, open_graph, pair_table, product_table, reason
from whybuy.build import build
from whybuy.cli import app
from whybuy.errors import InputError
from whybuy.evaluation.student import (
    LabeledQuery,
    Neighbors,
    evaluate_intents,
    read_labeled,
    type_precision,
)
from whybuy.intents.training_set import training_data
from whybuy.records import Head, HeadKind, Intent, Product
from whybuy.relations import Relation

FOR, ON = Relation.USED_FOR_AUDIENCE, Relation.USED_ON
QUERIES = [
    LabeledQuery("clogs for nurses", ((FOR, frozenset(("nurse", "night nurse"))),), held_out=False),
    LabeledQuery("gift for dads", ((FOR, frozenset(("dad",))), (ON, frozenset(("father day",)))), held_out=True),
]


def test_an_intent_is_found_in_any_of_its_wordings_and_inflections() -> None:
    answers = {
        "clogs for nurses": [Intent(ON, "a night nurse", 0.9)],
        "gift for dads": [Intent(FOR, "moms", 0.8), Intent(FOR, "dads", 0.4)],
    }
    report = evaluate_intents({"neighbors": answers.__getitem__, "mute": lambda query: []}, QUERIES)
    parts, reader = report.parts(), report.readers["neighbors"]
    figures = {name: reader.as_json(kept) for name, kept in parts.items()}
    assert (figures["all"]["recall@1"], figures["all"]["recall@10"]) == (0.5, 0.75)
    assert (figures["seen"]["recall@10"], figures["unseen"]["recall@10"]) == (1.0, 0.5)
    assert (figures["seen"]["recall@10_with_relation"], figures["unseen"]["recall@10_with_relation"]) == (0.0, 0.5)
    assert figures["all"]["calibration_error"] == pytest.approx((0.1 + 0.8 + 0.6) / 3)
    assert report.above["neighbors"]["mute"].mean == -0.75
    json = report.as_json()
    assert json["queries"] == 2
    assert {"all", "seen", "unseen", "above_neighbors"} <= json.keys()


def test_there_must_be_queries() -> None:
    with pytest.raises(InputError, match=r"no query to read.*benchmarks/student_demo\.py"):
        evaluate_intents({}, [])


def test_the_baseline_reads_what_the_most_similar_queries_are_for(tmp_path: Path) -> None:
    words = {"clogs for nurses": "nurses", "tents for winter": "winter", "winter tent": "winter"}
    heads = [reason(Head(HeadKind.QUERY, (text,)), FOR, tail) for text, tail in words.items()]
    graph = open_graph(tmp_path, [*heads, reason(of_type("tent"), FOR, "winter")])
    data = training_data(graph, product_table([Product("t", "tent", product_type="tent")]), pair_table([]))
    intents = Neighbors(data.queries, data.reasons, graph).read("tent in winter")
    assert [one.tail for one in intents][:1] == ["winter"]
    assert sum(one.confidence for one in intents) == pytest.approx(1)


def test_reasons_of_products_are_held_against_those_of_their_types() -> None:
    products = [Product("p", "Marlowe tent", product_type="Tent")]
    figures = type_precision(
        lambda product: [Intent(FOR, "campers", 0.8), Intent(FOR, "nurses", 0.6)], products, {("tent", "camper")}
    )
    assert (figures["products"], figures["precision@1"], figures["precision@10"]) == (1, 1.0, 0.5)
    assert figures["calibration_error"] == pytest.approx((0.2 + 0.6) / 2)


def test_a_shop_without_logs_is_measured_by_what_its_texts_say(tmp_path: Path) -> None:
    store = write_store(tmp_path / "shop", logs=False)
    build(store)
    named = {"query": ["family camping trips"], "relation": ["used_for_event"], "tail": ["family camping trips"]}
    pq.write_table(pa.table(named | {"wordings": [["camping"]], "held_out": [False]}), tmp_path / "named.parquet")
    command = ["evaluate", "intents", "--store", str(store), "--named", str(tmp_path / "named.parquet")]
    ran = CliRunner().invoke(app, [*command, "--json"])
    assert ran.exit_code == 0, ran.output
    figures = json.loads(ran.stdout)["all"]
    assert (figures["graph"]["recall@1"], figures["neighbors"]["recall@10"]) == (1, 0)
    assert "The shop has no logs with queries, so that neighbors have none to read from." in (
        CliRunner().invoke(app, command).stdout
    )


def test_files_without_intents_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file .*named\.parquet.*whybuy demo"):
        read_labeled(tmp_path / "named.parquet")
    pq.write_table(pa.table({"query": ["x"]}), tmp_path / "named.parquet")
    with pytest.raises(InputError, match=r"lacks relation, tail, wordings, held_out; it has query"):
        read_labeled(tmp_path / "named.parquet")
