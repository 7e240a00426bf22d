"""What a query says beyond the product, and in which relation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.knowledge.needs import AskedQuery, Need, TypeWords, read_needs
from whybuy.knowledge.patterns import load_patterns
from whybuy.relations import Relation

TYPES = ("slip-on shoe", "walking shoe", "tent", "dog leash")
ENGLISH = load_patterns("en")


def ask(*texts: str, said: dict[str, float] | None = None) -> list[Need]:
    return read_needs([AskedQuery(text, 5.0, said or {}) for text in texts], TYPES, ENGLISH)


@pytest.mark.parametrize(
    ("query", "relation", "wording"),
    [
        ("shoes for pregnant women", Relation.USED_FOR_AUDIENCE, "pregnant women"),
        ("pregnant women shoes", Relation.USED_FOR_AUDIENCE, "pregnant women"),
        ("tent for rainy days", Relation.USED_ON, "rainy days"),
        ("leash for walking the dog", Relation.USED_FOR_EVENT, "walking the dog"),
    ],
)
def test_a_need_is_read_with_and_without_connecting_words(query: str, relation: Relation, wording: str) -> None:
    (need,) = ask(query)
    assert (need.query, need.relation, need.wording) == (query, relation, wording)
    assert 0 < need.confidence <= 1


@pytest.mark.parametrize("query", ["tent", "tents", "slip-on shoes", "leash", "", "zorblax"])
def test_a_query_that_only_names_a_product_has_no_need(query: str) -> None:
    assert ask(query) == []


def test_what_the_purchased_products_say_themselves_is_no_need() -> None:
    assert ask("pregnant women shoes", said={"pregnant": 0.9, "woman": 0.9}) == []


def test_wordings_of_one_need_share_its_key_and_its_relation() -> None:
    first, second, third = ask("shoes nurses wear", "shoes for a nurse", "nurse shoes")
    assert first.key == second.key == third.key == "nurse"
    assert first.relation == second.relation == third.relation == Relation.USED_BY
    assert first.confidence < 1


def test_type_words_are_the_names_their_heads_and_what_stands_beside_several_needs() -> None:
    words = TypeWords(TYPES)
    assert "slip on shoe" in words
    assert "shoe" in words
    assert "clog" not in words
    words.learn([("clogs", "nurse"), ("clog", "chef")])
    assert "clog" not in words
    words.learn([("clogs", "nurse"), ("clog", "chef"), ("clogs", "waiter")])
    assert "clog" in words


def test_the_longest_product_name_is_found() -> None:
    words = TypeWords(TYPES)
    assert words.span("red walking shoes size 9".split()) == (1, 3)
    assert words.span("something else".split()) is None


@given(st.lists(st.text(max_size=40), max_size=8, unique=True))
def test_at_most_one_need_per_query_in_their_order(texts: list[str]) -> None:
    asked = [need.query for need in ask(*texts)]
    assert asked == [text for text in texts if text in set(asked)]
