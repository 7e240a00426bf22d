"""Draws hypotheses for people to judge: by weight or by a critic's uncertainty, spread over strata."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.keys import SEPARATOR
from whybuy.knowledge.numbering import canonical_tails, distinct, joined_heads
from whybuy.records import Behavior, HeadKind, Proposer


@dataclass(frozen=True, slots=True)
class WeightConfig:
    """Exponents that favor frequent tails and rare heads in a sample (idea of COSMO; the formula is our design)."""

    frequency: float = 1.0  # exponent of the knowledge's frequency
    rarity: float = 1.0  # exponent of the head's popularity, which divides


class Candidates:
    """Hypotheses that may be annotated, one for each edge, with their weights and strata."""

    def __init__(self, hypotheses: pa.Table, *, language: str = "en", config: WeightConfig | None = None) -> None:
        """Of the hypotheses of one edge (same head, relation and canonical tail) keep the best supported one.

        hypotheses: HYPOTHESIS_SCHEMA.
        """
        heads, (tails, tail) = joined_heads(hypotheses), canonical_tails(hypotheses, language)
        means = pa.array(tails, pa.string()).take(pa.array(tail))
        self.keys, edge = distinct(pc.binary_join_element_wise(heads, hypotheses["relation"], means, SEPARATOR))
        order = np.lexsort((-hypotheses["support"].to_numpy(), edge))
        chosen = order[np.diff(edge[order], prepend=-1) != 0]
        self.table: pa.Table = hypotheses.take(pa.array(chosen))
        frequency = _totals(tail[chosen])
        popularity = _totals(distinct(heads)[1][chosen], self.table["support"].to_numpy())
        self.weights = knowledge_weight(frequency, popularity, config or WeightConfig())

    def strata(self, categories: Sequence[str]) -> list[NDArray[np.int64]]:
        """The nested strata, finest first: behavior with kind of head and generator, then category, then relation.

        A new generator is a stratum of its own, so a sample soon has some of it.

        categories: one by candidate.
        """
        names = ("head_kind", "generator", "relation")
        kinds, generators, relations = (self.table[name].to_pylist() for name in names)
        behaviors = [SEPARATOR.join((behavior_of(*each), *each)) for each in zip(kinds, generators, strict=True)]
        homes = ((behaviors, categories, relations), (behaviors, categories), (behaviors,))
        return [_strata(columns) for columns in homes]


def behavior_of(head_kind: str, generator: str) -> Behavior:
    """The kind of behavior that a hypothesis explains: two products bought together, or a query and a purchase."""
    together = head_kind == HeadKind.PAIR or _unversioned(generator) == _unversioned(Proposer.CO_BUY)
    return Behavior.CO_BUY if together else Behavior.SEARCH_BUY


def _unversioned(generator: str) -> str:
    return generator.partition(".")[0]


def knowledge_weight(
    frequency: NDArray[np.float64], popularity: NDArray[np.float64], config: WeightConfig
) -> NDArray[np.float64]:
    """(1 + log frequency)^a / (1 + log popularity)^b, so that less obvious knowledge is sampled too (our design).

    frequency: edges that a tail stands in; popularity: purchases that a head's edges rest on; both >= 1, shape (n,).
    """
    frequent, popular = (1.0 + np.log(np.maximum(values, 1.0)) for values in (frequency, popularity))
    weights: NDArray[np.float64] = frequent**config.frequency / popular**config.rarity
    return weights


def sample(candidates: Candidates, categories: Sequence[str], *, size: int, seed: int) -> NDArray[np.int64]:
    """Rows of candidates drawn by weight, strata taking turns; a larger sample begins with this one.

    Within a stratum the order is that of Efraimidis and Spirakis (2006), without replacement: -log(u) / weight,
    smallest first, u hashed from seed and edge, so that the order of the rows does not matter.

    Raises:
        InputError: the size is less than 1.
    """
    priorities = -np.log(_uniform(candidates.keys, seed)) / candidates.weights
    return stratified_order(priorities, candidates.strata(categories), candidates.weights, size=size)


def most_uncertain(
    candidates: Candidates, categories: Sequence[str], probabilities: NDArray[np.floating], *, size: int
) -> NDArray[np.int64]:
    """Rows of candidates whose probability is closest to a half, strata taking turns.

    probabilities: in [0, 1], one by candidate.

    Raises:
        InputError: the size is less than 1, or a candidate has no probability.
    """
    if probabilities.shape != (len(candidates.keys),):
        raise InputError(f"{probabilities.shape} probabilities do not go with {len(candidates.keys)} candidates.")
    uncertainty = 0.5 - np.abs(probabilities - 0.5)
    return stratified_order(-uncertainty, candidates.strata(categories), np.maximum(uncertainty, 1e-9), size=size)


def stratified_order(
    priorities: NDArray[np.float64], strata: Sequence[NDArray[np.int64]], weights: NDArray[np.float64], *, size: int
) -> NDArray[np.int64]:
    """The rows of smallest priority when strata share the places by the Sainte-Lague method.

    At each level the places are shared by the square root of a stratum's weight, so that small strata are sampled and
    large ones still count more (our design). A larger size begins with the same rows.

    strata: finest first, each within one of the next.

    Raises:
        InputError: the size is less than 1.
    """
    if size < 1:
        raise InputError(f"A sample of {size} is asked for; take 1 or more.")
    turn = priorities
    for level in strata:
        turn = (_ranks(turn, level) + 0.5) / np.sqrt(_totals(level, weights))
    return np.lexsort((priorities, turn))[:size]


def _ranks(values: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each value within its group, from 0."""
    order = np.lexsort((values, groups))
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    return ranks


def _strata(columns: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    names = [SEPARATOR.join(each) for each in zip(*columns, strict=True)]
    return distinct(pa.chunked_array([names], pa.string()))[1]


def _totals(codes: NDArray[np.int64], weights: NDArray[np.generic] | None = None) -> NDArray[np.float64]:
    """For each row, the sum of the values of all rows with its code."""
    return np.bincount(codes, weights=weights)[codes].astype(np.float64)


def _uniform(keys: Sequence[str], seed: int) -> NDArray[np.float64]:
    """A hashed number in (0, 1) for each key."""
    hashed = (hashlib.blake2b(f"{seed}{SEPARATOR}{key}".encode(), digest_size=6).digest() for key in keys)
    return np.array([(int.from_bytes(one, "big") + 0.5) / 2**48 for one in hashed])
