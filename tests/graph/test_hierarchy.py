"""Needs that are kinds of other needs stand under them."""

from pathlib import Path

import pytest

from tiny_shop import of_type, open_graph, reason
from whybuy.graph import KnowledgeGraph
from whybuy.relations import Relation

TENT, STOVE, SHOE = of_type("tent"), of_type("stove"), of_type("shoe")


@pytest.fixture
def graph(tmp_path: Path) -> KnowledgeGraph:
    said = [
        (TENT, "camping"),
        (STOVE, "camping"),
        (TENT, "winter camping"),
        (TENT, "family camping in the rain"),
        (TENT, "winter camping with dogs"),
        (SHOE, "beach camping"),
        (TENT, "lake"),
        (TENT, "camping at the lake"),
    ]
    needs = [reason(head, Relation.USED_FOR_EVENT, tail) for head, tail in said]
    return open_graph(tmp_path, [*needs, reason(TENT, Relation.USED_WITH, "night camping")])


def labels(graph: KnowledgeGraph, words: str, direction: str) -> list[str]:
    node = graph.intent(words)
    assert node is not None
    return [graph.label(other) for other in getattr(graph, direction)(node).tolist()]


def test_kinds_of_a_need_come_with_those_bought_for_most_alike_first(graph: KnowledgeGraph) -> None:
    assert labels(graph, "camping", "children") == ["camping at the lake", "winter camping", "beach camping"]


def test_the_nearest_need_is_the_parent(graph: KnowledgeGraph) -> None:
    assert labels(graph, "winter camping with dogs", "parents") == ["winter camping"]
    assert labels(graph, "winter camping", "parents") == ["camping"]
    assert labels(graph, "camping", "parents") == []


def test_a_need_in_another_relation_or_behind_a_connecting_word_is_no_parent(graph: KnowledgeGraph) -> None:
    assert labels(graph, "night camping", "parents") == []
    assert labels(graph, "lake", "children") == []


def test_the_neighborhood_names_them(graph: KnowledgeGraph) -> None:
    around = graph.neighborhood("winter camping")
    assert (around.broader, around.narrower) == (("camping",), ("winter camping with dogs",))
