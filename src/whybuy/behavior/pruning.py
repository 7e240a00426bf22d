"""Prunes noisy pairs in steps; each reports how many pairs it removed, or why it was skipped.

The steps are those of COSMO (SIGMOD 2024); formulas and thresholds are not published, so they are our design. The
defaults are mild: a pair is dropped for evidence against it, not for little evidence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, Table

from whybuy.keys import SEPARATOR
from whybuy.records import Action, Behavior

DEEPEST_CATEGORY = 6


@dataclass(frozen=True)
class PruningConfig:
    """Thresholds of the pruning steps."""

    min_shoppers: int = 1  # of a search-buy pair: what learns from pairs weighs rare ones itself
    min_type_share: float = 0.02  # of a product's type among what a query showed, for purchases credited by time
    min_impressions: int = 50  # before a click rate is used
    min_click_rate: float = 0.002  # a tenth of what the worst position on a page usually gets
    min_clicks: int = 20  # before a purchase rate is used
    min_purchase_rate: float = 0.005  # far below the usual 2 to 5 %
    min_co_buys: int = 2  # sessions of a co-buy pair, where the shop has many pairs
    few_co_buys: int = 100_000  # up to so many different pairs all are kept, however rare
    max_partner_types: int = 100  # different product types that a product is bought with ...
    max_partner_entropy: float = 0.8  # ... and their entropy as a share of the log of all types: both above, it goes
    min_type_lift: float = 1.0  # how often two types are bought together, against chance
    max_category_distance: int = 4  # steps up and down the category tree


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """What a shop's files hold, which decides what can be pruned."""

    product_types: int  # different ones
    category_depth: int  # of the deepest category path
    impressions: int
    clicks: int
    purchases: int  # that searches led to
    basket_action: Action  # products of one session are paired by: purchases or, where none is logged, carts


