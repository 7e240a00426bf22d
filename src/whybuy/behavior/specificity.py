"""Query statistics: how often a query is searched, and whether it leads to one product type or many."""

import ibis
import pyarrow as pa
from ibis.expr.types import Table

DECIMALS = 6  # sums of floats differ in their last digits from run to run
QUERY_STATS_SCHEMA = pa.schema(
    [
        pa.field("query", pa.string(), nullable=False),
        pa.field("searches", pa.int64(), nullable=False),
        pa.field("clicks", pa.int64(), nullable=False),
        pa.field("purchases", pa.int64(), nullable=False),
        pa.field("product_types", pa.int64(), nullable=False),  # different types clicked, put in a cart or bought
        pa.field("specificity", pa.float64(), nullable=False),  # 1: one product type; 0: any type at all
    ]
)


def query_stats(queries: Table, pairs: Table, types: Table, *, prior: float) -> Table:
    """Statistics of each query that was searched, clicked from or bought from, in `QUERY_STATS_SCHEMA`.

    Specificity is `1 - H(product_type | q) / log T` over clicks, carts and purchases, T the number of types there are
    (COSMO, SIGMOD 2024, names the idea; our formula). For rare queries it is shrunken towards an estimate by the words
    alone, with the weight of `prior` observations.

    pairs: columns left, right, purchases, carts, clicks. types: product_id, product_type, of products that have one.
    """
    searches = queries.filter(queries.query != "")
    parts = [
        _counts(searches.mutate(searches=ibis.literal(1, "int64"))),
        _counts(pairs.rename(query="left")),
    ]
    counted = ibis.union(*parts)
    counted = counted.group_by("query").agg(
        searches=counted.searches.sum(), clicks=counted.clicks.sum(), purchases=counted.purchases.sum()
    )
    spread = _type_spread(
        pairs.select(query=pairs.left, product_id=pairs.right, seen=pairs.clicks + pairs.carts + pairs.purchases), types
    )
    worded = word_specificity(counted.select("query"))
    joined = counted.left_join(worded, "query").drop("query_right").left_join(spread, "query").drop("query_right")
    total = types.agg(total=types.product_type.nunique())
    joined = joined.cross_join(total)
    measured = ibis.ifelse(joined.total > 1, 1 - joined.entropy / joined.total.cast("float64").ln(), 0.0)
    seen = ibis.ifelse(joined.total > 1, joined.seen.fill_null(0), 0)
    specificity = (seen * measured.fill_null(0.0) + prior * joined.by_words) / (seen + prior)
    return joined.select(
        "query",
        "searches",
        "clicks",
        "purchases",
        product_types=joined.product_types.fill_null(0),
        specificity=ibis.greatest(0.0, ibis.least(1.0, specificity)).round(DECIMALS),
    )


def word_specificity(queries: Table) -> Table:
    """Specificity by the words of a query alone: `1 - (1 - max idf / log N) / words`, in [0, 1]; column `by_words`.

    A rare word or many words make a query specific. queries: one row for each different query, N in all.
    """
    total = queries.agg(total=queries.query.nunique())
    words = queries.select("query", word=queries.query.split(" ").unnest())
    frequency = words.group_by("word").agg(documents=words["query"].nunique())
    weighed = words.inner_join(frequency, "word").cross_join(total)
    most = ibis.greatest(weighed.total, 2).cast("float64").ln()
    weighed = weighed.mutate(idf=(weighed.total / weighed.documents).ln() / most)
    return weighed.group_by("query").agg(by_words=1 - (1 - weighed.idf.max()) / weighed.count())


def _counts(rows: Table) -> Table:
    zero = ibis.literal(0, "int64")
    names = ("searches", "clicks", "purchases")
    return rows.select("query", **{name: rows[name] if name in rows.columns else zero for name in names})


def _type_spread(seen: Table, types: Table) -> Table:
    """Per query: entropy of the product types (natural log), their number, and the observations behind."""
    typed = seen.inner_join(types, "product_id")
    by_type = typed.group_by(["query", "product_type"]).agg(seen=typed.seen.sum())
    share = by_type.mutate(share=by_type.seen / by_type.seen.sum().over(group_by=by_type.query))
    return share.group_by("query").agg(
        entropy=-(share.share * share.share.ln()).sum(), product_types=share.count(), seen=share.seen.sum()
    )
