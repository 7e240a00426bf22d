"""Shoppers' own words for what the shop calls something else."""

from functools import cache

import pytest

from tiny_shop import make_shop
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.synonyms import SynonymConfig, SynonymHypothesizer
from whybuy.records import Behavior, HeadKind, Hypothesis, Product, Proposer
from whybuy.relations import Relation

KINDS = {"s": "slip-on shoe", "t": "tent", "d": "dog leash", "l": "desk lamp"}
PRODUCTS = [
    Product(f"{letter}{number}", f"{'Marlowe' if letter == 's' else 'Tarn'} {kind}", product_type=kind)
    for letter, kind in KINDS.items()
    for number in range(4)
]
PLAIN = [
    (Behavior.SEARCH_BUY, one.product_type, one.product_id, 20 if one.product_id[0] == "s" else 60) for one in PRODUCTS
]


def asks(queries: tuple[str, ...], letters: str) -> list[tuple[Behavior, str, str, int]]:
    return [(Behavior.SEARCH_BUY, query, f"{letter}0", 6) for query in queries for letter in letters]


MOCCASINS = asks(("moccasins", "moccasins for nurses", "moccasins for hiking"), "s")
ANYTHING = asks(("bargains", "bargains for nurses", "bargains for hiking"), "std")


@cache
def found() -> tuple[Hypothesis, ...]:
    return tuple(SynonymHypothesizer().propose(make_shop(PRODUCTS, PLAIN + MOCCASINS + ANYTHING)))


def test_a_word_that_leads_to_one_type_is_its_name_and_one_that_leads_anywhere_is_not() -> None:
    assert {(one.head.kind, one.head.key, one.relation, one.tail) for one in found()} == {
        (HeadKind.TYPE, ("slip-on shoe",), Relation.IS_A, "moccasin")
    }


def test_a_name_keeps_its_evidence() -> None:
    (name,) = found()
    assert (name.generator, name.support) == (Proposer.SYNONYMS, 18)
    assert set(name.words) == {"moccasins", "moccasins for nurses", "moccasins for hiking"}
    assert len(name.evidence) == 3


def test_a_name_takes_several_queries() -> None:
    shop = make_shop(PRODUCTS, PLAIN + MOCCASINS[:2])
    assert list(SynonymHypothesizer().propose(shop)) == []
    assert [one.tail for one in SynonymHypothesizer(SynonymConfig(least_queries=2)).propose(shop)] == ["moccasin"]


def test_what_the_products_say_themselves_is_no_other_name() -> None:
    said = asks(("marlowe", "marlowe for nurses", "marlowe for hiking"), "s")
    known = asks(("tents", "tents for nurses", "tents for hiking"), "t")
    shop = make_shop(PRODUCTS, PLAIN + said + known)
    assert list(SynonymHypothesizer().propose(shop)) == []
    assert [one.tail for one in SynonymHypothesizer(SynonymConfig(most_contained=1.0)).propose(shop)] == ["marlowe"]


@pytest.mark.parametrize("shop", [make_shop([]), make_shop(PRODUCTS), make_shop([Product("s0", "A shoe")], MOCCASINS)])
def test_without_searches_or_types_there_are_no_names(shop: ProposerInput) -> None:
    assert list(SynonymHypothesizer().propose(shop)) == []
