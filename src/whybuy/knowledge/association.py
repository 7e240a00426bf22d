"""Which types, traits and products go with a need more than by chance: the counting under every statistical proposer."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from whybuy.knowledge.hypothesizer import Shop
from whybuy.knowledge.statistics import Floats, plausibility, shrunken_lift, significance
from whybuy.records import Head, HeadKind

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Demands:
    """How much it takes to believe an association (our design)."""

    least_count: int  # events (purchases, or products that say it)
    doubt: float  # standard deviations at which plausibility is one half
    least_lift: float = 1.0
    least_share: float = 0.0  # of the need's strongest group
    prior: float = 2.0  # pseudo events that pull lift towards 1


@dataclass(frozen=True)
class Groups:
    """Products in groups with one head each: types, types with a trait, or single products."""

    heads: list[Head]
    members: sparse.csr_array  # products × groups, 0 or 1
    within: sparse.csr_array | None = None  # types × groups: the type that each group is compared within; None: all

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
    """One need and one group that go together."""

    need: int
    group: int
    count: float
    lift: float  # shrunken, > 0
    plausibility: float  # in [0, 1]
    typicality: float  # in [0, 1]; for types the share of the strongest type, else the share within the type


class ProductGroups:
    """The groups of one shop's products, made when first asked for."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._size = len(shop.ids)

    @cached_property
    def types(self) -> Groups:
        """Product types, compared with all products."""
        names = sorted({name for name in self._shop.types if name})
        rows_of = defaultdict(list)
        for row, name in enumerate(self._shop.types):
            rows_of[name].append(row)
        return Groups(
            [Head(HeadKind.TYPE, (name,)) for name in names], self._members([rows_of[name] for name in names])
        )

    @cached_property
    def traits(self) -> Groups:
        """Types with an attribute value or title word that at least two products share, compared within the type."""
        rows_of: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
        for row, (kind, traits) in enumerate(zip(self._shop.types, self._shop.traits, strict=True)):
            for name, value in dict.fromkeys(traits) if kind else ():
                rows_of[kind, name, value].append(row)
        keys = sorted(key for key, rows in rows_of.items() if len(rows) > 1)
        heads = [Head(HeadKind.TYPE_ATTRIBUTE, key) for key in keys]
        return Groups(heads, self._members([rows_of[key] for key in keys]), self._same_type([key[0] for key in keys]))

    @cached_property
    def products(self) -> Groups:
        """Single products, compared within their type."""
        rows = [row for row, kind in enumerate(self._shop.types) if kind]
        heads = [Head(HeadKind.PRODUCT, (self._shop.ids[row],)) for row in rows]
        return Groups(
            heads, self._members([[row] for row in rows]), self._same_type([self._shop.types[row] for row in rows])
        )

    def _members(self, rows_of_group: list[list[int]]) -> sparse.csr_array:
        rows = np.array([row for rows in rows_of_group for row in rows], dtype=np.int64)
        columns = np.repeat(np.arange(len(rows_of_group)), [len(rows) for rows in rows_of_group])
        return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(self._size, len(rows_of_group)))

    def _same_type(self, names: list[str]) -> sparse.csr_array:
        """Types × groups: 1 where the group lies in the type."""
        rows = [self.types.number[name] for name in names]
        shape = (len(self.types.heads), len(names))
        return sparse.csr_array((np.ones(len(names)), (rows, range(len(names)))), shape=shape)


