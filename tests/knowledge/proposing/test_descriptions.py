"""Reasons that products state themselves, with no log at all."""

from functools import cache

import pytest

from tiny_shop import make_shop
from whybuy.knowledge.proposing.descriptions import DescriptionConfig, DescriptionHypothesizer
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.records import Behavior, HeadKind, Hypothesis, Product
from whybuy.relations import Relation
from whybuy.text import canonical


def goods(kind: str, letter: str, said: list[str]) -> list[Product]:
    return [
        Product(f"{letter}{number}", f"{kind} number{number}", text, product_type=kind)
        for number, text in enumerate(said)
    ]


PRODUCTS = [
    *goods("slip-on shoe", "s", ["Ideal for nurses."] * 3 + ["Perfect for a nurse."] + ["Soft upper."] * 2),
    *goods("tent", "t", ["Sets up fast."] * 5 + ["Great for plumbers."]),
    *goods("desk lamp", "l", ["Bright."] * 12),
]
SHOP = make_shop(PRODUCTS, [(Behavior.CO_BUY, "s0", "s1", 2), (Behavior.CO_BUY, "s0", "s5", 9)])


@cache
def found() -> tuple[Hypothesis, ...]:
    return tuple(DescriptionHypothesizer().propose(SHOP))


def about(kind: HeadKind) -> set[tuple[str, ...]]:
    return {one.head.key for one in found() if one.head.kind is kind}


def test_each_product_has_what_its_own_text_says() -> None:
    assert about(HeadKind.PRODUCT) == {("s0",), ("s1",), ("s2",), ("s3",)}


def test_a_type_has_what_its_products_say_more_than_others() -> None:
    assert about(HeadKind.TYPE) == {("slip-on shoe",)}


def test_a_pair_has_what_both_of_its_products_say() -> None:
    assert about(HeadKind.PAIR) == {("s0", "s1")}


def test_one_tail_in_its_most_frequent_wording_and_with_its_words() -> None:
    assert {(one.relation, canonical(one.tail)) for one in found()} == {(Relation.USED_FOR_AUDIENCE, "nurse")}
    assert {one.tail for one in found()} == {"nurses"}
    (kind,) = [one for one in found() if one.head.kind is HeadKind.TYPE]
    assert kind.support == 4
    assert set(kind.evidence) == {"s0", "s1", "s2", "s3"}


def test_what_a_single_product_says_is_no_reason_unless_asked_for() -> None:
    assert "plumbers" not in {one.tail for one in found()}
    lax = DescriptionHypothesizer(DescriptionConfig(least_sources=1, least_alike=1))
    assert "plumbers" in {one.tail for one in lax.propose(SHOP)}


@pytest.mark.parametrize("shop", [make_shop([]), make_shop([Product("p1", "Lamp", "Bright.", product_type="lamp")])])
def test_texts_without_needs_give_nothing(shop: ProposerInput) -> None:
    assert list(DescriptionHypothesizer().propose(shop)) == []


def test_products_without_a_type_still_speak_for_themselves() -> None:
    products = [Product(f"p{number}", title, "Ideal for nurses.") for number, title in enumerate(("Jar", "Box", "Lid"))]
    heads = {one.head.key for one in DescriptionHypothesizer().propose(make_shop(products))}
    assert heads == {("p0",), ("p1",), ("p2",)}


def shop_of(*products: tuple[str, str, str, str]) -> set[tuple[HeadKind, Relation, str]]:
    """What is proposed for products of (kind, brand, title, description)."""
    rows = [
        Product(f"p{number}", title, text, brand=brand, product_type=kind)
        for number, (kind, brand, title, text) in enumerate(products)
    ]
    others = [Product(f"o{number}", f"desk lamp {number}", "Bright.", product_type="desk lamp") for number in range(20)]
    proposed = DescriptionHypothesizer().propose(make_shop([*rows, *others]))
    return {(one.head.kind, one.relation, one.tail) for one in proposed}


def test_a_maker_alone_shows_nothing_of_a_type() -> None:
    tent = [("tent", "Fernhill", f"Tent {number}", "Ideal for nurses.") for number in range(3)]
    shoe = [("shoe", brand, f"Shoe {brand}", "Ideal for nurses.") for brand in ("Orrin", "Tavi", "Elmo")]
    assert shop_of(*tent) == set()
    found = shop_of(*tent, *shoe)
    assert (HeadKind.PRODUCT, Relation.USED_FOR_AUDIENCE, "nurses") in found
    types = {
        one.head.key
        for one in DescriptionHypothesizer().propose(
            make_shop(
                Product(f"p{number}", title, text, brand=brand, product_type=kind)
                for number, (kind, brand, title, text) in enumerate([*tent, *shoe, *([("lamp", "", "Lamp", "")] * 60)])
            )
        )
        if one.head.kind is HeadKind.TYPE
    }
    assert types == {("shoe",)}


