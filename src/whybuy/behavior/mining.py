"""Behavior pairs out of a folder of logs: sessions, pairs, pruning, specificity, sampling, one after the other."""

from dataclasses import dataclass, field
from pathlib import Path

import ibis
from ibis.expr.types import FloatingValue, Table

from whybuy.behavior.engine import Engine, EngineName, open_engine
from whybuy.behavior.pairs import (
    AttributionConfig,
    activity,
    baskets,
    co_buy,
    impressions,
    search_buy,
    searched_clicks,
    searched_purchases,
    stable_hash,
)
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
from whybuy.behavior.specificity import DECIMALS, QUERY_STATS_SCHEMA, query_stats
from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.errors import InputError
from whybuy.records import EVENTS, PAIR_SCHEMA, PAIRS, QUERIES, Action, Behavior

LEAST_BREADTH = 0.05  # of the most specific query, so that every pair can be drawn
QUERY_STATS_FILE = "query_stats.parquet"


@dataclass(frozen=True)
class PairConfig(AttributionConfig, PruningConfig):
    """How behavior pairs are mined: attribution, pruning, and the settings here."""

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
    sessions: int  # in which something was bought
    search_buy: int  # pairs kept, before sampling
    co_buy: int
    pairs: int  # written
    queries: int  # different ones
    steps: tuple[StepReport, ...]

    def lines(self) -> list[str]:
        """The report for a person."""
        return [
            f"{self.events:,} events, {self.searches:,} searches ({self.queries:,} different), "
            f"{self.sessions:,} sessions that bought",
            *(str(step) for step in self.steps),
            f"{self.search_buy:,} search-buy and {self.co_buy:,} co-buy pairs; {self.pairs:,} written",
        ]


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
    """Counts by query and product."""

    purchases: Table
    clicks: Table
    shown: Table


def mine_pairs(events_folder: Path, products: Path, target: Path, config: PairConfig | None = None) -> PairReport:
    """Mine the search-buy and co-buy pairs of a shop's logs.

    events_folder: `events.parquet` (`EVENT_SCHEMA`) and `queries.parquet` (`QUERY_SCHEMA`). products: a file of
    `PRODUCT_SCHEMA`. Writes `pairs.parquet` (`PAIR_SCHEMA`, ordered by kind, left, right) and `query_stats.parquet`
    (`QUERY_STATS_SCHEMA`, ordered by query) into `target`; the same logs and config give the same rows.

    Weights: of a search-buy pair `(log(1 + purchases) + log(1 + clicks) / 4) * max(1 - specificity, 0.05)`, so that
    broad queries come first (idea of COSMO, SIGMOD 2024; the formula is our design); of a co-buy pair
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
    searched = _count_searched(engine, shop, config)
    facts = _facts(shop, searched)
    stats = query_stats(shop.queries, searched.purchases, searched.clicks, shop.types, prior=config.specificity_prior)
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
    bought_in = shop.stream.filter(shop.stream.action == Action.PURCHASE.value).session.nunique()
    return PairReport(
        events=_count(shop.events),
        searches=_count(shop.queries),
        sessions=bought_in.to_pyarrow().as_py(),
        search_buy=search_steps[-1].left,
        co_buy=basket_steps[-1].left,
        pairs=written,
        queries=queries,
        steps=(*search_steps, *basket_steps),
    )


def _count_searched(engine: Engine, shop: _Shop, config: PairConfig) -> _Searched:
    purchases = engine.keep(searched_purchases(shop.stream, shop.queries, config), "purchases")
    clicks = engine.keep(searched_clicks(shop.events, shop.queries, shop.stream, config), "clicks")
    has_hits = _count(shop.queries.filter(shop.queries.hits.length() > 0).limit(1)) > 0
    bought_from = shop.queries.semi_join(purchases, "query")
    shown = impressions(shop.events, bought_from, from_hits=has_hits).semi_join(purchases, "query")
    return _Searched(purchases, clicks, engine.keep(shown, "shown"))


def _count(table: Table) -> int:
    return int(table.count().to_pyarrow().as_py())


def _facts(shop: _Shop, searched: _Searched) -> ShopFacts:
    depth = shop.levels.depth.max().to_pyarrow().as_py()
    types = shop.types.product_type.nunique().to_pyarrow().as_py()
    return ShopFacts(types, depth or 0, _count(searched.shown), _count(searched.clicks))


def _prune_search_buy(
    engine: Engine, shop: _Shop, searched: _Searched, facts: ShopFacts, config: PairConfig
) -> tuple[Table, tuple[StepReport, ...]]:
    pairs = search_buy(searched.purchases, searched.clicks, searched.shown)
    pairs = with_type_share(pairs, searched.clicks, searched.shown, shop.types)
    steps = search_buy_steps(facts, config)
    judged = engine.keep(judge(pairs, steps), "search_buy")
    return judged.filter(judged.taken_by == len(steps)), report_steps(judged, steps, Behavior.SEARCH_BUY)


def _prune_co_buy(
    engine: Engine, shop: _Shop, facts: ShopFacts, config: PairConfig
) -> tuple[Table, tuple[StepReport, ...]]:
    content = engine.keep(baskets(shop.stream, max_basket=config.max_basket, seed=config.seed), "baskets")
    raw = engine.keep(co_buy(content), "together")
    steps = co_buy_steps(facts, config, pairs=_count(raw))
    judged = with_category_distance(with_partner_facts(raw, shop.types), shop.levels)
    judged = engine.keep(judge(judged, steps), "co_buy")
    reports = report_steps(judged, steps, Behavior.CO_BUY)
    kept = judged.filter(judged.taken_by == len(steps))
    lift = kept.type_lift.fill_null(1.0)
    zero = ibis.literal(0, "int64")
    weight = (1 + kept.sessions.cast("float64")).ln() * lift / (1 + lift)
    return kept.mutate(purchases=kept.sessions, clicks=zero, impressions=zero, weight=weight), reports


def _weigh_search_buy(pairs: Table, specificity: Table) -> Table:
    joined = pairs.left_join(specificity, pairs.left == specificity.query)
    breadth = ibis.greatest(1 - joined.specificity, LEAST_BREADTH)
    evidence: FloatingValue = _log1p(joined, "purchases") + _log1p(joined, "clicks") / 4
    return joined.mutate(weight=evidence * breadth)


def _log1p(table: Table, column: str) -> FloatingValue:
    return (1 + table[column].cast("float64")).ln()


def _as_pairs(pairs: Table, kind: Behavior) -> Table:
    name = ibis.literal(kind.value)
    keyed = pairs.mutate(
        kind=name, pair_id=stable_hash(name, pairs.left, pairs.right), weight=pairs.weight.round(DECIMALS)
    )
    return keyed.select(PAIR_SCHEMA.names)
