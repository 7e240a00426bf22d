"""Reasons come out of purchases that chance does not explain, and of no others."""

import random
from functools import cache

import pytest

from tiny_shop import make_shop, pair_table
from whybuy.knowledge.proposing.evidence import EvidenceConfig, EvidenceHypothesizer
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.records import Behavior, HeadKind, Hypothesis, Product, Proposer
from whybuy.relations import Relation
from whybuy.text import canonical

KINDS = {"slip-on shoe": ("s", "sole"), "tent": ("t", "pole"), "dog leash": ("d", "clip"), "desk lamp": ("l", "base")}
MOST_SHOWN = 5  # pairs and queries of one hypothesis
VALUES = ("slip-resistant", "foam")
PRODUCTS = [
    Product(
        f"{letter}{number}",
        f"Brand{number % 3} {kind}",
        product_type=kind,
        attributes=((name, VALUES[number % 2]),),
    )
    for kind, (letter, name) in KINDS.items()
    for number in range(8)
]
PLAIN = [(Behavior.SEARCH_BUY, one.product_type, one.product_id, 40) for one in PRODUCTS]
NEED = [
    (Behavior.SEARCH_BUY, query, f"s{number}", 6)
    for query in ("shoes for pregnant women", "pregnant women shoes")
    for number in (0, 2, 4, 6)
]
STRAY = [(Behavior.SEARCH_BUY, "shoes for pregnant women", "l1", 1)]
TOGETHER = [(Behavior.CO_BUY, "s0", "s2", 4), (Behavior.CO_BUY, "s0", "t1", 4)]


@cache
def found() -> tuple[Hypothesis, ...]:
    return tuple(EvidenceHypothesizer().propose(make_shop(PRODUCTS, PLAIN + NEED + STRAY + TOGETHER)))


def about(kind: HeadKind) -> dict[tuple[str, ...], Hypothesis]:
    return {one.head.key: one for one in found() if one.head.kind is kind}


def test_the_type_that_is_bought_for_the_need_and_no_other() -> None:
    (key,) = about(HeadKind.TYPE)
    assert key == ("slip-on shoe",)
    reason = about(HeadKind.TYPE)[key]
    assert (reason.relation, reason.tail, reason.generator) == (
        Relation.USED_FOR_AUDIENCE,
        "pregnant women",
        Proposer.EVIDENCE,
    )
    assert reason.support == 48
    assert reason.lift > 2


def test_the_trait_that_the_purchases_share() -> None:
    assert ("slip-on shoe", "sole", "slip-resistant") in about(HeadKind.TYPE_ATTRIBUTE)
    assert ("slip-on shoe", "sole", "foam") not in about(HeadKind.TYPE_ATTRIBUTE)


def test_the_query_keeps_its_own_need() -> None:
    assert set(about(HeadKind.QUERY)) == {("shoes for pregnant women",), ("pregnant women shoes",)}


def test_a_pair_has_the_need_that_both_of_its_products_answer() -> None:
    assert list(about(HeadKind.PAIR)) == [("s0", "s2")]


def test_every_hypothesis_names_its_evidence() -> None:
    for one in found():
        assert one.support > 0
        assert 0 < len(one.evidence) <= MOST_SHOWN
        assert 0 < len(one.words) <= MOST_SHOWN
        assert 0 < one.plausibility <= 1
        assert 0 < one.typicality <= 1
        assert canonical(one.tail) == "pregnant woman"


RELATIONS = {
    Relation.USED_FOR_FUNCTION: ("for pain relief", "pain relief"),
    Relation.USED_FOR_EVENT: ("for hiking", "hiking"),
    Relation.USED_FOR_AUDIENCE: ("for pregnant women", "pregnant women"),
    Relation.CAPABLE_OF: ("that keep feet dry", "keep feet dry"),
    Relation.USED_TO: ("to climb rocks", "climb rocks"),
    Relation.USED_AS: ("to use as costume", "costume"),
    Relation.IS_A: ("that are a fashion statement", "fashion statement"),
    Relation.USED_ON: ("for rainy days", "rainy days"),
    Relation.USED_IN_LOCATION: ("for the kitchen", "the kitchen"),
    Relation.USED_IN_BODY: ("for flat feet", "flat feet"),
    Relation.USED_WITH: ("compatible with orthotic insoles", "orthotic insoles"),
    Relation.USED_BY: ("nurses wear", "nurses"),
    Relation.X_INTERESTED_IN: ("for gardening lovers", "gardening"),
    Relation.X_IS_A: ("i am a teacher", "teacher"),
    Relation.X_WANT: ("i want to run a marathon", "run a marathon"),
}


def reasons(pairs: list[tuple[Behavior, str, str, int]], config: EvidenceConfig | None = None) -> list[Hypothesis]:
    return list(EvidenceHypothesizer(config or EvidenceConfig()).propose(make_shop(PRODUCTS, pairs)))


