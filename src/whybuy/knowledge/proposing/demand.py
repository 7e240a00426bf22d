"""Lowers the plausibility of described reasons that no query of the log names."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whybuy.config import ConfigTable
from whybuy.records import HeadKind, Proposer
from whybuy.text import canonical


@dataclass(frozen=True, slots=True)
class DemandConfig:
    """How claims of descriptions are weighed against queries (our design)."""

    enough_queries: int = 1000  # with an intent; with fewer, the log is too small to judge by
    unsearched: float = 0.5  # factor on the plausibility of a reason that no query names


DEMAND_CONFIG = ConfigTable("demand", DemandConfig)


def weigh_claims(hypotheses: pa.Table, config: DemandConfig, *, language: str = "en") -> pa.Table:
    """Lower the plausibility of described reasons whose intent no query names in the same relation.

    hypotheses: HYPOTHESIS_SCHEMA, of all proposers. Nothing changes in shops without a log, or with a small one.
    """
    generator = hypotheses["generator"]
    mined = hypotheses.filter(pc.equal(generator, Proposer.EVIDENCE))
    queries = pc.sum(pc.equal(mined["head_kind"], HeadKind.QUERY.value)).as_py() or 0
    if queries < max(config.enough_queries, 1):
        return hypotheses
    wanted = set(_claims(mined, language))
    described = np.array(pc.equal(generator, Proposer.DESCRIPTIONS).to_pylist(), dtype=bool)
    unsearched = np.array([claim not in wanted for claim in _claims(hypotheses, language)], dtype=bool)
    plausibility = hypotheses["plausibility"].to_numpy() * np.where(described & unsearched, config.unsearched, 1.0)
    place = hypotheses.schema.get_field_index("plausibility")
    return hypotheses.set_column(place, hypotheses.schema.field(place), pa.array(plausibility))


def _claims(hypotheses: pa.Table, language: str) -> list[tuple[str, str]]:
    tails = [canonical(tail, language) for tail in hypotheses["tail"].to_pylist()]
    return list(zip(hypotheses["relation"].to_pylist(), tails, strict=True))
