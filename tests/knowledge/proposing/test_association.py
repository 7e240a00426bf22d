"""The sparse counting equals the slow obvious one, and its numbers mean what they say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from tiny_shop import make_shop
from whybuy.knowledge.proposing.association import (
    Association,
    AssociationThresholds,
    Groups,
    ProductGroups,
    associate,
    associate_traits,
    restrict,
)
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.statistics import Floats, plausibility, shrunken_lift, significance
from whybuy.records import HeadKind, Product

LAX = AssociationThresholds(least_count=1, midpoint=-4.0, least_lift=0.0)
PRODUCTS = [
    Product(
        f"p{number}",
        f"Thing {'wide' if number % 2 else 'narrow'}",
        product_type=("shoe", "tent", "", "leash")[number % 4 if number < 9 else 0],
        attributes=(("color", ("red", "blue", "red", "green", "red")[number % 5]),),
    )
    for number in range(12)
]
SHOP = make_shop(PRODUCTS)
COUNTS = arrays.arrays(np.int64, (3, len(PRODUCTS)), elements=st.integers(0, 12))
BACKGROUND = arrays.arrays(np.float64, len(PRODUCTS), elements=st.floats(0.1, 50))


def z_slowly(observed: float, expected: float, trials: float) -> float:
    """The signed root of the binomial log-likelihood ratio."""
    expected = min(max(expected, 1e-9), trials - 1e-9)
    hit = observed * math.log(observed / expected) if observed else 0.0
    missed = trials - observed
    miss = missed * math.log(missed / (trials - expected)) if missed else 0.0
    return math.copysign(math.sqrt(max(2 * (hit + miss), 0)), observed - expected)


def plausibility_slowly(z: float, midpoint: float) -> float:
    return 0.5 * math.erfc(-(z - midpoint) / math.sqrt(2))


def associate_slowly(
    by_intent: Floats, background: Floats, members: dict[str, list[int]], within: dict[str, list[int]]
) -> dict[tuple[int, str], tuple[float, float, float]]:
    """Count, lift with two pseudo events, and z by (intent, group), one at a time."""
    found = {}
    for intent in range(len(by_intent)):
        for name, rows in members.items():
            count = sum(by_intent[intent][row] for row in rows)
            around = within[name]
            share = sum(background[row] for row in rows) / sum(background[row] for row in around)
            trials = sum(by_intent[intent][row] for row in around)
            expected = trials * share
            if count:
                found[intent, name] = (count, (count + 2) / (expected + 2), z_slowly(count, expected, trials))
    return found


def members_of(groups: Groups) -> dict[str, list[int]]:
    return {str(head): sorted(groups.rows(number)) for number, head in enumerate(groups.heads)}


def compare(found: list[Association], groups: Groups, slow: dict[tuple[int, str], tuple[float, float, float]]) -> None:
    by_name = {(one.intent, str(groups.heads[one.group])): one for one in found}
    assert by_name.keys() == {key for key, (_, _, z) in slow.items() if z > LAX.midpoint}
    for key, one in by_name.items():
        count, lift, z = slow[key]
        assert (one.count, one.lift) == pytest.approx((count, lift))
        assert one.plausibility == pytest.approx(plausibility_slowly(z, LAX.midpoint), abs=1e-3)
        assert 0 < one.typicality <= 1


@settings(max_examples=40, deadline=None)
@given(COUNTS, BACKGROUND)
def test_types_are_compared_with_all_products_as_slowly(counts: Floats, background: Floats) -> None:
    groups = ProductGroups(SHOP)
    members = members_of(groups.types)
    slow = associate_slowly(counts, background, members, {name: list(range(len(PRODUCTS))) for name in members})
    by_intent = sparse.csr_array(counts.astype(np.float64))
    compare(list(associate(by_intent, background, groups.types, groups.types, LAX)), groups.types, slow)


@settings(max_examples=40, deadline=None)
@given(COUNTS, BACKGROUND)
def test_traits_are_compared_within_their_type_as_slowly(counts: Floats, background: Floats) -> None:
    groups = ProductGroups(SHOP)
    members, types = members_of(groups.traits), members_of(groups.types)
    within = {str(head): types[head.key[0]] for head in groups.traits.heads}
    slow = associate_slowly(counts, background, members, within)
    by_intent = sparse.csr_array(counts.astype(np.float64))
    compare(list(associate(by_intent, background, groups.traits, groups.types, LAX)), groups.traits, slow)


@settings(max_examples=40, deadline=None)
@given(COUNTS, BACKGROUND)
def test_traits_are_judged_over_all_types_as_slowly(counts: Floats, background: Floats) -> None:
    groups = ProductGroups(SHOP)
    by_intent = sparse.csr_array(counts.astype(np.float64))
    found = associate_traits(by_intent, background, groups.traits, groups.types, LAX)
    by_key = {(one.intent, groups.traits.heads[one.group].key): one for one in found}
    members = {head.key: sorted(groups.traits.rows(at)) for at, head in enumerate(groups.traits.heads)}
    types = {head.key[0]: sorted(groups.types.rows(at)) for at, head in enumerate(groups.types.heads)}
    for intent in range(len(counts)):
        observed = {key: sum(counts[intent][rows]) for key, rows in members.items()}
        trials = {key: sum(counts[intent][types[key[0]]]) for key in members}
        expected = {
            key: trials[key] * sum(background[rows]) / sum(background[types[key[0]]]) for key, rows in members.items()
        }
        for key in (key for key in members if observed[key]):
            alike = [other for other in members if other[1:] == key[1:]]
            together, chance, tried = (sum(table[one] for one in alike) for table in (observed, expected, trials))
            z = z_slowly(together, chance, tried)
            assert ((intent, key) in by_key) == (z > LAX.midpoint)
            if z > LAX.midpoint:
                one, common = by_key[intent, key], (together + 2) / (chance + 2)
                assert one.count == observed[key]
                assert one.lift == pytest.approx((observed[key] + 2 * common) / (expected[key] + 2))
                assert one.plausibility == pytest.approx(plausibility_slowly(z, LAX.midpoint), abs=1e-3)


def test_a_trait_too_rare_in_each_type_is_believed_over_all_of_them() -> None:
    kinds = [f"kind{number}" for number in range(6)]
    shop = make_shop(
        Product(f"{kind}-{number}", "Thing", product_type=kind, attributes=(("color", ("red", "blue")[number % 2]),))
        for kind in kinds
        for number in range(4)
    )
    groups = ProductGroups(shop)
    asked = sparse.csr_array([[3.0, 0.0, 0.0, 0.0] * len(kinds)])
    thresholds, background = AssociationThresholds(least_count=3, midpoint=3.0, least_lift=1.2), np.ones(len(shop.ids))
    assert list(associate(asked, background, groups.traits, groups.types, thresholds)) == []
    found = list(associate_traits(asked, background, groups.traits, groups.types, thresholds))
    assert {groups.traits.heads[one.group].key for one in found} == {(kind, "color", "red") for kind in kinds}


@settings(max_examples=30, deadline=None)
@given(COUNTS)
def test_restricting_keeps_the_events_on_accepted_types(counts: Floats) -> None:
    types = ProductGroups(SHOP).types
    by_intent = sparse.csr_array(counts.astype(np.float64))
    accepted = [Association(0, types.number["shoe"], 1, 1, 1, 1), Association(2, types.number["tent"], 1, 1, 1, 1)]
    kept = restrict(by_intent, types, accepted).toarray()
    for intent, kind in ((0, "shoe"), (1, None), (2, "tent")):
        expected = [count if SHOP.types[row] == kind else 0 for row, count in enumerate(counts[intent])]
        assert kept[intent].tolist() == expected


def test_groups_are_types_shared_traits_and_products_with_a_type() -> None:
    groups = ProductGroups(SHOP)
    assert [head.key for head in groups.types.heads] == [("leash",), ("shoe",), ("tent",)]
    assert {head.kind for head in groups.traits.heads} == {HeadKind.TYPE_ATTRIBUTE}
    assert ("shoe", "color", "red") in [head.key for head in groups.traits.heads]
    assert all(len(groups.traits.rows(number)) > 1 for number in range(len(groups.traits.heads)))
    assert [head.key[0] for head in groups.products.heads] == [one.product_id for one in PRODUCTS if one.product_type]


@pytest.mark.parametrize("shop", [make_shop([]), make_shop([Product("p1", "Thing")])])
def test_a_shop_without_types_has_no_associations(shop: ProposerInput) -> None:
    groups = ProductGroups(shop)
    by_intent = sparse.csr_array(np.ones((2, len(shop.ids))))
    background = np.ones(len(shop.ids))
    for some in (groups.types, groups.traits, groups.products):
        assert list(associate(by_intent, background, some, groups.types, LAX)) == []
    assert list(associate_traits(by_intent, background, groups.traits, groups.types, LAX)) == []


def test_each_demand_is_made() -> None:
    groups = ProductGroups(SHOP)
    counts = np.zeros((1, len(PRODUCTS)))
    counts[0, [0, 4, 1]] = (6, 4, 1)

    def types(thresholds: AssociationThresholds) -> list[str]:
        found = associate(sparse.csr_array(counts), np.ones(len(PRODUCTS)), groups.types, groups.types, thresholds)
        return sorted(groups.types.heads[one.group].key[0] for one in found)

    assert types(LAX) == ["shoe", "tent"]
    assert types(AssociationThresholds(least_count=2, midpoint=-4.0, least_lift=0.0)) == ["shoe"]
    assert types(AssociationThresholds(least_count=1, midpoint=1.0, least_lift=0.0)) == ["shoe"]
    assert types(AssociationThresholds(least_count=1, midpoint=-4.0, least_lift=1.0)) == ["shoe"]
    assert types(AssociationThresholds(least_count=1, midpoint=-4.0, least_lift=0.0, least_share=0.5)) == ["shoe"]


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.01, 100), st.floats(0.1, 10))
def test_shrinking_draws_lift_towards_its_aim(observed: float, expected: float, prior: float, aim: float) -> None:
    lift = float(shrunken_lift(np.array(observed), np.array(expected), prior=prior, towards=aim))
    raw = observed / expected if expected else math.inf
    assert min(raw, aim) * (1 - 1e-9) - 1e-9 <= lift <= max(raw, aim) * (1 + 1e-9) + 1e-9
    if expected:
        stronger = float(shrunken_lift(np.array(observed), np.array(expected), prior=2 * prior, towards=aim))
        assert abs(stronger - aim) <= abs(lift - aim) * (1 + 1e-9) + 1e-9


@given(st.integers(0, 50), st.floats(0, 50), st.integers(1, 50))
def test_significance_equals_the_slow_obvious_version(observed: int, expected: float, more: int) -> None:
    trials = max(observed, expected) + more
    (z,) = significance(np.array([float(observed)]), np.array([expected]), np.array([trials]))
    assert z == pytest.approx(z_slowly(observed, expected, trials), abs=1e-6)


def test_significance_is_signed_and_zero_at_what_was_expected() -> None:
    z = significance(np.array([5.0, 10.0, 1.0, 0.0]), np.full(4, 5.0), np.full(4, 20.0))
    assert z[0] == 0
    assert z[1] > 0 > z[2] > z[3]


@given(st.floats(0, 20), st.floats(0, 20))
def test_plausibility_is_one_half_at_the_doubt_and_grows(midpoint: float, more: float) -> None:
    low, high = plausibility(np.array([midpoint, midpoint + more]), midpoint=midpoint)
    assert low == pytest.approx(0.5)
    assert low <= high <= 1
