"""What a query says beyond the product, and in which relation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.knowledge.proposing.query_intents import LoggedQuery, QueryIntent, TypePhrases, read_intents
from whybuy.relations import Relation

TYPES = ("slip-on shoe", "walking shoe", "tent", "dog leash")
ENGLISH = load_patterns("en")


def read(*texts: str, said: dict[str, float] | None = None) -> list[QueryIntent]:
    return read_intents([LoggedQuery(text, 5.0, said or {}) for text in texts], TYPES, ENGLISH)


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
    (intent,) = read(query)
    assert (intent.query, intent.relation, intent.wording) == (query, relation, wording)
    assert 0 < intent.confidence <= 1


@pytest.mark.parametrize("query", ["tent", "tents", "slip-on shoes", "leash", "", "zorblax"])
def test_a_query_that_only_names_a_product_has_no_need(query: str) -> None:
    assert read(query) == []


def test_what_the_purchased_products_say_themselves_is_no_need() -> None:
    said = {"pregnant": 0.9, "woman": 0.9, "nurse": 0.9}
    assert read("pregnant women shoes", said=said) == []
    assert read("shoes for pregnant women", said=said) == []
    assert [intent.key for intent in read("shoes for pregnant nurses in labor wards", said=said)] != []


def test_a_specific_wording_is_a_need_even_where_products_say_it() -> None:
    (intent,) = read("shoes nurses wear", said={"nurse": 0.9})
    assert intent.relation is Relation.USED_BY


@pytest.mark.parametrize(
    ("query", "relation", "wording"),
    [
        ("slip-on shoes nurses wear", Relation.USED_BY, "nurses"),
        ("dog leashes walkers use", Relation.USED_BY, "walkers"),
        ("i want to walk the cat dog leash", Relation.X_WANT, "walk the cat"),
        ("i want to sleep outside tent", Relation.X_WANT, "sleep outside"),
    ],
)
def test_product_words_are_no_part_of_a_need(query: str, relation: Relation, wording: str) -> None:
    (intent,) = read(query)
    assert (intent.relation, intent.wording) == (relation, wording)


def test_a_product_alone_is_no_need_however_it_is_asked_for() -> None:
    assert read("something for a tent", "i want to tent", "shoes for tents") == []


def test_a_word_beside_several_needs_is_a_word_for_the_product() -> None:
    plain = read("sneakers hiking")
    taught = read("sneakers for nurses", "sneakers for kids", "sneakers for rainy days", "sneakers hiking")
    assert [intent.key for intent in plain] == ["sneaker hike"]
    assert taught[-1].key == "hike"


def test_the_relation_with_the_most_purchases_behind_it_is_elected() -> None:
    def elected(weight: float) -> Relation:
        asked = [LoggedQuery("shoes nurses wear", 1.0, {}), LoggedQuery("shoes for nurses", weight, {})]
        first, second = read_intents(asked, TYPES, ENGLISH)
        assert first.relation is second.relation
        return first.relation

    assert elected(2.0) is Relation.USED_BY
    assert elected(4.0) is Relation.USED_FOR_AUDIENCE


def test_confidence_is_the_share_of_the_votes() -> None:
    asked = [LoggedQuery("shoes nurses wear", 1.0, {}), LoggedQuery("shoes for nurses", 1.0, {})]
    assert [intent.confidence for intent in read_intents(asked, TYPES, ENGLISH)] == pytest.approx([0.75, 0.75])


def test_a_guess_is_a_need_only_where_a_surer_query_names_it() -> None:
    assert read("shoes for widgets") == []
    assert [intent.key for intent in read("shoes for widgets", "shoes compatible with widgets")] == ["widget", "widget"]


def test_wordings_of_one_need_share_its_key_and_its_relation() -> None:
    first, second, third = read("shoes nurses wear", "shoes for a nurse", "nurse shoes")
    assert first.key == second.key == third.key == "nurse"
    assert first.relation == second.relation == third.relation == Relation.USED_BY
    assert first.confidence < 1


def test_type_words_are_the_names_their_heads_and_what_stands_beside_several_needs() -> None:
    words = TypePhrases(TYPES)
    assert "slip on shoe" in words
    assert "shoe" in words
    assert "clog" not in words
    words.mine([("clogs", "nurse"), ("clog", "chef")])
    assert "clog" not in words
    words.mine([("clogs", "nurse"), ("clog", "chef"), ("clogs", "waiter")])
    assert "clog" in words


def test_what_is_needed_of_several_products_is_none() -> None:
    words = TypePhrases(TYPES)
    beside = [("camping", "winter"), ("camping", "beach"), ("camping", "lake")]
    words.mine([*beside, *((product, "camp") for product in ("tent", "lamp", "stove", "chair"))])
    assert "camp" not in words
    words.mine([*beside, ("tent", "camp")])
    assert "camp" in words


def test_the_longest_product_name_is_found() -> None:
    words = TypePhrases(TYPES)
    assert words.span("red walking shoes size 9".split()) == (1, 3)
    assert words.span("something else".split()) is None


@given(st.lists(st.text(max_size=40), max_size=8, unique=True))
def test_at_most_one_need_per_query_in_their_order(texts: list[str]) -> None:
    asked = [intent.query for intent in read(*texts)]
    assert asked == [text for text in texts if text in set(asked)]
