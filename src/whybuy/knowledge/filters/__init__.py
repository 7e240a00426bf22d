"""Filters reject hypotheses that explain nothing, whoever proposed them (COSMO, SIGMOD 2024)."""

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
    "FilterResult",
    "Generic",
    "HypothesisFilter",
    "Incomplete",
    "Restates",
    "Similar",
    "apply_filters",
]


class HypothesisFilter(Protocol):
    """Scores a table of hypotheses (HYPOTHESIS_SCHEMA); those above its limit are rejected."""

    @property
    def name(self) -> str:
        """Its name in reports and settings."""
        ...

    @property
    def limit(self) -> float:
        """The score above which a hypothesis is rejected, unless judgments or settings give another."""
        ...

    def __call__(self, hypotheses: pa.Table) -> NDArray[np.float64]:
        """Scores, higher is worse; nan where the filter abstains. Shape (n,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FilterResult:
    """Which filter rejected which hypothesis."""

    rejected_by: NDArray[np.int64]  # number of the filter; ``len(names)`` where none did. Shape (n,)
    names: tuple[str, ...]
    limits: tuple[float, ...]  # as applied

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Hypotheses that no filter rejected. Shape (n,)."""
        kept: NDArray[np.bool_] = self.rejected_by == len(self.names)
        return kept

    def counts(self) -> dict[str, int]:
        """How many each filter rejected."""
        counts = np.bincount(self.rejected_by, minlength=len(self.names) + 1)
        return dict(zip(self.names, counts[:-1].tolist(), strict=True))


def apply_filters(
    hypotheses: pa.Table,
    filters: Sequence[HypothesisFilter],
    *,
    limits: Mapping[str, float] = MappingProxyType({}),
    plausible: NDArray[np.float64] | None = None,
    aim: Aim = Aim(),
) -> FilterResult:
    """Filter hypotheses; a later filter gets only what the earlier ones kept.

    Args:
        hypotheses: HYPOTHESIS_SCHEMA.
        filters: In the order in which they run.
        limits: By the name of a filter, in place of its own or a tuned one.
        plausible: Judged answers, by which limits are tuned: 1, 0, or nan where not judged. Shape (n,).
        aim: What tuned limits must keep.
    """
    rejected_by = np.full(hypotheses.num_rows, len(filters))
    rows, applied = np.arange(hypotheses.num_rows), []
    for place, each in enumerate(filters):
        scores = each(hypotheses)
        tuned = each.limit if plausible is None else tune(scores, plausible[rows], each.limit, aim)
        applied.append(limits.get(each.name, tuned))
        rejected = scores > applied[-1]
        rejected_by[rows[rejected]] = place
        rows, hypotheses = rows[~rejected], hypotheses.filter(pa.array(~rejected))
    return FilterResult(rejected_by, tuple(each.name for each in filters), tuple(applied))