@dataclass(frozen=True, slots=True)
class Step:
    """One pruning step: what it takes, or why it is skipped."""

    name: str
    takes: Callable[[Table], BooleanValue]
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one pruning step did."""

    behavior: Behavior
    name: str
    taken: int  # pairs that this step took, after the steps before it
    left: int  # pairs that were left then
    skipped: str = ""  # the reason, when the step could not run

    def __str__(self) -> str:
        """One line for a person."""
        deed = f"skipped: {self.skipped}" if self.skipped else f"took {self.taken:,}, left {self.left:,}"
        return f"{self.behavior.value} {self.name}: {deed}"


def search_buy_steps(facts: ShopFacts, config: PruningConfig) -> tuple[Step, ...]:
    """The steps for pairs of a query and a product, in order.

    They read columns sessions, purchases, clicks, impressions, direct, and type_share (null: nothing is known).
    """
    no_types = "" if facts.product_types > 1 else "the catalog has no product types"
    no_clicks = "" if facts.clicks else "the logs have no clicks"
    no_purchases = "" if facts.purchases else "the logs have no purchases"
    no_impressions = "" if facts.impressions else "the logs do not say which products were shown"
    nothing_seen = no_types or (no_clicks and no_impressions and f"{no_clicks} and {no_impressions}")
    return (
        Step("support", lambda pairs: pairs.sessions < config.min_shoppers),
        Step(
            "product type",
            lambda pairs: (pairs.direct == 0) & (pairs.type_share < config.min_type_share),
            nothing_seen,
        ),
        Step(
            "click rate",
            lambda pairs: (
                (pairs.impressions >= config.min_impressions)
                & (pairs.clicks < config.min_click_rate * pairs.impressions)
            ),
            no_clicks or no_impressions,
        ),
        Step(
            "purchase rate",
            lambda pairs: (
                (pairs.clicks >= config.min_clicks) & (pairs.purchases < config.min_purchase_rate * pairs.clicks)
            ),
            no_clicks or no_purchases,
        ),
    )


def co_buy_steps(facts: ShopFacts, config: PruningConfig, *, pairs: int) -> tuple[Step, ...]:
    """The steps for pairs of products, in order; `pairs` is how many different ones there are before.

    They read columns sessions, partner_types, partner_entropy (of the more promiscuous product), type_lift, and
    category_distance, each null when nothing is known.
    """
    no_types = "" if facts.product_types > 1 else "the catalog has no product types"
    no_taxonomy = "" if facts.category_depth > 1 else "the catalog has no category tree"
    few = f"{pairs:,} pairs are few, rare ones are kept" if pairs <= config.few_co_buys else ""
    return (
        Step("support", lambda pairs: pairs.sessions < config.min_co_buys, few),
        Step(
            "too many types",
            lambda pairs: (
                (pairs.partner_types > config.max_partner_types) & (pairs.partner_entropy > config.max_partner_entropy)
            ),
            no_types,
        ),
        Step("product type", lambda pairs: pairs.type_lift < config.min_type_lift, no_types),
        Step(
            "category distance",
            lambda pairs: pairs.category_distance > config.max_category_distance,
            no_taxonomy,
        ),
    )


def judge(pairs: Table, steps: Sequence[Step]) -> Table:
    """Add `taken_by`: the number of the first step that takes the pair, or the number of steps when none does.

    A step never takes a pair for which its columns are null.
    """
    active = [(step.takes(pairs).fill_null(False), number) for number, step in enumerate(steps) if not step.skipped]
    survives = ibis.literal(len(steps), "int64")
    return pairs.mutate(taken_by=ibis.cases(*active, else_=survives).cast("int64") if active else survives)


def report_steps(judged: Table, steps: Sequence[Step], behavior: Behavior) -> tuple[StepReport, ...]:
    """Count what each step took of the judged pairs; runs one aggregate."""
    counts = judged.group_by("taken_by").agg(pairs=judged.count()).to_pyarrow().to_pylist()
    taken = {row["taken_by"]: row["pairs"] for row in counts}
    left = sum(taken.values())
    reports = []
    for number, step in enumerate(steps):
        gone = taken.get(number, 0)
        left -= gone
        reports.append(StepReport(behavior, step.name, gone, left, step.skipped))
    return tuple(reports)


def with_type_share(pairs: Table, shown: Table, types: Table) -> Table:
    """Add `type_share`: how much of what a query showed and what was clicked there has the product's type.

    Null where the query showed nothing of known type (a page without results), or the product has no type.

    pairs: columns left, right, clicks, among others. shown: of `pairs.impressions`.
    """
    clicked = pairs.filter(pairs.clicks > 0)
    seen = ibis.union(
        clicked.select(query=clicked.left, product_id=clicked.right, seen=clicked.clicks),
        shown.select("query", "product_id", seen=shown.impressions),
    )
    typed = seen.inner_join(types, "product_id")
    by_type = typed.group_by(["query", "product_type"]).agg(seen=typed.seen.sum())
    by_query = by_type.group_by("query").agg(total=by_type.seen.sum())
    named = pairs.left_join(types, pairs.right == types.product_id).drop("product_id")
    joined = named.left_join(by_query, named.left == by_query.query).drop("query")
    of_type = by_type.rename(seen_query="query", seen_type="product_type")
    joined = joined.left_join(of_type, [joined.left == of_type.seen_query, joined.product_type == of_type.seen_type])
    known = joined.product_type.notnull() & joined.total.notnull()
    share = ibis.ifelse(known, joined.seen.fill_null(0) / joined.total, None)
    return joined.select(*pairs.columns, type_share=share)


def with_partner_facts(pairs: Table, types: Table) -> Table:
    """Add what the product types say about co-buy pairs: `partner_types`, `partner_entropy`, `type_lift`.

    Partners of a product are the types that it is bought with; entropy is divided by the log of all types and lies in
    [0, 1]. Lift is `n(a, b) N / (n(a) n(b))` over sessions, of the two types, 1 at chance.
    """
    ways = _both_ways(pairs, types)
    partners = _partners(ways, types)
    lift = _type_lift(ways)
    left, right = partners.view(), partners.view()
    typed = _with_types(pairs, types)
    typed = typed.left_join(lift, ["left_type", "right_type"]).drop("left_type_right", "right_type_right")
    joined = typed.left_join(left, typed.left == left.product_id).drop("product_id")
    joined = joined.rename(left_partners="partners", left_entropy="entropy")
    joined = joined.left_join(right, joined.right == right.product_id)
    more = joined.entropy > joined.left_entropy
    return joined.select(
        *pairs.columns,
        partner_types=ibis.ifelse(more.fill_null(True), joined.partners, joined.left_partners),
        partner_entropy=ibis.ifelse(more.fill_null(True), joined.entropy, joined.left_entropy),
        type_lift=joined.type_lift,
    )


def with_category_distance(pairs: Table, levels: Table) -> Table:
    """Add `category_distance`: steps up and down the category tree between the products; null without a path.

    levels: product_id, depth, level1 ... level6, each the path from the root down to there, null below the depth.
    """
    left, right = levels.view(), levels.view()
    joined = pairs.left_join(left, pairs.left == left.product_id, rname="{name}_a")
    joined = joined.left_join(right, joined.right == right.product_id, rname="{name}_b")
    shared = sum(
        ((joined[name] == joined[f"{name}_b"]).fill_null(False).cast("int64") for name in level_names()),
        start=ibis.literal(0, "int64"),
    )
    known = (joined.depth > 0) & (joined.depth_b > 0)
    distance = ibis.ifelse(known, joined.depth + joined.depth_b - 2 * shared, None)
    return joined.select(*pairs.columns, category_distance=distance)


def level_names() -> tuple[str, ...]:
    """The columns that hold the category path down to each level."""
    return tuple(f"level{number}" for number in range(1, DEEPEST_CATEGORY + 1))


def category_levels(products: Table) -> Table:
    """The category path of each product as one text per level, down to the sixth; deeper levels do not count."""
    names = level_names()
    depth: IntegerValue = ibis.least(products.category.length(), DEEPEST_CATEGORY)
    paths = {}
    path = ibis.literal("")
    for number, name in enumerate(names):
        path = path + SEPARATOR + products.category[number]
        paths[name] = ibis.ifelse(depth > number, path, None)
    return products.select("product_id", depth=depth, **paths)


def _with_types(pairs: Table, types: Table) -> Table:
    left = types.rename(left_id="product_id", left_type="product_type")
    right = types.rename(right_id="product_id", right_type="product_type")
    typed = pairs.left_join(left, pairs.left == left.left_id).drop("left_id")
    return typed.left_join(right, typed.right == right.right_id).drop("right_id")


def _both_ways(pairs: Table, types: Table) -> Table:
    """Each pair of typed products twice, once from either side: product_id, own, partner (types), sessions."""
    typed = _with_types(pairs, types)
    typed = typed.filter(typed.left_type.notnull(), typed.right_type.notnull())
    return ibis.union(
        typed.select(product_id=typed.left, own=typed.left_type, partner=typed.right_type, sessions=typed.sessions),
        typed.select(product_id=typed.right, own=typed.right_type, partner=typed.left_type, sessions=typed.sessions),
    )


def _partners(ways: Table, types: Table) -> Table:
    total = types.agg(total=types.product_type.nunique())
    by_type = ways.group_by(["product_id", "partner"]).agg(sessions=ways.sessions.sum())
    share = by_type.mutate(share=by_type.sessions / by_type.sessions.sum().over(group_by=by_type.product_id))
    spread = share.group_by("product_id").agg(partners=share.count(), nats=-(share.share * share.share.ln()).sum())
    spread = spread.cross_join(total)
    highest = ibis.greatest(spread.total, 2).cast("float64").ln()
    return spread.select("product_id", "partners", entropy=spread.nats / highest)


def _type_lift(ways: Table) -> Table:
    together = ways.group_by(["own", "partner"]).agg(together=ways.sessions.sum())
    alone = together.group_by("own").agg(alone=together.together.sum())
    other = alone.view().rename(partner="own", other="alone")
    joined = together.inner_join(alone, "own").inner_join(other, "partner")
    joined = joined.cross_join(together.view().agg(all=ibis._.together.sum()))
    lift = joined.together.cast("float64") * joined["all"] / (joined.alone.cast("float64") * joined.other)
    return joined.select(left_type=joined.own, right_type=joined.partner, type_lift=lift)
