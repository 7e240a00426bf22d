"""The first filters (COSMO §1.5 of the fact sheet): what is no reason at all, whoever proposed it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.knowledge.filters.generic import Generic
from whybuy.knowledge.filters.incomplete import Incomplete
from whybuy.knowledge.filters.restates import Restates

__all__ = ["FilterYield", "Generic", "HypothesisFilter", "Incomplete", "Restates", "apply_filters", "default_filters"]


class HypothesisFilter(Protocol):
    """Judges hypotheses (HYPOTHESIS_SCHEMA), all at once."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    def __call__(self, hypotheses: pa.Table) -> NDArray[np.bool_]:
        """True where a hypothesis is rejected; a filter that cannot tell abstains with False. Shape (n,)."""
        ...


@dataclass(frozen=True, slots=True)
class FilterYield:
    """How many hypotheses one filter took of those that came to it."""

    name: str
    judged: int
    rejected: int


def default_filters(products: pa.Table, language: str = "en") -> tuple[HypothesisFilter, ...]:
    """The filters of every build, in the order in which they run. products: PRODUCT_SCHEMA."""
    return (
        Incomplete(),
        Restates(products, language),
        Generic(products, language),
    )


def apply_filters(
    hypotheses: pa.Table, filters: Sequence[HypothesisFilter]
) -> tuple[pa.Table, tuple[FilterYield, ...]]:
    """What passes every filter, and what each one took; a later filter sees only what the earlier ones left."""
    yields = []
    for judge in filters:
        rejected = judge(hypotheses)
        yields.append(FilterYield(judge.name, hypotheses.num_rows, int(rejected.sum())))
        hypotheses = hypotheses.filter(pa.array(~rejected))
    return hypotheses, tuple(yields)
