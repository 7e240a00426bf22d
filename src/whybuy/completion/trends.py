"""What is searched for now: queries weigh more or less by how they are asked of late, as far as the log can tell.

A query's late searches are compared with those that its share of all searches lets expect, and the ratio is drawn to 1
as a gamma distribution of such ratios has it (as DuMouchel does it, The American Statistician 1999). How wide that is
comes from the log: where late counts vary no more than chance has it, every ratio is 1 (our design).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_DAY = 86_400


def with_trends(counts: pa.Table, follow_ups: pa.Table, *, half_life_days: float, trend_days: float) -> pa.Table:
    """The counts with weights that follow the trend of each query.

    counts: QUERY_COUNT_SCHEMA. follow_ups: FOLLOW_SCHEMA, of the same searches. half_life_days: after which a search
    counts half. trend_days: after which it counts half for what is asked of late; 0 leaves the weights as they are.
    """
    if not trend_days or not follow_ups.num_rows:
        return counts
    seconds = follow_ups["seconds"].to_numpy()
    ages = (seconds.max() - seconds) / _DAY
    rows = pc.index_in(follow_ups["query"], value_set=counts["query"].combine_chunks()).to_numpy()
    ratios = trends(rows, 0.5 ** (ages / half_life_days), 0.5 ** (ages / trend_days))
    place = counts.schema.get_field_index("weight")
    return counts.set_column(place, counts.schema.field(place), pa.array(counts["weight"].to_numpy() * ratios))


def trends(rows: NDArray[np.integer], weights: NDArray[np.float64], late: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much more each query is asked of late than its weight lets expect, drawn to 1; all of them have a search.

    rows: the query of each search. weights, late: what each search counts, over all and of late.
    """
    total, seen = np.bincount(rows, weights), np.bincount(rows, late)
    share = late.sum() / weights.sum()
    expected = total * share
    chance = ((late - share * weights) ** 2).sum() / late.sum()  # variance for each that is expected, without a trend
    excess = (((seen - expected) ** 2 / expected) - chance).sum()
    variance = max(0.0, excess / expected.sum())  # of true ratios
    ratios: NDArray[np.float64] = (1 + variance * seen) / (1 + variance * expected)
    return ratios
