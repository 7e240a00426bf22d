"""A product → its reasons: the most telling head of each, with confidence and evidence that can be believed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_shop import of_type, open_graph, reason
from whybuy.intents import ReasonReader
from whybuy.intents.reasons import confidence
from whybuy.records import HYPOTHESES, TITLE_WORD, Head, HeadKind, Hypothesis, Intent, Product, Proposer
from whybuy.relations import Relation
from whybuy.shop import Shop

SHOE = Product("p1", "Halvard Harbor Shoe", product_type="slip-on shoe", attributes=(("sole", "slip-resistant"),))
PLAIN = Product("p2", "Plain Shoe", product_type="slip-on shoe")
KIND = of_type("slip-on shoe")
FOR = Relation.USED_FOR_AUDIENCE
scores = st.floats(0, 1, width=32)


def trait(name: str, value: str) -> Head:
    return Head(HeadKind.TYPE_ATTRIBUTE, ("slip-on shoe", name, value))


@pytest.fixture
def reader(tmp_path: Path) -> ReasonReader:
    return ReasonReader(
        open_graph(
            tmp_path,
            [
                reason(KIND, FOR, "pregnant women", support=20, score=1.0),
                reason(trait("sole", "slip-resistant"), FOR, "pregnant women", support=8, score=0.9),
                reason(trait(TITLE_WORD, "harbor"), FOR, "pregnant women", support=30, score=0.6),
                reason(trait(TITLE_WORD, "harbor"), Relation.USED_ON, "summer", support=4, score=0.6),
                reason(Head(HeadKind.PRODUCT, ("p1",)), Relation.USED_BY, "nurses", support=1, score=0.7),
                reason(KIND, Relation.USED_BY, "nurses", support=9, score=0.9),
                reason(of_type("dog leash"), FOR, "dogs", support=50, score=1.0),
                reason(Head(HeadKind.QUERY, ("shoes for pregnant women",)), FOR, "pregnant women", score=1.0),
            ],
        )
    )


def heads(reader: ReasonReader, product: Product) -> dict[str, str]:
    return {reason.tail: reason.head for reason in reader.of(product, limit=10)}


def test_an_attribute_and_the_product_itself_tell_more_than_the_type_and_title_words(reader: ReasonReader) -> None:
    assert heads(reader, SHOE) == {
        "pregnant women": "slip-on shoe [sole: slip-resistant]",
        "nurses": "Halvard Harbor Shoe",
        "summer": 'slip-on shoe "harbor"',
    }
    assert heads(reader, PLAIN) == {"pregnant women": "slip-on shoe", "nurses": "slip-on shoe"}


def test_the_surest_reason_comes_first_and_each_once(reader: ReasonReader) -> None:
    found = reader.of(SHOE, limit=10)
    assert [one.confidence for one in found] == sorted((one.confidence for one in found), reverse=True)
    assert len({(one.relation, one.tail) for one in found}) == len(found)
    assert reader.of(SHOE, limit=1) == found[:1]


def test_only_the_needs_of_the_query_join_a_product_to_it(reader: ReasonReader) -> None:
    asked = [Intent(FOR, "pregnant women", 1.0), Intent(FOR, "dogs", 1.0), Intent(FOR, "astronauts", 1.0)]
    (found,) = reader.joining(SHOE, asked, limit=4)
    assert (found.head, found.relation, found.tail) == ("slip-on shoe [sole: slip-resistant]", FOR, "pregnant women")
    assert reader.joining(replace(SHOE, product_type="lamp", attributes=()), asked, limit=4) == ()


def test_reasons_of_the_surest_need_come_first(reader: ReasonReader) -> None:
    asked = [Intent(Relation.USED_BY, "nurses", 1.0), Intent(FOR, "pregnant women", 0.4)]
    assert [one.tail for one in reader.joining(PLAIN, asked, limit=4)] == ["nurses", "pregnant women"]
    assert len(reader.joining(PLAIN, asked, limit=1)) == 1


@pytest.mark.parametrize(
    ("generator", "support", "lines"),
    [
        ("evidence.v1", 1200, ("1,200 searches led to it", "asked as “things for nurses”")),
        ("evidence.v1", 1, ("1 search led to it", "asked as “things for nurses”")),
        ("descriptions.v1", 4, ("4 descriptions say so", "in the words “things for nurses”")),
        ("co_buy.v1", 7, ("7 sessions with both",)),
        ("names.v1", 11, ("11 searches by that name", "asked as “things for nurses”")),
        ("other.v1", 2, ("2 other.v1", "“things for nurses”")),
    ],
)
def test_evidence_says_how_often_and_in_which_words(
    tmp_path: Path, generator: str, support: int, lines: tuple[str, ...]
) -> None:
    known: Hypothesis = reason(KIND, Relation.USED_BY, "nurses", support=support, generator=generator)
    assert ReasonReader(open_graph(tmp_path, [known])).of(PLAIN, limit=1)[0].evidence == lines


def test_every_generator_of_the_shop_is_put_into_words(tmp_path: Path) -> None:
    for number, generator in enumerate(Proposer):
        known = reason(KIND, Relation.USED_BY, "nurses", support=2, generator=generator)
        (found,) = ReasonReader(open_graph(tmp_path / str(number), [known])).of(PLAIN, limit=1)
        assert not any(generator in line for line in found.evidence), found.evidence


def test_the_generators_of_a_shop_are_known_proposers(small_store: Path) -> None:
    generators = Shop.open(small_store).table(HYPOTHESES, ["generator"])["generator"].unique().to_pylist()
    assert {Proposer.EVIDENCE, Proposer.DESCRIPTIONS} <= set(generators) <= set(Proposer)


@given(scores, scores, st.integers(0, 10**6))
def test_nothing_is_certain_and_more_support_never_makes_less_sure(
    plausibility: float, typicality: float, support: int
) -> None:
    few, many = (
        float(confidence(np.array([plausibility]), np.array([typicality]), np.array([count]))[0])
        for count in (support, support + 1)
    )
    assert 0 <= few <= many < 1
