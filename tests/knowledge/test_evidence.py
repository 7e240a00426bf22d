"""Reasons come out of purchases that chance does not explain, and of no others."""

import random
from functools import cache

import pytest

from tiny_shop import make_shop
from whybuy.knowledge.evidence import GENERATOR, EvidenceHypothesizer
from whybuy.knowledge.hypothesizer import Shop
from whybuy.records import Behavior, HeadKind, Hypothesis, Product
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
    assert (reason.relation, reason.tail, reason.generator) == (Relation.USED_FOR_AUDIENCE, "pregnant women", GENERATOR)
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
        (Behavior.SEARCH_BUY, f"things for {need}", one.product_id, chance.randint(1, 4))
        for need in ("nurses", "kids", "camping", "dry skin")
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
def test_no_needs_no_reasons(shop: Shop) -> None:
    assert list(EvidenceHypothesizer().propose(shop)) == []


def test_purchases_of_unknown_products_are_passed_over() -> None:
    unknown = [(Behavior.SEARCH_BUY, "shoes for pregnant women", "gone", 500), (Behavior.CO_BUY, "gone", "s0", 500)]
    shop = make_shop(PRODUCTS, PLAIN + NEED + STRAY + TOGETHER + unknown)
    assert tuple(EvidenceHypothesizer().propose(shop)) == found()


def test_clicks_stand_in_where_no_purchase_is_logged() -> None:
    shop = make_shop(PRODUCTS, PLAIN + NEED)
    index = shop.pairs.schema.get_field_index("purchases")
    zeros = shop.pairs["purchases"].to_pandas().mul(0)
    clicked = Shop(shop.products, shop.pairs.set_column(index, shop.pairs.schema.field(index), [zeros.to_list()]))
    heads = {one.head for one in EvidenceHypothesizer().propose(clicked)}
    assert heads == {one.head for one in EvidenceHypothesizer().propose(shop)}
    assert heads
