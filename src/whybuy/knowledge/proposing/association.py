"""Tests which types, traits and products go with an intent more often than by chance."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.statistics import Floats, plausibility, shrunken_lift, significance
from whybuy.records import Head, HeadKind

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AssociationThresholds:
    """Thresholds for an association to be proposed (our design)."""

    least_count: int  # events: purchases, or products whose text states it
    midpoint: float  # standard deviations beyond chance at which plausibility is one half
    least_lift: float = 1.0
    least_share: float = 0.0  # of the intent's strongest group; for groups that are compared with all products
    prior: float = 2.0  # pseudo events that pull lift towards 1


@dataclass(frozen=True)
class Groups:
    """Products in groups with one head each: types, types with a trait, or single products."""

    heads: list[Head]
    members: sparse.csr_array  # products × groups, 0 or 1
    type_of: Integers | None = None  # number of the type that each group is compared within; None: all products

    def rows(self, group: int) -> set[int]:
        """Rows of the products in one group."""
        return set(self._columns.indices[self._columns.indptr[group] : self._columns.indptr[group + 1]].tolist())

    @cached_property
    def number(self) -> dict[str, int]:
        """Group by the first part of its head's key: the product type's name for types."""
        return {head.key[0]: index for index, head in enumerate(self.heads)}

    @cached_property
    def _columns(self) -> sparse.csc_array:
        return sparse.csc_array(self.members)


@dataclass(frozen=True, slots=True)
class Association:
    """An intent and a group that go together more often than by chance."""

    intent: int
    group: int
    count: float
    lift: float  # shrunken, > 0
    plausibility: float  # in [0, 1]
    typicality: float  # in [0, 1]; for types the share of the strongest type, else the share within the type


class ProductGroups:
    """The groups of one shop's products, each made on first use."""

    def __init__(self, inputs: ProposerInput) -> None:
        self._inputs = inputs

    @cached_property
    def types(self) -> Groups:
        """Product types, compared with all products."""
        rows_of: defaultdict[str, list[int]] = defaultdict(list)
        for row, name in enumerate(self._inputs.types):
            rows_of[name].append(row)
        names = sorted(name for name in rows_of if name)
        return Groups(
            [Head(HeadKind.TYPE, (name,)) for name in names], self._members([rows_of[name] for name in names])
        )

    @cached_property
    def traits(self) -> Groups:
        """Types with an attribute value or title word that at least two products share, compared within the type."""
        rows_of: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
        for row, (kind, traits) in enumerate(zip(self._inputs.types, self._inputs.traits, strict=True)):
            for name, value in dict.fromkeys(traits) if kind else ():
                rows_of[kind, name, value].append(row)
        keys = sorted(key for key, rows in rows_of.items() if len(rows) > 1)
        heads = [Head(HeadKind.TYPE_ATTRIBUTE, key) for key in keys]
        return Groups(heads, self._members([rows_of[key] for key in keys]), self._numbers([key[0] for key in keys]))

    @cached_property
    def products(self) -> Groups:
        """Single products, compared within their type."""
        rows = [row for row, kind in enumerate(self._inputs.types) if kind]
        heads = [Head(HeadKind.PRODUCT, (self._inputs.ids[row],)) for row in rows]
        return Groups(
            heads, self._members([[row] for row in rows]), self._numbers([self._inputs.types[row] for row in rows])
        )

    def _members(self, rows_of_group: list[list[int]]) -> sparse.csr_array:
        rows = np.array([row for rows in rows_of_group for row in rows], dtype=np.int64)
        groups = np.repeat(np.arange(len(rows_of_group)), [len(rows) for rows in rows_of_group])
        return _ones(rows, groups, (len(self._inputs.ids), len(rows_of_group)))

    def _numbers(self, names: list[str]) -> Integers:
        return np.array([self.types.number[name] for name in names], dtype=np.int64)


def background(rows: Integers, events: Floats, products: int) -> Floats:
    """Events by product, plus 0.1 so that no product is impossible. Shape (products,), > 0."""
    return np.asarray(np.bincount(rows, weights=events, minlength=products) + 0.1, dtype=np.float64)


def associate(
    by_intent: sparse.csr_array, background: Floats, groups: Groups, types: Groups, thresholds: AssociationThresholds
) -> Iterator[Association]:
    """Intents and groups with more events together than the group's share of the background explains.

    by_intent: intents × products, events. background: events by product, shape (products,), > 0.
    Within a type the share is of that type's events, so that a trait must explain more than its type does.
    """
    together = sparse.coo_array(by_intent @ groups.members)
    if not together.nnz:
        return
    intent, group = together.coords
    share = background @ groups.members
    if groups.type_of is None:
        trials = np.asarray(by_intent.sum(axis=1)).ravel()[intent]
        share = share / background.sum()
        typicality = together.data / _strongest(intent, together.data, by_intent.shape[0])[intent]
    else:
        trials = _at(by_intent @ types.members, intent, groups.type_of[group])
        share = share / (background @ types.members)[groups.type_of]
        typicality = np.minimum(together.data / np.maximum(trials, 1e-9), 1.0)
    counts = _Counts(together.data, trials * share[group], trials)
    lift, z = counts.lift(thresholds.prior), counts.z
    good = (counts.observed >= thresholds.least_count) & (z > thresholds.midpoint) & (lift >= thresholds.least_lift)
    if groups.type_of is None:
        good &= typicality >= thresholds.least_share
    yield from _chosen(
        good, intent, group, (together.data, lift, plausibility(z, midpoint=thresholds.midpoint), typicality)
    )