@cache
def of_every_relation() -> tuple[Hypothesis, ...]:
    asked = [
        (Behavior.SEARCH_BUY, f"{kind} {words}", f"s{number}", 2)
        for words, _ in RELATIONS.values()
        for kind in ("shoes", "slip-on shoes")
        for number in range(4)
    ]
    return tuple(reasons(PLAIN + asked))


def test_queries_can_show_every_relation() -> None:
    assert RELATIONS.keys() == set(Relation)


@pytest.mark.parametrize("relation", Relation)
def test_a_relation_comes_from_queries_to_the_type_that_is_bought(relation: Relation) -> None:
    (one,) = [one for one in of_every_relation() if one.relation is relation and one.head.kind is HeadKind.TYPE]
    assert (one.head.key, canonical(one.tail)) == (("slip-on shoe",), canonical(RELATIONS[relation][1]))
    assert one.support == 16
    assert set(one.words) == {f"{kind} {RELATIONS[relation][0]}" for kind in ("shoes", "slip-on shoes")}


def test_a_need_takes_two_queries() -> None:
    one_query = [pair for pair in NEED if pair[1] == "shoes for pregnant women"]
    assert reasons(PLAIN + one_query) == []
    assert reasons(PLAIN + one_query, EvidenceConfig(least_queries=1))


def test_or_one_query_that_led_to_many_purchases() -> None:
    one_query = [(*pair[:3], 4 * pair[3]) for pair in NEED if pair[1] == "shoes for pregnant women"]
    assert reasons(PLAIN + one_query)


def test_a_query_bought_mostly_elsewhere_keeps_no_need() -> None:
    elsewhere = [
        (Behavior.SEARCH_BUY, "pregnant women shoes", one.product_id, 1) for one in PRODUCTS if one.product_id[0] != "s"
    ]
    queries = {one.head.key[0] for one in reasons(PLAIN + NEED + elsewhere) if one.head.kind is HeadKind.QUERY}
    assert queries == {"shoes for pregnant women"}


def test_the_product_that_is_bought_for_the_need_more_than_its_like() -> None:
    favorite = [
        (Behavior.SEARCH_BUY, query, f"s{number}", 30 if number == 3 else 2)
        for query in ("shoes for pregnant women", "pregnant women shoes")
        for number in range(8)
    ]
    products = [one.head.key for one in reasons(PLAIN + favorite) if one.head.kind is HeadKind.PRODUCT]
    assert products == [("s3",)]


def test_the_order_of_pairs_does_not_matter() -> None:
    pairs = PLAIN + NEED + STRAY + TOGETHER
    random.Random(3).shuffle(pairs)
    again = EvidenceHypothesizer().propose(make_shop(PRODUCTS, pairs))

    def facts(hypotheses: tuple[Hypothesis, ...]) -> set[tuple[object, ...]]:
        return {(one.head, one.relation, canonical(one.tail), one.support) for one in hypotheses}

    assert facts(tuple(again)) == facts(found())


@pytest.mark.parametrize("seed", range(5))
def test_random_purchases_give_no_reasons(seed: int) -> None:
    chance = random.Random(seed)
    pairs = [
        (Behavior.SEARCH_BUY, f"things for {intent}", one.product_id, chance.randint(1, 4))
        for intent in ("nurses", "kids", "camping", "dry skin")
        for one in PRODUCTS
    ]
    types = [
        one
        for one in EvidenceHypothesizer().propose(make_shop(PRODUCTS, PLAIN + pairs))
        if one.head.kind in (HeadKind.TYPE, HeadKind.PRODUCT)
    ]
    assert types == []


@pytest.mark.parametrize(
    "shop", [make_shop([]), make_shop(PRODUCTS), make_shop(PRODUCTS, TOGETHER), make_shop(PRODUCTS, PLAIN)]
)
def test_no_needs_no_reasons(shop: ProposerInput) -> None:
    assert list(EvidenceHypothesizer().propose(shop)) == []


def test_purchases_of_unknown_products_are_passed_over() -> None:
    unknown = [(Behavior.SEARCH_BUY, "shoes for pregnant women", "gone", 500), (Behavior.CO_BUY, "gone", "s0", 500)]
    shop = make_shop(PRODUCTS, PLAIN + NEED + STRAY + TOGETHER + unknown)
    assert tuple(EvidenceHypothesizer().propose(shop)) == found()


@pytest.mark.parametrize("column", ["carts", "clicks"])
def test_carts_and_clicks_stand_in_where_no_purchase_is_logged(column: str) -> None:
    shop = make_shop(PRODUCTS, PLAIN + NEED)
    clicked = ProposerInput(shop.products, pair_table(PLAIN + NEED, only=column))
    heads = {one.head for one in EvidenceHypothesizer().propose(clicked)}
    assert heads == {one.head for one in EvidenceHypothesizer().propose(shop)}
    assert heads
