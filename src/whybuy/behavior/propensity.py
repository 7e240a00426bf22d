"""How likely shoppers are to look at each rank of a result page, estimated from products that were shown at two ranks.

The estimator is the adjacent chain of Agarwal et al. (Estimating Position Bias without Intrusive Interventions, WSDM
2019): for products that a query showed at rank k and at rank k + 1, the click rates differ by the ranks alone.
"""

from collections.abc import Iterable

import ibis
from ibis.expr.types import Table

MAX_RANK = 20  # ranks below are looked at as this one is
FEWEST_CLICKS = 30  # on the products that were shown at two neighboring ranks; with fewer, the ranks count the same
MIN_PROPENSITY = 0.2  # so that no click counts for more than five


def shown_at(queries: Table) -> Table:
    """How often each query showed a product at each rank: columns query, product_id, position (from 1), impressions.

    queries: columns of QUERY_SCHEMA.
    """
    ranks = queries.filter(queries.query != "", queries.hits.length() > 0)
    ranks = ranks.select("query", "hits", place=ibis.range(0, ibis.least(ranks.hits.length(), MAX_RANK)).unnest())
    shown = ranks.select("query", product_id=ranks.hits[ranks.place], position=ranks.place + 1)
    return shown.group_by(["query", "product_id", "position"]).agg(impressions=shown.count())


def rank_propensities(shown: Table, clicks: Table) -> dict[int, float]:
    """The chance that a rank is looked at, by rank from 1 on, over that of the first; empty where nothing can be told.

    shown: of `shown_at`. clicks: columns query, product_id, position, a row for each click.
    """
    keys = ["query", "product_id", "position"]
    counted = clicks.filter(clicks.position.notnull()).group_by(keys).agg(clicks=ibis._.count())
    rates = shown.left_join(counted, keys).select(*keys, "impressions", clicks=ibis._.clicks.fill_null(0))
    lower = rates.mutate(position=rates.position - 1)
    both = rates.inner_join(lower, keys, rname="{name}_below")
    weight = ibis.least(both.impressions, both.impressions_below)
    sums = both.group_by("position").agg(
        clicks=(both.clicks + both.clicks_below).sum(),
        upper=(weight * both.clicks / both.impressions).sum(),
        below=(weight * both.clicks_below / both.impressions_below).sum(),
    )
    rows = sums.order_by("position").to_pyarrow().to_pylist()
    return _chained((row["position"], row["clicks"], row["upper"], row["below"]) for row in rows)


def _chained(ratios: Iterable[tuple[int, int, float, float]]) -> dict[int, float]:
    """The product of ratios down to each rank. ratios: rank, clicks, click rate there and at the rank below."""
    by_rank = {
        rank: min(below / upper, 1.0) for rank, clicks, upper, below in ratios if clicks >= FEWEST_CLICKS and upper
    }
    if not by_rank:
        return {}
    propensities = {1: 1.0}
    for rank in range(1, MAX_RANK):
        propensities[rank + 1] = max(propensities[rank] * by_rank.get(rank, 1.0), MIN_PROPENSITY)
    return propensities
