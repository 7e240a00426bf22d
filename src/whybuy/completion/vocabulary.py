"""Which queries may be suggested: asked often, by several shoppers, answered; below these, names of the catalog."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import compress
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from whybuy.behavior.engine import EngineName, open_engine
from whybuy.behavior.mining import QUERIES_FILE
from whybuy.behavior.sessions import epoch_seconds
from whybuy.completion.asked import (
    ASKED_SCHEMA,
    FOLLOW_SCHEMA,
    LINK_SCHEMA,
    PART_SCHEMA,
    Counted,
    count_asked,
    count_parts,
    follow_ups,
    whole_queries,
)
from whybuy.completion.folding import fold, join_spellings, word_key, word_key_hash
from whybuy.completion.intent_columns import intent_columns
from whybuy.completion.limits import LONGEST, Thresholds
from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.records import VOCABULARY_SCHEMA, Intent, Suggested

SHORTEST_NAME = 3  # letters; a word of so many may be anything
RIGHT_OFTENER = 3.0  # times that the right spelling is asked for each time that the wrong one is


@dataclass(frozen=True, slots=True)
class VocabularyConfig:
    """What may be suggested (our design)."""

    least_asked: int = 2  # times its words, in whatever order and inflection
    least_shoppers: int = 3  # privacy: words that fewer asked are nobody else's business
    half_life_days: float = 90.0
    gap_minutes: int = 30  # a longer pause ends a session
    typing_seconds: int = 5  # a query that the next one goes on with so soon was not finished
    least_products: int = 2  # of a type with a brand or an attribute value, so that the two are suggested
    engine: EngineName = "duckdb"
    memory_limit: str = field(default="4GB", metadata=HOW_ONLY)
    threads: int = field(default=0, metadata=HOW_ONLY)  # 0: all cores

    def thresholds(self, language: str) -> Thresholds:
        """What a query has to meet in a shop of this language."""
        return Thresholds(self.least_asked, self.least_shoppers, language)


VOCABULARY_CONFIG = ConfigTable("vocabulary", VocabularyConfig)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a shop knows of a text that it may suggest."""

    finds: Callable[[str], bool]  # whether it has any product for it
    corrected: Callable[[str], str] = lambda text: text  # as the shop spells it
    intent: Callable[[str], Intent | None] = lambda text: None
    category: Callable[[str], str | None] = lambda text: None

    def spells(self, language: str) -> Callable[[str], bool]:
        """Whether a word is spelled as the shop does, but for its inflection and for short names of units."""

        @cache
        def spells(word: str) -> bool:
            known = fold(self.corrected(word))
            other = known != word and len(word) > SHORTEST_NAME and abs(len(known) - len(word)) <= 1
            return not other or word_key(known, language) == word_key(word, language)

        return spells


@dataclass(frozen=True, slots=True)
class VocabularyReport:
    """What became of the queries of the logs."""

    asked: int  # different ones
    rare: int  # below `least_asked` or `least_shoppers`
    fruitless: int  # find nothing in the shop
    misspelled: int  # joined into what is right
    suggested: int  # kept, variants of one spelling joined
    named: int  # by the catalog or the graph


def read_asked(
    events: Path, spill: Path, config: VocabularyConfig, *, language: str, before: int | None = None
) -> Counted:
    """What a folder of logs tells.

    before: seconds since 1970; later queries are neither counted nor followed.
    """
    with open_engine(
        config.engine, memory_limit=config.memory_limit, threads=config.threads, spill_folder=spill
    ) as engine:
        queries = engine.read(events / QUERIES_FILE)
        early = queries if before is None else queries.filter(epoch_seconds(queries) < before)
        whole = whole_queries(early, gap_minutes=config.gap_minutes, typing_seconds=config.typing_seconds)
        whole = engine.keep(whole.select("query", "query_id", "session", "seconds", "asker", "age"), "whole")
        texts = whole.select("query").distinct().to_pyarrow()["query"].to_pylist()
        meant = [word_key(text, language) for text in texts]
        word_keys = pa.table({"query": pa.array(texts, pa.string()), "word_key": pa.array(meant, pa.string())})
        asked = count_asked(whole, ibis.memtable(word_keys), half_life_days=config.half_life_days).order_by("query")
        follow = follow_ups(whole).order_by(["seconds", "session", "query"])
        parts = count_parts(whole, config.least_shoppers)
        tables = zip(
            (asked, follow, *parts), (ASKED_SCHEMA, FOLLOW_SCHEMA, PART_SCHEMA, PART_SCHEMA, LINK_SCHEMA), strict=True
        )
        return Counted(*(table.to_pyarrow().cast(schema) for table, schema in tables))


def choose_vocabulary(
    asked: pa.Table, named: Mapping[str, float], shop: Knowledge, config: VocabularyConfig, language: str
) -> tuple[pa.Table, VocabularyReport]:
    """VOCABULARY_SCHEMA: what shoppers ask, and below all of that what the shop itself names.

    asked: ASKED_SCHEMA. named: weights by text.
    """
    often = pc.and_(
        pc.greater_equal(asked["asked"], config.least_asked), pc.greater_equal(asked["shoppers"], config.least_shoppers)
    )
    short = pc.less_equal(pc.utf8_length(asked["query"]), LONGEST)
    usual = asked.filter(pc.and_(often, short))
    texts = usual["query"].to_pylist()
    answered = [shop.finds(text) for text in texts]
    spelled = join_spellings(compress(zip(texts, usual["weight"].to_pylist(), strict=True), answered))
    heard = _without_misspelled(spelled, shop.corrected, language)
    short_names = ((text, weight) for text, weight in named.items() if len(text) <= LONGEST)
    unheard = {key: entry for key, entry in join_spellings(short_names).items() if key not in heard}
    rows = sorted(
        (key, text, weight, source.value)
        for entries, source in ((heard, Suggested.ASKED), (_below(unheard, heard), Suggested.CATALOG))
        for key, (text, weight) in entries.items()
    )
    keys, written, weights, sources = [list(column) for column in zip(*rows, strict=True)] or [[]] * 4
    word_keys = [word_key_hash(word_key(key, language)) for key in keys]
    categories = [shop.category(text) for text in written]
    intents = intent_columns(written, shop.intent).values()
    table = pa.table([keys, written, weights, sources, word_keys, *intents, categories], schema=VOCABULARY_SCHEMA)
    fruitless = len(texts) - sum(answered)
    misspelled = len(spelled) - len(heard)
    counts = asked.num_rows, asked.num_rows - len(texts), fruitless, misspelled, len(heard), len(unheard)
    return table, VocabularyReport(*counts)


Entries = dict[str, tuple[str, float]]  # text and weight by key


def _without_misspelled(entries: Entries, corrected: Callable[[str], str], language: str) -> Entries:
    """The same, what the shop spells otherwise and others ask much oftener so counted with that."""
    kept = dict(entries)
    for key in entries:
        text, weight = kept[key]
        right = fold(corrected(text))
        usual = kept.get(right)
        if (
            usual
            and usual[1] >= RIGHT_OFTENER * weight
            and len(right.split()) == len(key.split())
            and word_key(right, language) != word_key(key, language)
        ):
            del kept[key]
            kept[right] = usual[0], usual[1] + weight
    return kept


def _below(named: Entries, heard: Entries) -> Entries:
    """The same with weights that are all below those of what is asked."""
    least = min((weight for _, weight in heard.values()), default=1.0)
    most = max((weight for _, weight in named.values()), default=1.0)
    return {key: (text, least * 0.5 * weight / most) for key, (text, weight) in named.items()}
