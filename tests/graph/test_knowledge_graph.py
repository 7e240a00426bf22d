"""Look-ups find exactly what was put in, by head, by tail and by wording."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from tiny_shop import build_graph, hypotheses_lists, of_type, open_graph, reason
from whybuy.errors import ArtifactError
from whybuy.graph import KnowledgeGraph
from whybuy.graph.files import INTENT
from whybuy.records import Head, HeadKind, Hypothesis
from whybuy.relations import Relation
from whybuy.text import canonical

SHOE, LEASH = of_type("slip-on shoe"), of_type("dog leash")


@pytest.fixture
def graph(tmp_path: Path) -> KnowledgeGraph:
    return open_graph(
        tmp_path,
        [
            reason(SHOE, Relation.USED_FOR_AUDIENCE, "pregnant women", score=0.9),
            reason(SHOE, Relation.USED_BY, "nurses", score=0.7),
            reason(LEASH, Relation.USED_FOR_EVENT, "walking the dog", score=0.8),
            reason(Head(HeadKind.PRODUCT, ("p1",)), Relation.USED_FOR_AUDIENCE, "pregnant women", score=0.95),
            reason(Head(HeadKind.QUERY, ("nurses",)), Relation.USED_BY, "nurse", score=0.99),
        ],
    )


@pytest.mark.parametrize("words", ["walking the dog", "Walk the dogs", "walks a DOG"])
def test_an_intent_is_found_in_any_inflection(graph: KnowledgeGraph, words: str) -> None:
    node = graph.intent(words)
    assert node is not None
    assert (graph.label(node), graph.kind(node)) == ("walking the dog", INTENT)


def test_what_is_not_there_is_none(graph: KnowledgeGraph) -> None:
    assert graph.intent("astronauts") is None
    assert graph.node(HeadKind.TYPE, "tent") is None
    assert graph.node(HeadKind.PRODUCT, "slip-on shoe") is None
    assert graph.search("astronauts") is None


def test_a_label_means_the_intent_before_the_query_of_the_same_words(graph: KnowledgeGraph) -> None:
    node = graph.search("nurses")
    assert node is not None
    assert graph.kind(node) == INTENT


@pytest.mark.parametrize(("label", "kind"), [(" Slip-On Shoe ", HeadKind.TYPE), ("p1", HeadKind.PRODUCT)])
def test_a_label_means_types_in_any_case_and_products(graph: KnowledgeGraph, label: str, kind: HeadKind) -> None:
    node = graph.search(label)
    assert node is not None
    assert graph.kind(node) == kind


def test_a_label_means_the_type_before_the_need_of_the_same_words(tmp_path: Path) -> None:
    graph = open_graph(
        tmp_path,
        [reason(SHOE, Relation.USED_BY, "nurses"), reason(LEASH, Relation.USED_WITH, "slip-on shoe")],
    )
    node = graph.search("slip-on shoe")
    assert node is not None
    assert graph.kind(node) == HeadKind.TYPE


def test_every_node_is_found_by_its_label(tmp_path: Path) -> None:
    trait = Head(HeadKind.TYPE_ATTRIBUTE, ("slip-on shoe", "sole", "slip-resistant"))
    graph = open_graph(tmp_path, [reason(trait, Relation.USED_BY, "nurses")])
    node = graph.search("slip-on shoe [sole: slip-resistant]")
    assert node is not None
    assert graph.key(node) == trait.key


def test_the_neighborhood_is_closed_and_centered(graph: KnowledgeGraph) -> None:
    around = graph.neighborhood("pregnant women")
    assert around.center == "pregnant women"
    assert {node.label for node in around.nodes} == {"pregnant women", "slip-on shoe", "p1"}
    ids = {node.id for node in around.nodes}
    assert all({edge.source, edge.target} <= ids for edge in around.edges)
    assert [edge.relation for edge in around.edges] == [Relation.USED_FOR_AUDIENCE] * 2


def test_a_limited_neighborhood_keeps_types_before_products(graph: KnowledgeGraph) -> None:
    around = graph.neighborhood("pregnant women", limit=1)
    assert {node.label for node in around.nodes} == {"pregnant women", "slip-on shoe"}


def test_the_neighborhood_of_an_unknown_label_is_empty(graph: KnowledgeGraph) -> None:
    around = graph.neighborhood("astronauts")
    assert (around.center, around.nodes, around.edges) == ("astronauts", (), ())


def test_an_edge_carries_its_sources(graph: KnowledgeGraph) -> None:
    node = graph.node(HeadKind.PRODUCT, "p1")
    assert node is not None
    (triple,) = graph.triples(graph.edges_from(node))
    assert triple.plausibility == pytest.approx(0.95, abs=1e-6)
    (source,) = triple.sources
    assert (source.generator, source.evidence) == ("test.v1", ("pair of pregnant women",))


@settings(max_examples=25, deadline=None)
@given(hypotheses_lists())
def test_look_ups_find_exactly_what_was_put_in(hypotheses: list[Hypothesis]) -> None:
    strong = [one for one in hypotheses if one.plausibility > 0.5]
    with TemporaryDirectory() as root:
        graph = open_graph(Path(root), strong)
        for one in strong:
            head, tail = graph.node(one.head.kind, *one.head.key), graph.intent(one.tail)
            assert head is not None
            assert tail is not None
            assert set(graph.edges_from(head)) & set(graph.edges_to(tail))
            found = {(t.relation, canonical(t.tail)) for t in graph.triples(graph.edges_from(head))}
            assert found == {(o.relation, canonical(o.tail)) for o in strong if o.head == one.head}
            found_heads = {t.head for t in graph.triples(graph.edges_to(tail))}
            assert found_heads == {o.head for o in strong if canonical(o.tail) == canonical(one.tail)}
        assert sum(len(graph.edges_from(node)) for node in range(graph.nodes.num_rows)) == graph.edges.num_rows
        assert sum(len(graph.edges_to(node)) for node in range(graph.nodes.num_rows)) == graph.edges.num_rows


def test_a_folder_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"is no whole 'graph' artifact"):
        KnowledgeGraph(tmp_path)


def test_a_cut_file_is_refused_by_name(tmp_path: Path) -> None:
    folder = build_graph(tmp_path, [reason(SHOE, Relation.USED_BY, "nurses")])
    (folder / "edges.arrow").write_bytes(b"cut")
    with pytest.raises(ArtifactError, match=r"edges\.arrow is missing or damaged"):
        KnowledgeGraph(folder)
