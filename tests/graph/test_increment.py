"""A graph that is kept up to date equals the one that is assembled anew."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_shop import build_graph, hypotheses_lists
from whybuy.artifacts import ArtifactStore, read_manifest
from whybuy.graph import GraphConfig, KnowledgeGraph
from whybuy.graph.files import FORMAT_VERSION, KIND, MERGES_FILE, WITHDRAWN_SCHEMA
from whybuy.graph.increment import rejection_evidence, rejections, shared_files, update
from whybuy.knowledge.proposing.hypothesizer import to_table
from whybuy.records import CRITIC, Head, Hypothesis, Triple
from whybuy.relations import Relation
from whybuy.text import canonical

NOTHING = WITHDRAWN_SCHEMA.empty_table()
ARRAYS = ("key_hash", "key_node", "name_order", "head_starts", "tail_starts", "tail_edges", "source_starts")


def updated(base: Path, root: Path, added: list[Hypothesis] | pa.Table, withdrawn: pa.Table = NOTHING) -> Path:
    table = added if isinstance(added, pa.Table) else to_table(added)
    store = ArtifactStore(root)
    with store.create(KIND, "updated", FORMAT_VERSION, {}, shared_files(base)) as (folder, _):
        update(base, table, withdrawn, folder, GraphConfig())
    return store.folder(KIND, "updated")


def triples_of(folder: Path) -> list[Triple]:
    graph = KnowledgeGraph(folder)
    return list(graph.triples(range(graph.edges.num_rows)))


def assert_same(one: Path, other: Path) -> None:
    """Same files but for those of the evidence; same triples with the same sources."""
    for name in [f"{name}.npy" for name in ARRAYS] + ["nodes.arrow", "edges.arrow"]:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    by_wording = [("node", "ascending"), ("wording", "ascending")]
    wordings, others = (pq.read_table(folder / MERGES_FILE).sort_by(by_wording) for folder in (one, other))
    assert wordings.equals(others)
    assert triples_of(one) == triples_of(other)
    read_manifest(one, KIND, FORMAT_VERSION, verify=True)


def withdraw(rows: list[tuple[str, str]]) -> pa.Table:
    return pa.table([[name for name, _ in rows], [evidence for _, evidence in rows]], schema=WITHDRAWN_SCHEMA)


@settings(max_examples=25, deadline=None)
@given(hypotheses_lists(), hypotheses_lists(), hypotheses_lists())
def test_adding_to_a_graph_equals_assembling_all(
    first: list[Hypothesis], second: list[Hypothesis], third: list[Hypothesis]
) -> None:
    with TemporaryDirectory() as name:
        root = Path(name)
        grown = updated(build_graph(root / "a", first), root / "b", second)
        assert_same(grown, build_graph(root / "ab", first + second))
        assert_same(updated(grown, root / "c", third), build_graph(root / "abc", first + second + third))


@settings(max_examples=25, deadline=None)
@given(hypotheses_lists(), hypotheses_lists(), st.data())
def test_taking_evidence_away_equals_never_having_had_it(
    first: list[Hypothesis], second: list[Hypothesis], data: st.DataObject
) -> None:
    every = sorted({(one.generator, one.evidence[0]) for one in first + second})
    gone = set(data.draw(st.lists(st.sampled_from(every), unique=True))) if every else set()
    left = [one for one in first if (one.generator, one.evidence[0]) not in gone]
    with TemporaryDirectory() as name:
        root = Path(name)
        smaller = updated(build_graph(root / "a", first), root / "b", second, withdraw(sorted(gone)))
        assert_same(smaller, build_graph(root / "left", left + second))


@pytest.mark.heavy
@settings(max_examples=25, deadline=None)
@given(hypotheses_lists(), hypotheses_lists(), st.data())
def test_a_rejected_edge_is_left_out_and_stays_out_until_that_is_taken_back(
    first: list[Hypothesis], second: list[Hypothesis], data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.sampled_from(first), max_size=3)) if first else []
    rejected = to_table(chosen)
    keys = {(one.head, one.relation, canonical(one.tail)) for one in chosen}
    more = [replace(one, scored_by=CRITIC, plausibility=1.0) for one in chosen] + second
    with TemporaryDirectory() as name:
        root = Path(name)
        before = build_graph(root / "a", first)
        after = updated(before, root / "b", rejections(rejected))
        assert keys_of(after) == keys_of(before) - keys
        assert keys_of(updated(after, root / "c", more)) == keys_of(updated(before, root / "d", more)) - keys
        assert_same(updated(after, root / "e", [], rejection_evidence(rejected)), before)


def keys_of(folder: Path) -> set[tuple[Head, Relation, str]]:
    return {(one.head, one.relation, canonical(one.tail)) for one in triples_of(folder)}