def associate_traits(
    by_intent: sparse.csr_array, background: Floats, traits: Groups, types: Groups, thresholds: AssociationThresholds
) -> Iterator[Association]:
    """Traits that are more frequent in what is bought for an intent than in its type, tested over all types at once.

    An intent's events are few within one type, so one attribute value is tested over all types that answer the intent
    (expected counts added over the types, as in a stratified test), and each type's own lift is shrunken towards the
    common one. Shapes as in `associate`.
    """
    together = sparse.coo_array(by_intent @ traits.members)
    if not together.nnz or traits.type_of is None:
        return
    intent, group = together.coords
    in_type = by_intent @ types.members
    share = (background @ traits.members) / (background @ types.members)[traits.type_of]
    expected = in_type @ _by_type(share, traits.type_of, len(types.heads))
    trials = in_type @ _by_type(np.ones(len(share)), traits.type_of, len(types.heads))
    value = _value_numbers(traits)
    by_value = _ones(np.arange(len(value)), value, (len(value), len(value)))
    tables = (sparse.csr_array(together), expected, trials)
    own = _Counts(*(_at(table, intent, group) for table in tables))
    common = _Counts(*(_at(table @ by_value, intent, value[group]) for table in tables))
    common_lift, z = common.lift(thresholds.prior), common.z
    lift = own.lift(thresholds.prior, towards=common_lift)
    enough = np.minimum(lift, common_lift) >= thresholds.least_lift
    good = (common.observed >= thresholds.least_count) & (z > thresholds.midpoint) & enough
    typicality = np.minimum(own.observed / own.trials, 1.0)
    yield from _chosen(
        good, intent, group, (own.observed, lift, plausibility(z, midpoint=thresholds.midpoint), typicality)
    )


@dataclass(frozen=True, slots=True)
class _Counts:
    """Events of intents on groups, beside what chance explains. Shapes (n,)."""

    observed: Floats
    expected: Floats
    trials: Floats

    @property
    def z(self) -> Floats:
        """Deviation from chance, in standard deviations."""
        return significance(self.observed, self.expected, self.trials)

    def lift(self, prior: float, *, towards: Floats | float = 1.0) -> Floats:
        """Observed over expected, shrunken."""
        return shrunken_lift(self.observed, self.expected, prior=prior, towards=towards)


def _chosen(
    good: NDArray[np.bool_], intent: Integers, group: Integers, scores: tuple[Floats, Floats, Floats, Floats]
) -> Iterator[Association]:
    """The good rows. scores: count, lift, plausibility and typicality."""
    columns = [column[good].tolist() for column in (intent, group, *scores)]
    yield from map(Association, *columns)


def _at(table: sparse.csr_array, rows: Integers, columns: Integers) -> Floats:
    return np.asarray(sparse.csr_array(table)[rows, columns], dtype=np.float64).ravel()


def _ones(rows: Integers, columns: Integers, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def _by_type(values: Floats, type_of: Integers, types: int) -> sparse.csr_array:
    """Types × groups: each group's value in the row of its type."""
    return sparse.csr_array((values, (type_of, np.arange(len(values)))), shape=(types, len(values)))


def _value_numbers(traits: Groups) -> Integers:
    """Number of each group's attribute value, whatever its type."""
    numbers = {value: index for index, value in enumerate(sorted({head.key[1:] for head in traits.heads}))}
    return np.array([numbers[head.key[1:]] for head in traits.heads], dtype=np.int64)


def _strongest(intent: Integers, observed: Floats, intents: int) -> Floats:
    strongest = np.zeros(intents)
    np.maximum.at(strongest, intent, observed)
    return strongest


def restrict(by_intent: sparse.csr_array, types: Groups, accepted: list[Association]) -> sparse.csr_array:
    """Only the events on products whose type was accepted for the intent."""
    intents = np.array([one.intent for one in accepted], dtype=np.int64)
    numbers = np.array([one.group for one in accepted], dtype=np.int64)
    allowed = _ones(intents, numbers, (by_intent.shape[0], len(types.heads))) @ types.members.T
    return sparse.csr_array(by_intent.multiply(allowed > 0))
