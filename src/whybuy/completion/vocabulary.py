"""Which queries may be suggested: asked often, by several shoppers, answered; below these, names of the catalog."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from whybuy.behavior.engine import EngineName, open_engine
from whybuy.behavior.mining import QUERIES_FILE
from whybuy.completion.asked import ASKED_SCHEMA, count_asked
from whybuy.completion.folding import fold
from whybuy.records import Suggested
from whybuy.text import normalize

LONGEST = 100  # letters; what is longer was pasted
VOCABULARY_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),  # folded; rising, all different
        pa.field("text", pa.string(), nullable=False),  # as most shoppers write it
        pa.field("weight", pa.float32(), nullable=False),
        pa.field("source", pa.string(), nullable=False),  # of `Suggested`
    ]
)


@dataclass(frozen=True, slots=True)
class VocabularyConfig:
    """What may be suggested (our design)."""

    least_asked: int = 2
    least_shoppers: int = 3  # privacy: what fewer asked is nobody else's business
    half_life_days: float = 90.0
    gap_minutes: int = 30  # a longer pause ends a session
    typing_seconds: int = 5  # a query that the next one goes on with so soon was not finished
    least_products: int = 2  # of a brand's type, so that the catalog suggests it
    engine: EngineName = "duckdb"
    memory_limit: str = "4GB"
    threads: int = 0  # 0: all cores


@dataclass(frozen=True, slots=True)
class VocabularyReport:
    """What became of the queries of the logs."""

    asked: int  # different ones
    rare: int  # below `least_asked` or `least_shoppers`
    fruitless: int  # find nothing in the shop
    suggested: int  # kept, variants of one spelling joined
    named: int  # from the catalog


def read_asked(events: Path, spill: Path, config: VocabularyConfig) -> pa.Table:
    """ASKED_SCHEMA out of a folder of logs, by rising query."""
    with open_engine(
        config.engine, memory_limit=config.memory_limit, threads=config.threads, spill_folder=spill
    ) as engine:
        asked = count_asked(
            engine.read(events / QUERIES_FILE),
            gap_minutes=config.gap_minutes,
            typing_seconds=config.typing_seconds,
            half_life_days=config.half_life_days,
        )
        return asked.order_by("query").to_pyarrow().select(ASKED_SCHEMA.names).cast(ASKED_SCHEMA)


def choose_vocabulary(
    asked: pa.Table, products: pa.Table, finds: Callable[[str], bool], config: VocabularyConfig
) -> tuple[pa.Table, VocabularyReport]:
    """VOCABULARY_SCHEMA: what shoppers ask, and below all of that what the catalog names.

    asked: ASKED_SCHEMA. products: PRODUCT_SCHEMA. finds: whether the shop has anything for a query.
    """
    often = pc.and_(
        pc.greater_equal(asked["asked"], config.least_asked), pc.greater_equal(asked["shoppers"], config.least_shoppers)
    )
    short = pc.less_equal(pc.utf8_length(asked["query"]), LONGEST)
    usual = asked.filter(pc.and_(often, short))
    texts = usual["query"].to_pylist()
    answered = [finds(text) for text in texts]
    heard = _joined(compress(zip(texts, usual["weight"].to_pylist(), strict=True), answered))
    named = {key: entry for key, entry in _named(products, config).items() if key not in heard}
    rows = [
        (key, text, weight, source.value)
        for entries, source in ((heard, Suggested.ASKED), (_below(named, heard), Suggested.CATALOG))
        for key, (text, weight) in entries.items()
    ]
    names = VOCABULARY_SCHEMA.names
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in sorted(rows)], VOCABULARY_SCHEMA)
    fruitless = len(texts) - sum(answered)
    return table, VocabularyReport(asked.num_rows, asked.num_rows - len(texts), fruitless, len(heard), len(named))


Entries = dict[str, tuple[str, float]]  # text and weight by key


def _joined(texts: Iterable[tuple[str, float]]) -> Entries:
    """Texts of one key as one, written as most write it."""
    spellings: dict[str, dict[str, float]] = {}
    for text, weight in texts:
        if key := fold(text):
            spellings.setdefault(key, {}).setdefault(text, 0.0)
            spellings[key][text] += weight
    return {
        key: (max(each, key=lambda text: (each[text], text)), sum(each.values())) for key, each in spellings.items()
    }


def _named(products: pa.Table, config: VocabularyConfig) -> Entries:
    """Product types, and brands with a type of theirs; a weight for each product."""
    typed = products.filter(pc.not_equal(products["product_type"], ""))
    branded = typed.filter(pc.not_equal(typed["brand"], ""))
    types = typed.group_by("product_type").aggregate([([], "count_all")])
    brands = branded.group_by(["brand", "product_type"]).aggregate([([], "count_all")])
    brands = brands.filter(pc.greater_equal(brands["count_all"], config.least_products))
    names = [*types["product_type"].to_pylist()]
    names += pc.binary_join_element_wise(brands["brand"], brands["product_type"], " ").to_pylist()
    counts = [*types["count_all"].to_pylist(), *brands["count_all"].to_pylist()]
    named = zip(map(normalize, names), map(float, counts), strict=True)
    return _joined((text, count) for text, count in named if len(text) <= LONGEST)


def _below(named: Entries, heard: Entries) -> Entries:
    """The same with weights that are all below those of what is asked."""
    least = min((weight for _, weight in heard.values()), default=1.0)
    most = max((weight for _, weight in named.values()), default=1.0)
    return {key: (text, least * 0.5 * weight / most) for key, (text, weight) in named.items()}
