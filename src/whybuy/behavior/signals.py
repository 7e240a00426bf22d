"""What an action on a product counts as evidence: by its kind and, for what is wanted now, by its age (our design)."""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import pyarrow as pa
import pyarrow.compute as pc
from ibis.expr.types import FloatingValue, IntegerColumn, Table

from whybuy.errors import ConfigError
from whybuy.records import Action

ACTION_COUNTS = {"purchases": Action.PURCHASE, "carts": Action.ADD_TO_CART, "clicks": Action.CLICK}
"""Columns of `records.PAIR_SCHEMA` that count actions, the strongest first."""
KINDS = tuple(ACTION_COUNTS.values())
"""The actions that are evidence, the strongest first."""
FEWEST = 0.02  # share of all actions from which on a kind is the unit that the others are measured in
MOST_UNITS = 25.0  # an action counts between 1/25 and 25 units
DAY = 86_400
_UNITS = ibis.schema({"action": "string", "units": "float64"})
_RANKS = ibis.schema({"place": "int64", "at_rank": "float64"})
_DATED_FROM = 365 * DAY  # seconds since 1970; sources without times count up from 1970


@dataclass(frozen=True)
class SignalConfig:
    """How actions on products are weighed as evidence."""

    half_life_days: float = 14.0  # after which an action counts half for what is wanted now
    late_share: float = 0.2  # of all actions, the latest: those that a reranker is trained to predict

    def __post_init__(self) -> None:
        if self.half_life_days <= 0:
            raise ConfigError(f"half_life_days is {self.half_life_days}; write a number of days above 0.")
        if not 0 < self.late_share < 1:
            raise ConfigError(f"late_share is {self.late_share}; write a share between 0 and 1, such as 0.2.")


@dataclass(frozen=True, slots=True)
class LogTime:
    """When the actions of a log happened, in seconds since 1970; without real times, none is old or late."""

    last: int = 0
    late_from: int = 2**62


def unit_kind(counts: Mapping[str, int]) -> Action:
    """The strongest kind that makes a fiftieth of all actions: purchases where they are logged, else carts, or clicks.

    counts: actions by kind.
    """
    total = sum(counts.get(kind, 0) for kind in KINDS)
    return next((kind for kind in KINDS if counts.get(kind, 0) >= FEWEST * total), KINDS[0])


def strongest(pairs: pa.Table) -> pa.ChunkedArray:
    """How often each pair ended in the kind of action that is the unit. pairs: of `records.PAIR_SCHEMA`."""
    counts: dict[str, int] = {kind: pc.sum(pairs[name]).as_py() or 0 for name, kind in ACTION_COUNTS.items()}
    unit = unit_kind(counts)
    return pairs[next(name for name, kind in ACTION_COUNTS.items() if kind is unit)]


def unit_weights(counts: Mapping[str, int]) -> dict[str, float]:
    """What an action of each kind counts: 1 for the unit, and for a kind n times as frequent 1/n, within bounds.

    So a click counts for the purchases that follow one on average, and never more than what is stronger. counts:
    actions by kind.
    """
    unit = counts.get(unit_kind(counts), 0)
    weights: dict[str, float] = {}
    most = MOST_UNITS
    for kind in (kind for kind in KINDS if counts.get(kind, 0)):
        weights[kind] = most = min(max(unit / counts[kind], 1 / MOST_UNITS), most)
    return weights


def log_time(seconds: IntegerColumn, late_share: float) -> LogTime:
    """When actions happened. seconds: of each action, since 1970."""
    table = ibis.ifelse(seconds >= _DATED_FROM, seconds, None).name("seconds").as_table()
    ends = table.aggregate(last=table.seconds.max(), late=table.seconds.quantile(1 - late_share))
    (row,) = ends.to_pyarrow().to_pylist()
    return LogTime() if row["last"] is None else LogTime(int(row["last"]), int(row["late"]) + 1)


def rank_weights(clicks: Mapping[int, int], propensities: Mapping[int, float]) -> dict[int, float]:
    """What a click at each rank counts beside others: inversely as the rank is looked at, on average 1.

    clicks: by rank. propensities: of `propensity.rank_propensities`.
    """
    inverse = {rank: 1 / propensity for rank, propensity in propensities.items()}
    lowest = max(inverse, default=0)
    total = sum(count * inverse[min(rank, lowest)] for rank, count in clicks.items()) if inverse else 0.0
    return {rank: weight * sum(clicks.values()) / total for rank, weight in inverse.items()} if total else {}


def with_evidence(
    acts: Table, weights: Mapping[str, float], ranks: Mapping[int, float], time: LogTime, config: SignalConfig
) -> Table:
    """Add `evidence` (units) and, of it, what `recent`, `earlier` and `late` of `records.PAIR_SCHEMA` count.

    acts: columns action, seconds and position, among others. weights: of `unit_weights`. ranks: of `rank_weights`;
    ranks below the last count as it does, and a click whose rank is not known counts 1.
    """
    units = ibis.memtable({"action": list(weights), "units": list(weights.values())}, schema=_UNITS)
    places = ibis.memtable({"place": list(ranks), "at_rank": list(ranks.values())}, schema=_RANKS)
    lowest = max(ranks, default=0)
    place = ibis.ifelse(acts.position > lowest, lowest, acts.position)  # `least` would read null as the lowest
    placed = acts.mutate(place=place.cast("int64"))
    weighed = placed.inner_join(units, "action").left_join(places, "place")
    weighed = weighed.mutate(evidence=weighed.units * weighed.at_rank.fill_null(1.0))
    dated, late = weighed.seconds >= _DATED_FROM, weighed.seconds >= time.late_from

    def aged(until: int) -> FloatingValue:
        days = ibis.ifelse(dated, until - weighed.seconds, 0) / DAY
        return weighed.evidence * ibis.literal(2.0) ** (-days / config.half_life_days)

    return weighed.mutate(
        recent=aged(time.last),
        earlier=ibis.ifelse(late, 0.0, aged(time.late_from)),
        late=ibis.ifelse(late, weighed.evidence, 0.0),
    )