def associate(
    by_need: sparse.csr_array, background: Floats, groups: Groups, types: Groups, demands: Demands
) -> Iterator[Association]:
    """Needs and groups with more events together than the group's share of the background explains.

    by_need: needs × products, events. background: events by product, shape (products,), > 0.
    Within a type the share is of that type's events, so that a trait must explain more than its type does.
    """
    counts = sparse.coo_array(by_need @ groups.members)
    if not counts.nnz:
        return
    need, group, observed = counts.coords[0], counts.coords[1], counts.data
    share = background @ groups.members
    if groups.within is None:
        totals = np.asarray(by_need.sum(axis=1)).ravel()[need]
        share = share / background.sum()
        typical = observed / _strongest(need, observed, by_need.shape[0])[need]
    else:
        kind = groups.within.argmax(axis=0) if groups.within.shape[1] else np.empty(0, np.int64)
        totals = np.asarray((by_need @ types.members).tocsr()[need, kind[group]]).ravel()
        share = share / (background @ types.members)[kind]
        typical = np.minimum(observed / np.maximum(totals, 1e-9), 1.0)
    expected = totals * share[group]
    z = significance(observed, expected, totals)
    lift = shrunken_lift(observed, expected, prior=demands.prior)
    good = (observed >= demands.least_count) & (z > demands.doubt) & (lift >= demands.least_lift)
    if groups.within is None:
        good &= typical >= demands.least_share
    scores = plausibility(z, doubt=demands.doubt)
    for at in np.flatnonzero(good).tolist():
        yield Association(int(need[at]), int(group[at]), observed[at], lift[at], float(scores[at]), float(typical[at]))


def associate_traits(
    by_need: sparse.csr_array, background: Floats, traits: Groups, types: Groups, demands: Demands
) -> Iterator[Association]:
    """Traits that what is bought for a need has more often than its type, judged over all types together.

    A need's events are few within one type, so the same attribute value is tested over all types that answer the need
    (expected counts added over the types, as in a stratified test), and each type's own lift is drawn towards the
    common one.
    """
    observed = sparse.csr_array(by_need @ traits.members)
    if not observed.nnz:
        return
    share = sparse.csr_array((background @ traits.members)[np.newaxis, :] / (background @ types.members)[:, np.newaxis])
    expected = sparse.csr_array((by_need @ types.members) @ share.multiply(traits.within))
    trials = sparse.csr_array((by_need @ types.members) @ (traits.within > 0).astype(np.float64))
    by_value = _same_value(traits)
    value_of = by_value.indices
    found = sparse.coo_array(observed)
    need, group = found.coords
    together, chance, tried = (_at(table @ by_value, need, value_of[group]) for table in (observed, expected, trials))
    z = significance(together, chance, tried)
    common = shrunken_lift(together, chance, prior=demands.prior)
    own = (found.data + demands.prior * common) / (_at(expected, need, group) + demands.prior)
    good = (together >= demands.least_count) & (z > demands.doubt) & (np.minimum(own, common) >= demands.least_lift)
    scores = plausibility(z, doubt=demands.doubt)
    typical = np.minimum(found.data / _at(trials, need, group), 1.0)
    for at in np.flatnonzero(good).tolist():
        yield Association(int(need[at]), int(group[at]), found.data[at], own[at], float(scores[at]), float(typical[at]))


def _at(table: sparse.csr_array, rows: Integers, columns: Integers) -> Floats:
    entries: Floats = np.asarray(sparse.csr_array(table)[rows, columns]).ravel()
    return entries


def _same_value(traits: Groups) -> sparse.csr_array:
    """Groups × attribute values: 1 where a group has the value, whatever its type. One entry per row, in order."""
    values = {value: index for index, value in enumerate(sorted({head.key[1:] for head in traits.heads}))}
    columns = [values[head.key[1:]] for head in traits.heads]
    return sparse.csr_array((np.ones(len(columns)), (range(len(columns)), columns)), shape=(len(columns), len(values)))


def _strongest(need: Integers, observed: Floats, needs: int) -> Floats:
    strongest = np.zeros(needs)
    np.maximum.at(strongest, need, observed)
    return strongest


def restrict(by_need: sparse.csr_array, types: Groups, accepted: list[Association]) -> sparse.csr_array:
    """Only the events on products whose type was accepted for the need."""
    pairs = ([found.need for found in accepted], [found.group for found in accepted])
    shape = (by_need.shape[0], len(types.heads))
    allowed = sparse.csr_array((np.ones(len(accepted)), pairs), shape=shape) @ types.members.T
    return sparse.csr_array(by_need.multiply(allowed > 0))
