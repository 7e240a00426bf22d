"""Hypotheses become nodes and edges, whatever their order and however they are split."""

import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_shop import build_graph, hypotheses_lists, of_type, open_graph, reason
from whybuy.graph import GraphConfig, KnowledgeGraph, assemble
from whybuy.graph.files import map_table
from whybuy.knowledge.proposing.hypothesizer import to_table
from whybuy.records import CRITIC, READER, STATISTICS, Head, HeadKind, Hypothesis, Triple
from whybuy.relations import Relation
from whybuy.text import canonical

SHOE = of_type("slip-on shoe")
ALL = GraphConfig(least_plausibility=0.0, least_by_critic=0.0)
Key = tuple[Head, Relation, str]


def merge_slowly(hypotheses: list[Hypothesis]) -> dict[Key, tuple[float, float, int]]:
    """Plausibility, typicality and support by (head, relation, canonical tail), one hypothesis after the other."""
    members = defaultdict(list)
    for one in hypotheses:
        members[one.head, one.relation, canonical(one.tail)].append(one)
    return {
        key: (
            1 - math.prod(1 - one.plausibility for one in found),
            max(one.typicality for one in found),
            sum(one.support for one in found),
        )
        for key, found in members.items()
    }


def triples_of(hypotheses: list[Hypothesis], config: GraphConfig = ALL) -> list[Triple]:
    with TemporaryDirectory() as root:
        graph = KnowledgeGraph(build_graph(Path(root), hypotheses, config))
        return list(graph.triples(range(graph.edges.num_rows)))


def scores_of(triples: list[Triple]) -> dict[Key, tuple[float, float, int]]:
    return {
        (one.head, one.relation, canonical(one.tail)): (one.plausibility, one.typicality, one.support)
        for one in triples
    }


def test_wordings_that_mean_the_same_are_one_node_with_the_best_supported_wording(tmp_path: Path) -> None:
    leash = of_type("dog leash")
    graph = open_graph(
        tmp_path,
        [
            reason(leash, Relation.USED_FOR_EVENT, "walk the dogs", support=2),
            reason(leash, Relation.USED_FOR_EVENT, "walking the dog", support=9),
        ],
    )
    (triple,) = graph.triples([0])
    assert (triple.tail, triple.support, len(triple.sources)) == ("walking the dog", 11, 2)


def test_what_a_critic_says_stands_against_the_statistics_and_a_person_against_both() -> None:
    said = [
        replace(reason(SHOE, Relation.USED_BY, wording, score=score), scored_by=scorer)
        for wording, score, scorer in (("nurses", 0.9, STATISTICS), ("nurse", 0.6, CRITIC), ("a nurse", 0.7, CRITIC))
    ]
    (triple,) = triples_of(said, ALL)
    assert triple.plausibility == pytest.approx(0.7)
    assert triples_of(said, GraphConfig(least_by_critic=0.75)) == []
    assert len(triples_of(said, GraphConfig(least_by_critic=0.65))) == 1
    assert triples_of([*said, replace(said[0], plausibility=0.0, scored_by=READER)], GraphConfig()) == []


def test_two_weak_witnesses_make_an_edge_that_one_does_not() -> None:
    weak = reason(SHOE, Relation.USED_BY, "nurses", score=0.4, generator="evidence.v1")
    other = reason(SHOE, Relation.USED_BY, "nurse", score=0.4, generator="descriptions.v1")
    assert triples_of([weak], GraphConfig()) == []
    (triple,) = triples_of([weak, other], GraphConfig())
    assert triple.plausibility == pytest.approx(1 - 0.6 * 0.6)
    assert {source.generator for source in triple.sources} == {"evidence.v1", "descriptions.v1"}


def test_counts_say_what_was_kept_and_what_fell_below_the_threshold(tmp_path: Path) -> None:
    strong = reason(SHOE, Relation.USED_BY, "nurses", score=0.9)
    weak = reason(SHOE, Relation.USED_FOR_EVENT, "hiking", score=0.2)
    counts = assemble(to_table([strong, weak]), tmp_path, GraphConfig())
    assert (counts.nodes, counts.edges, counts.intents, counts.below_threshold) == (2, 1, 1, 1)
    assert map_table(tmp_path, "nodes")["label"].to_pylist()[:2] == ["slip-on shoe", "nurses"]


def test_a_graph_of_nothing_is_a_graph(tmp_path: Path) -> None:
    graph = open_graph(tmp_path, [])
    assert (graph.nodes.num_rows, graph.edges.num_rows) == (0, 0)
    assert graph.intent("nurses") is None


@settings(max_examples=30, deadline=None)
@given(hypotheses_lists())
def test_merging_equals_the_slow_obvious_version(hypotheses: list[Hypothesis]) -> None:
    found, expected = scores_of(triples_of(hypotheses, GraphConfig(least_plausibility=-1.0))), merge_slowly(hypotheses)
    assert found.keys() == expected.keys()
    for key, scores in found.items():
        assert scores == pytest.approx(expected[key], abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.data(), hypotheses_lists())
def test_the_order_of_hypotheses_does_not_matter(data: st.DataObject, hypotheses: list[Hypothesis]) -> None:
    shuffled = data.draw(st.permutations(hypotheses))
    one, other = triples_of(hypotheses), triples_of(shuffled)
    assert [(t.head, t.relation, t.tail) for t in one] == [(t.head, t.relation, t.tail) for t in other]
    for key, scores in scores_of(one).items():
        assert scores == pytest.approx(scores_of(other)[key], abs=1e-6)
    for left, right in zip(one, other, strict=True):
        assert sorted(map(str, left.sources)) == sorted(map(str, right.sources))


@settings(max_examples=20, deadline=None)
@given(hypotheses_lists(), hypotheses_lists())
def test_merging_two_halves_equals_merging_all(left: list[Hypothesis], right: list[Hypothesis]) -> None:
    halves = merge_slowly(left), merge_slowly(right)
    merged = [
        reason(head, relation, tail, support=support, score=plausibility)
        for half in halves
        for (head, relation, tail), (plausibility, _, support) in half.items()
    ]
    whole, joined = scores_of(triples_of(left + right)), scores_of(triples_of(merged))
    assert whole.keys() == joined.keys()
    for key, (plausibility, _, support) in whole.items():
        assert (plausibility, support) == pytest.approx((joined[key][0], joined[key][2]), abs=1e-6)


def test_every_kind_of_head_survives(tmp_path: Path) -> None:
    heads = [
        Head(HeadKind.QUERY, ("shoes, for: work",)),
        Head(HeadKind.PRODUCT, ("B0/ü",)),
        Head(HeadKind.PAIR, ("a", "b")),
        SHOE,
        Head(HeadKind.TYPE_ATTRIBUTE, ("slip-on shoe", "sole", "slip-resistant")),
    ]
    graph = open_graph(tmp_path, [reason(head, Relation.USED_BY, "nurses") for head in heads])
    assert {triple.head for triple in graph.triples(range(graph.edges.num_rows))} == set(heads)
