"""Filters (COSMO §1.5 of the fact sheet): what is no reason at all, whoever proposed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.knowledge.filters.duplicate import Duplicate
from whybuy.knowledge.filters.fluency import Disfluent
from whybuy.knowledge.filters.generic import Generic
from whybuy.knowledge.filters.incomplete import Incomplete
from whybuy.knowledge.filters.limit_tuning import Aim, tune
from whybuy.knowledge.filters.restates import Restates
from whybuy.knowledge.filters.similar import Similar

__all__ = [
    "Disfluent",
    "Duplicate",
    "Generic",
    "HypothesisFilter",
    "Incomplete",
    "Restates",
    "Sifted",
    "Similar",
    "apply_filters",
]


class HypothesisFilter(Protocol):
    """Scores hypotheses (HYPOTHESIS_SCHEMA), all at once; those above its limit are no reasons."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    @property
    def limit(self) -> float:
        """The score above which a hypothesis is rejected, unless judgments tell a better one."""
        ...

    def __call__(self, hypotheses: pa.Table) -> NDArray[np.float64]:
        """How hollow each is; nan where the filter cannot tell and abstains. Shape (n,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Sifted:
    """Which filter took which hypothesis."""

    taken: NDArray[np.int64]  # place of the filter; ``len(names)`` where none did. Shape (n,)
    names: tuple[str, ...]
    limits: tuple[float, ...]  # that were applied

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Where none did. Shape (n,)."""
        kept: NDArray[np.bool_] = self.taken == len(self.names)
        return kept

    def counts(self) -> dict[str, int]:
        """How many each filter took."""
        counts = np.bincount(self.taken, minlength=len(self.names) + 1)
        return dict(zip(self.names, counts[:-1].tolist(), strict=True))


def apply_filters(
    hypotheses: pa.Table,
    filters: Sequence[HypothesisFilter],
    *,
    limits: Mapping[str, float] = MappingProxyType({}),
    plausible: NDArray[np.float64] | None = None,
    aim: Aim = Aim(),
) -> Sifted:
    """Sift hypotheses; a later filter sees only what the earlier ones left.

    Args:
        hypotheses: HYPOTHESIS_SCHEMA.
        filters: In the order in which they run.
        limits: By the name of a filter, in place of its own or a tuned one.
        plausible: What judges said of each, for limits that are tuned: 1, 0 or nan. Shape (n,).
        aim: What tuned limits must keep.
    """
    taken = np.full(hypotheses.num_rows, len(filters))
    rows, applied = np.arange(hypotheses.num_rows), []
    for place, judge in enumerate(filters):
        scores = judge(hypotheses)
        tuned = judge.limit if plausible is None else tune(scores, plausible[rows], judge.limit, aim)
        applied.append(limits.get(judge.name, tuned))
        rejected = scores > applied[-1]
        taken[rows[rejected]] = place
        rows, hypotheses = rows[~rejected], hypotheses.filter(pa.array(~rejected))
    return Sifted(taken, tuple(judge.name for judge in filters), tuple(applied))
