"""What searches ask of product types unsaid, as reasons."""

import pytest

from tiny_shop import make_shop
from whybuy.knowledge.proposing.asked import AskedHypothesizer
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.records import Behavior, Head, HeadKind, Product, Proposer
from whybuy.relations import Relation

COLORS = ("oak", "white", "gray", "blue")
TYPES = ("vanity", "knob", "mailbox", "lantern")
DOORS = [Product(f"door {number}", f"door {number}", product_type="door") for number in range(10)]
PENS = [Product(f"pen {number}", f"pen {number}", product_type="pen") for number in range(60)]


def shop(*led_to: tuple[str, str]) -> ProposerInput:
    """Each query leads to all products of a type, twice; most searches are for pens."""
    products = [Product(f"{kind} {color}", f"{color} {kind}", product_type=kind) for kind in TYPES for color in COLORS]
    pairs = [
        (Behavior.SEARCH_BUY, query, one.product_id, 2)
        for query, kind in (*led_to, ("pen", "pen"))
        for one in (*products, *DOORS, *PENS)
        if one.product_type == kind
    ]
    return make_shop([*products, *DOORS, *PENS], pairs)


def proposed(*led_to: tuple[str, str]) -> set[tuple[str, Relation, str]]:
    found = list(AskedHypothesizer().propose(shop(*led_to)))
    assert all(one.head.kind is HeadKind.TYPE and one.generator == Proposer.ASKED for one in found)
    return {(one.head.key[0], one.relation, one.tail) for one in found}


@pytest.mark.parametrize(
    ("kind", "queries", "relation", "tail"),
    [
        (
            "vanity",
            ("bathroom vanity", "vanities for bathrooms", "bathroom vanity oak"),
            "used_in_location",
            "bathroom",
        ),
        ("lantern", ("outdoor lantern", "lantern outdoor white"), "used_in_location", "outdoor"),  # no need by itself
        ("vanity", ("bath vanity", "white bath vanity"), "used_in_location", "bath"),
        ("lantern", ("christmas lantern", "lantern for christmas"), "used_on", "christmas"),
        ("lantern", ("beginners lantern", "lantern beginners white"), "used_for_audience", "beginners"),
    ],
)
def test_by_what_the_word_names(kind: str, queries: tuple[str, ...], relation: str, tail: str) -> None:
    assert proposed(*((query, kind) for query in queries)) == {(kind, Relation(relation), tail)}


@pytest.mark.parametrize(
    "led_to",
    [
        (("bathroom vanity", "vanity"),),  # one query
        (("door knob", "knob"), ("knobs for a door", "knob")),  # goods: with them, of them, or a kind of them
        (("white bathroom", "vanity"), ("bathroom", "vanity")),  # names the product
        (("zorgon vanity", "vanity"), ("vanity zorgon", "vanity")),  # names nothing known
        (("mail box", "mailbox"), ("box for mail", "mailbox")),  # parts of its name
        (("oak vanity", "vanity"), ("vanity of oak", "vanity")),  # products say it, and others answered as well
        (),
    ],
)
def test_nothing_is_proposed_where_nothing_tells(led_to: tuple[tuple[str, str], ...]) -> None:
    assert proposed(*led_to) == set()


def test_its_evidence_is_the_pairs_and_queries_that_show_it() -> None:
    inputs = shop(("bathroom vanity", "vanity"), ("vanity for bathrooms", "vanity"), ("door knob", "knob"))
    (one,) = AskedHypothesizer().propose(inputs)
    assert one.head == Head(HeadKind.TYPE, ("vanity",))
    assert one.support == 2 * 2 * len(COLORS)
    assert set(one.words) == {"bathroom vanity", "vanity for bathrooms"}
    ids = dict(zip(inputs.pairs["pair_id"].to_pylist(), inputs.pairs["left"].to_pylist(), strict=True))
    assert {ids[pair] for pair in one.evidence} <= set(one.words)
    assert 0.5 < one.plausibility < 1
