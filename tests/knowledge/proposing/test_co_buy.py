"""What goes with what, and what two products bought together have in common."""

import pytest
from scipy import sparse

from tiny_shop import make_shop
from whybuy.knowledge.proposing.co_buy import ComplementHypothesizer, shared_by_pairs
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.records import Behavior, Head, HeadKind, Product, Proposer
from whybuy.relations import Relation

KINDS = ("tent", "sleeping bag", "lamp", "dog leash", "kettle", "slip-on shoe")
PRODUCTS = [Product(f"{kind[0]}{number}", kind, product_type=kind) for kind in KINDS for number in range(3)]
IDS = sorted({one.product_id for one in PRODUCTS})
EVERYTHING = [
    (Behavior.CO_BUY, left, right, 1) for at, left in enumerate(IDS) for right in IDS[at + 1 :] if left[0] != right[0]
]
CAMPING = {"s", "t"}  # first letters of sleeping bags and tents


def camping() -> ProposerInput:
    products = [one for one in PRODUCTS if one.product_type != "slip-on shoe"]
    ids = {one.product_id for one in products}
    pairs = [pair[1:3] for pair in EVERYTHING if {*pair[1:3]} <= ids]
    sessions = [20 if len(CAMPING & {left[0], right[0]}) != 1 else 1 for left, right in pairs]
    return make_shop(
        products, [(Behavior.CO_BUY, left, right, count) for (left, right), count in zip(pairs, sessions, strict=True)]
    )


def test_types_bought_together_more_than_by_chance_go_with_each_other() -> None:
    found = {one.head.key[0]: one for one in ComplementHypothesizer().propose(camping())}
    assert {(head, one.tail) for head, one in found.items()} == {("tent", "sleeping bag"), ("sleeping bag", "tent")}
    tent = found["tent"]
    assert (tent.head.kind, tent.relation, tent.support) == (HeadKind.TYPE, Relation.USED_WITH, 180)
    assert tent.generator == Proposer.CO_BUY
    assert 0 < len(tent.evidence) <= 5


def test_what_is_bought_with_everything_goes_with_nothing() -> None:
    products = [one for one in PRODUCTS if one.product_type != "slip-on shoe"]
    ids = {one.product_id for one in products}
    pairs = [pair for pair in EVERYTHING if {pair[1], pair[2]} <= ids]
    assert list(ComplementHypothesizer().propose(make_shop(products, pairs))) == []


@pytest.mark.parametrize(
    "shop",
    [
        make_shop([]),
        make_shop(PRODUCTS),
        make_shop([Product("a", "A"), Product("b", "B")], [(Behavior.CO_BUY, "a", "b", 9)]),
        make_shop(
            [Product("a", "A", product_type="x"), Product("b", "B", product_type="x")], [(Behavior.CO_BUY, "a", "b", 9)]
        ),
    ],
)
def test_without_pairs_or_types_there_are_no_complements(shop: ProposerInput) -> None:
    assert list(ComplementHypothesizer().propose(shop)) == []


@pytest.mark.parametrize(
    ("brands", "heads"),
    [(("Marlowe", "Marlowe"), set()), (("Marlowe", "Tarn"), {("a", "b")}), (("", ""), {("a", "b")})],
)
def test_variants_of_one_thing_share_nothing_that_counts(brands: tuple[str, str], heads: set[tuple[str, ...]]) -> None:
    products = [Product(name, name, brand=brand, product_type="tent") for name, brand in zip("ab", brands, strict=True)]
    shop = make_shop(products, [(Behavior.CO_BUY, "a", "b", 3)])
    found = shared_by_pairs(shop, sparse.csr_array([[1.0, 1.0]]), [(Relation.USED_BY, "nurses")], "test.v1")
    assert {one.head.key for one in found} == heads


def test_a_pair_shares_exactly_the_needs_that_both_products_answer() -> None:
    products = [Product(name, name.upper()) for name in ("a", "b", "c")]
    shop = make_shop(products, [(Behavior.CO_BUY, "a", "b", 3), (Behavior.CO_BUY, "b", "c", 1)])
    intents = [(Relation.USED_BY, "nurses"), (Relation.USED_FOR_EVENT, "camping"), (Relation.X_WANT, "rest")]
    by_intent = sparse.csr_array([[2.0, 1.0, 0.0], [1.0, 1.0, 5.0], [1.0, 0.0, 1.0]])
    found = list(shared_by_pairs(shop, by_intent, intents, "test.v1"))
    assert {(one.head, one.relation, one.tail, one.support) for one in found} == {
        (Head(HeadKind.PAIR, ("a", "b")), Relation.USED_BY, "nurses", 3),
        (Head(HeadKind.PAIR, ("a", "b")), Relation.USED_FOR_EVENT, "camping", 3),
        (Head(HeadKind.PAIR, ("b", "c")), Relation.USED_FOR_EVENT, "camping", 1),
    }
    by_support = {one.support: one.plausibility for one in found}
    assert 0.5 <= by_support[1] < by_support[3] < 1