def test_what_the_shop_sells_confirms_what_one_maker_says_goes_with_it() -> None:
    says = [("case", "Tavi", f"Case {color}", "Slim. It works with Nimbus 9700 phones.") for color in ("red", "blue")]
    praise = [("vase", "Elmo", f"Vase {number}", "This is by Nimbus and Nimbus.") for number in range(2)]
    claim = (HeadKind.PRODUCT, Relation.USED_WITH, "nimbus 9700 phones")
    assert claim not in shop_of(*says, *praise)
    assert claim in shop_of(*says, *praise, ("phone", "Nimbus", "9700 Phone - Black", ""))
    assert claim not in shop_of(*says, *praise, ("phone", "Nimbus", "9800 Phone - Black", ""))
    assert claim not in shop_of(*says, *praise, ("strap", "Orrin", "Strap for Nimbus 9700 Phone", ""))  # sells a strap


def test_what_has_no_name_is_not_confirmed_by_a_title() -> None:
    says = [("lid", "Tavi", f"Lid {color}", "Slim. It works with 4 jars.") for color in ("red", "blue")]
    assert not [tail for *_, tail in shop_of(*says, ("jar", "Elmo", "Set of 4 Jars", "")) if "jars" in tail]


def test_an_act_is_one_claim_however_it_is_worded() -> None:
    found = shop_of(
        ("tent", "Orrin", "Tent one", "It holds two people."),
        ("tent", "Tavi", "Tent two", "It stores wet boots."),
        ("tent", "Elmo", "Tent three", "Lets you store wet boots."),
        ("tent", "Fernhill", "Tent four", "It stores wet boots."),
    )
    assert {relation for _, relation, tail in found if "boots" in tail} == {Relation.CAPABLE_OF}


def test_attributes_count_as_a_text_of_their_own() -> None:
    products = [
        Product(f"p{number}", f"Vase {brand}", brand=brand, product_type="vase", attributes=(("occasion", "Wedding"),))
        for number, brand in enumerate(("Orrin", "Tavi", "Elmo"))
    ]
    found = {(one.relation, one.tail) for one in DescriptionHypothesizer().propose(make_shop(products))}
    assert found == {(Relation.USED_FOR_EVENT, "wedding")}


def test_three_makers_state_a_claim_and_two_what_has_a_plain_name() -> None:
    text = "Ideal for nurses. Ideal for camping. It works with lanterns. It resists mold."
    makers = ("Orrin", "Tavi", "Elmo")
    two = {tail for _, _, tail in shop_of(*(("tarp", maker, f"Tarp {maker}", text) for maker in makers[:2]))}
    three = {tail for _, _, tail in shop_of(*(("tarp", maker, f"Tarp {maker}", text) for maker in makers))}
    assert two == {"camping", "lanterns"}
    assert three == two | {"nurses", "resist mold"}


def test_a_type_takes_three_products_that_state_it() -> None:
    def types(count: int) -> set[tuple[str, ...]]:
        said = [Product(f"t{n}", f"Tarp {n}", "Ideal for camping.", f"Maker{n}", "tarp") for n in range(count)]
        rest = [Product(f"l{n}", f"Lamp {n}", "Bright.", f"Maker{n}", "lamp") for n in range(60)]
        found = DescriptionHypothesizer().propose(make_shop([*said, *rest]))
        return {one.head.key for one in found if one.head.kind is HeadKind.TYPE}

    assert types(2) == set()
    assert types(3) == {("tarp",)}


def test_a_product_is_not_what_it_is_used_with_or_what_is_done_by_it() -> None:
    text = "It works with belts. Lets you cut the belt. Lets you carry tools."
    makers = ("Orrin", "Tavi", "Elmo")
    assert {tail for _, _, tail in shop_of(*(("belt", one, f"Belt {one}", text) for one in makers))} == {"carry tools"}
    tails = {tail for _, _, tail in shop_of(*(("belt buckle", one, f"Buckle {one}", text) for one in makers))}
    assert tails == {"belts", "cut belt", "carry tools"}


def test_a_trait_is_a_word_for_what_is_bought_and_no_entry_of_a_specification() -> None:
    def lamp(number: int, *, told: bool) -> Product:
        traits = (("shade", "Glass" if told else "Tin"), ("dimmable", "Yes" if told else "No"), ("height", "20 cm"))
        text = "Ideal for nurses." if told else "Bright."
        return Product(f"p{number}", f"Lamp {number}", text, f"Maker{number % 3}", "lamp", attributes=traits)

    products = [
        *(lamp(number, told=True) for number in range(6)),
        *(lamp(number, told=False) for number in range(6, 40)),
    ]
    proposed = DescriptionHypothesizer().propose(make_shop(products))
    traits = {one.head.key for one in proposed if one.head.kind is HeadKind.TYPE_ATTRIBUTE}
    assert traits == {("lamp", "shade", "Glass")}
