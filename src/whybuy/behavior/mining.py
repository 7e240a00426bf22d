"""Behavior pairs out of a folder of logs: sessions, pairs, pruning, specificity, sampling, one after the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import ibis
from ibis.expr.types import Table

from whybuy.behavior.engine import Engine, EngineName, open_engine
from whybuy.behavior.pairs import (
    AttributionConfig,
    activity,
    baskets,
    co_buy,
    credited_actions,
    impressions,
    search_pairs,
    stable_hash,
    with_impressions,
)
from whybuy.behavior.propensity import rank_propensities, shown_at
from whybuy.behavior.pruning import (
    PruningConfig,
    ShopFacts,
    StepReport,
    category_levels,
    co_buy_steps,
    judge,
    report_steps,
    search_buy_steps,
    with_category_distance,
    with_partner_facts,
    with_type_share,
)
from whybuy.behavior.sampling import sample_pairs
from whybuy.behavior.signals import (
    ACTION_COUNTS,
    SignalConfig,
    log_time,
    rank_weights,
    unit_weights,
    with_evidence,
)
from whybuy.behavior.specificity import DECIMALS, QUERY_STATS_SCHEMA, query_stats
from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.errors import InputError
from whybuy.records import EVENTS, PAIR_SCHEMA, PAIRS, QUERIES, Action, Behavior

LEAST_BREADTH = 0.05  # of the most specific query, so that every pair can be drawn
QUERY_STATS_FILE = "query_stats.parquet"
_ZERO = ibis.literal(0, "int64")


@dataclass(frozen=True)
class PairConfig(AttributionConfig, SignalConfig, PruningConfig):
    """How behavior pairs are mined: attribution, evidence, pruning, and the settings here."""

    max_basket: int = 50  # products of one basket that are paired; 50 make 1,225 pairs
    specificity_prior: float = 5.0  # clicks and purchases that the words of a query weigh as much as
    sample: int | None = None  # pairs to keep; all when not given
    seed: int = 7
    engine: EngineName = "duckdb"
    memory_limit: str = field(default="4GB", metadata=HOW_ONLY)
    threads: int = field(default=0, metadata=HOW_ONLY)  # 0: all cores
    spill_folder: str = field(default="", metadata=HOW_ONLY)  # the target folder when empty


PAIR_CONFIG = ConfigTable("pairs", PairConfig)


@dataclass(frozen=True, slots=True)
class PairReport:
    """What came out of the logs and what each pruning step did."""

    events: int
    searches: int
    sessions: int  # in which something was bought or, where no purchase is logged, put in a cart
    search_buy: int  # pairs kept, before sampling
    co_buy: int
    pairs: int  # written
    queries: int  # different ones
    weights: Mapping[str, float]  # what an action of each kind counts as evidence, of those that are logged
    lacking: tuple[str, ...]  # what the logs do not have that could be learned from
    steps: tuple[StepReport, ...]

    def lines(self) -> list[str]:
        """The report for a person."""
        return [
            f"{self.events:,} events, {self.searches:,} searches ({self.queries:,} different), "
            f"{self.sessions:,} sessions that bought",
            self.evidence,
            *(str(step) for step in self.steps),
            f"{self.search_buy:,} search-buy and {self.co_buy:,} co-buy pairs; {self.pairs:,} written",
        ]

    @property
    def evidence(self) -> str:
        """What the logs are learned from, and what they lack, in one line."""
        kinds = ", ".join(f"{kind} counts {weight:.2g}" for kind, weight in self.weights.items())
        lacking = f"; the logs have no {', no '.join(self.lacking)}" if self.lacking else ""
        return (kinds or "no action after a search") + lacking


@dataclass(frozen=True, slots=True)
class _Shop:
    """The logs and the catalog of one run, each kept where it is read more than once."""

    events: Table
    queries: Table
    stream: Table
    types: Table  # product_id, product_type, where there is one
    levels: Table
    products: Table  # product_id, product_type, root


@dataclass(frozen=True, slots=True)
class _Searched:
    """What searches led to."""

    weights: dict[str, float]  # units of evidence by kind of action
    pairs: Table  # see `search_pairs`
    shown: Table  # see `impressions`


def mine_pairs(events_folder: Path, products: Path, target: Path, config: PairConfig | None = None) -> PairReport:
    """Mine the search-buy and co-buy pairs of a shop's logs.

    events_folder: `events.parquet` (`EVENT_SCHEMA`) and `queries.parquet` (`QUERY_SCHEMA`). products: a file of
    `PRODUCT_SCHEMA`. Writes `pairs.parquet` (`PAIR_SCHEMA`, ordered by kind, left, right) and `query_stats.parquet`
    (`QUERY_STATS_SCHEMA`, ordered by query) into `target`; the same logs and config give the same rows.

    Evidence of a pair: see `signals`. Weights: of a search-buy pair `log(1 + evidence) * max(1 - specificity, 0.05)`,
    so that broad queries come first (idea of COSMO, SIGMOD 2024; the formula is our design); of a co-buy pair
    `log(1 + sessions) * lift / (1 + lift)` with the lift of its two types, 1 where they are unknown (our design).

    Raises:
        InputError: a file is missing.
        ConfigError: the engine refuses a setting.
        MissingExtraError: the engine is not installed.
    """
    config = config or PairConfig()
    for path in (events_folder / EVENTS.file, events_folder / QUERIES.file, products):
        if not path.is_file():
            raise InputError(f"Pairs are mined from {path}, which does not exist. Read the catalog and logs first.")
    target.mkdir(parents=True, exist_ok=True)
    spill = Path(config.spill_folder) if config.spill_folder else target
    with open_engine(
        config.engine, memory_limit=config.memory_limit, threads=config.threads, spill_folder=spill
    ) as engine:
        return _mine(engine, _open_shop(engine, events_folder, products, config), target, config)


def _open_shop(engine: Engine, events_folder: Path, products: Path, config: PairConfig) -> _Shop:
    events, queries = engine.read(events_folder / EVENTS.file), engine.read(events_folder / QUERIES.file)
    catalog = engine.read(products)
    typed = catalog.select("product_id", product_type=catalog.product_type.nullif(""))
    return _Shop(
        events=events,
        queries=queries,
        stream=engine.keep(activity(events, queries, config), "stream"),
        types=typed.filter(typed.product_type.notnull()),
        levels=engine.keep(category_levels(catalog), "levels"),
        products=catalog.select("product_id", "product_type", root=catalog.category[0]),
    )


def _mine(engine: Engine, shop: _Shop, target: Path, config: PairConfig) -> PairReport:
    searched = _searched(engine, shop, config)
    facts = _facts(shop, searched)
    stats = query_stats(shop.queries, searched.pairs, shop.types, prior=config.specificity_prior)
    queries = engine.write(stats.order_by("query"), target / QUERY_STATS_FILE, QUERY_STATS_SCHEMA)
    bought, search_steps = _prune_search_buy(engine, shop, searched, facts, config)
    together, basket_steps = _prune_co_buy(engine, shop, facts, config)
    specificity = engine.read(target / QUERY_STATS_FILE).select("query", "specificity")
    pairs = ibis.union(
        _as_pairs(_weigh_search_buy(bought, specificity), Behavior.SEARCH_BUY), _as_pairs(together, Behavior.CO_BUY)
    )
    if config.sample is not None:
        pairs = sample_pairs(engine.keep(pairs, "unsampled"), shop.products, size=config.sample, seed=config.seed)
    written = engine.write(pairs.order_by(["kind", "left", "right"]), target / PAIRS.file, PAIR_SCHEMA)
    return PairReport(
        events=_count(shop.events),
        searches=_count(shop.queries),
        sessions=_sessions_with(shop.stream, facts.basket_action),
        search_buy=search_steps[-1].left,
        co_buy=basket_steps[-1].left,
        pairs=written,
        queries=queries,
        weights=searched.weights,
        lacking=_lacking(shop, facts),
        steps=(*search_steps, *basket_steps),
    )


def _searched(engine: Engine, shop: _Shop, config: PairConfig) -> _Searched:
    acts = engine.keep(credited_actions(shop.events, shop.queries, shop.stream, config), "actions")
    counts = acts.group_by("action").agg(count=acts.count()).to_pyarrow().to_pylist()
    weights = unit_weights({row["action"]: row["count"] for row in counts})
    ranks = _rank_weights(engine, shop, acts)
    weighed = with_evidence(acts, weights, ranks, log_time(acts.seconds, config.late_share), config)
    pairs = engine.keep(search_pairs(weighed), "searched")
    has_hits = _count(shop.queries.filter(shop.queries.hits.length() > 0).limit(1)) > 0
    of_pairs = pairs.select(query=pairs.left, product_id=pairs.right)
    shown = impressions(shop.events, shop.queries.semi_join(of_pairs, "query"), from_hits=has_hits)
    return _Searched(weights, pairs, engine.keep(shown.semi_join(of_pairs, "query"), "shown"))


def _rank_weights(engine: Engine, shop: _Shop, acts: Table) -> dict[int, float]:
    placed = acts.filter(acts.position.notnull())
    by_rank = placed.group_by("position").agg(clicks=placed.count()).to_pyarrow().to_pylist()
    if not by_rank:
        return {}
    propensities = rank_propensities(engine.keep(shown_at(shop.queries), "ranks"), placed)
    return rank_weights({row["position"]: row["clicks"] for row in by_rank}, propensities)


def _count(table: Table) -> int:
    return int(table.count().to_pyarrow().as_py())


def _lacking(shop: _Shop, facts: ShopFacts) -> tuple[str, ...]:
    """What could be learned from and is not logged."""
    kinds = shop.events.group_by("action").agg(rows=shop.events.count()).to_pyarrow()["action"].to_pylist()
    present = {
        "purchases": Action.PURCHASE in kinds,
        "carts": Action.ADD_TO_CART in kinds,
        "clicks": Action.CLICK in kinds,
        "impressions": facts.impressions > 0,
        "searches": _count(shop.queries.limit(1)) > 0,
    }
    return tuple(name for name, there in present.items() if not there)


def _sessions_with(stream: Table, action: Action) -> int:
    return int(stream.filter(stream.action == action.value).session.nunique().to_pyarrow().as_py())


def _facts(shop: _Shop, searched: _Searched) -> ShopFacts:
    depth = shop.levels.depth.max().to_pyarrow().as_py()
    types = shop.types.product_type.nunique().to_pyarrow().as_py()
    totals = searched.pairs.aggregate(clicks=searched.pairs.clicks.sum(), purchases=searched.pairs.purchases.sum())
    row = totals.to_pyarrow().to_pylist()[0]
    bought = _count(shop.stream.filter(shop.stream.action == Action.PURCHASE.value).limit(1))
    return ShopFacts(
        types,
        depth or 0,
        _count(searched.shown),
        row["clicks"] or 0,
        row["purchases"] or 0,
        Action.PURCHASE if bought else Action.ADD_TO_CART,
    )


def _prune_search_buy(
    engine: Engine, shop: _Shop, searched: _Searched, facts: ShopFacts, config: PairConfig
) -> tuple[Table, tuple[StepReport, ...]]:
    pairs = with_impressions(searched.pairs, searched.shown)
    pairs = with_type_share(pairs, searched.shown, shop.types)
    steps = search_buy_steps(facts, config)
    judged = engine.keep(judge(pairs, steps), "search_buy")
    return judged.filter(judged.taken_by == len(steps)), report_steps(judged, steps, Behavior.SEARCH_BUY)


def _prune_co_buy(
    engine: Engine, shop: _Shop, facts: ShopFacts, config: PairConfig
) -> tuple[Table, tuple[StepReport, ...]]:
    content = baskets(shop.stream, facts.basket_action, max_basket=config.max_basket, seed=config.seed)
    content = engine.keep(content, "baskets")
    raw = engine.keep(co_buy(content), "together")
    steps = co_buy_steps(facts, config, pairs=_count(raw))
    judged = with_category_distance(with_partner_facts(raw, shop.types), shop.levels)
    judged = engine.keep(judge(judged, steps), "co_buy")
    reports = report_steps(judged, steps, Behavior.CO_BUY)
    kept = judged.filter(judged.taken_by == len(steps))
    lift = kept.type_lift.fill_null(1.0)
    sessions = kept.sessions.cast("float64")
    taken = {name: kept.sessions if kind is facts.basket_action else _ZERO for name, kind in ACTION_COUNTS.items()}
    weight = (1 + sessions).ln() * lift / (1 + lift)
    evidence = dict.fromkeys(("evidence", "recent", "earlier"), sessions)
    together = kept.mutate(**taken, impressions=_ZERO, **evidence, late=0.0, weight=weight)
    return together, reports


def _weigh_search_buy(pairs: Table, specificity: Table) -> Table:
    joined = pairs.left_join(specificity, pairs.left == specificity.query)
    breadth = ibis.greatest(1 - joined.specificity, LEAST_BREADTH)
    return joined.mutate(weight=(1 + joined.evidence).ln() * breadth)


def _as_pairs(pairs: Table, kind: Behavior) -> Table:
    name = ibis.literal(kind.value)
    rounded = {column: pairs[column].round(DECIMALS) for column in ("evidence", "recent", "earlier", "late", "weight")}
    keyed = pairs.mutate(kind=name, pair_id=stable_hash(name, pairs.left, pairs.right), **rounded)
    return keyed.select(PAIR_SCHEMA.names)
