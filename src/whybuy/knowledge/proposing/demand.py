"""What a text claims and what shoppers ask for: claims that nobody asks for count less where there is a log to ask."""

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

    enough_queries: int = 1000  # with a need; below, the log is too thin to hold silence against a claim
    unasked: float = 0.5  # factor on the plausibility of a claim that nobody asks for


DEMAND_CONFIG = ConfigTable("demand", DemandConfig)


def weigh_claims(hypotheses: pa.Table, config: DemandConfig, *, language: str = "en") -> pa.Table:
    """Lower the plausibility of described reasons whose need no query names in the same relation.

    hypotheses: HYPOTHESIS_SCHEMA, of all generators. Shops without a log, or with a thin one, are left as they are.
    """
    generator = hypotheses["generator"]
    asked = hypotheses.filter(pc.equal(generator, Proposer.EVIDENCE))
    queries = pc.sum(pc.equal(asked["head_kind"], HeadKind.QUERY.value)).as_py() or 0
    if queries < max(config.enough_queries, 1):
        return hypotheses
    wanted = set(_claims(asked, language))
    claimed = np.array(pc.equal(generator, Proposer.DESCRIPTIONS).to_pylist(), dtype=bool)
    unasked = np.array([claim not in wanted for claim in _claims(hypotheses, language)], dtype=bool)
    plausibility = hypotheses["plausibility"].to_numpy() * np.where(claimed & unasked, config.unasked, 1.0)
    place = hypotheses.schema.get_field_index("plausibility")
    return hypotheses.set_column(place, hypotheses.schema.field(place), pa.array(plausibility))


def _claims(hypotheses: pa.Table, language: str) -> list[tuple[str, str]]:
    tails = [canonical(tail, language) for tail in hypotheses["tail"].to_pylist()]
    return list(zip(hypotheses["relation"].to_pylist(), tails, strict=True))
