"""Chooses the texts that completion may suggest: frequent queries that find something, and phrases of the catalog.

A query is suggested when it was searched for often enough, by enough different shoppers, and the shop has a product for
it. What stands in the catalog word for word is no secret, and needs fewer shoppers. Phrases of the catalog that nobody
searched for follow, with weights below those of all queries (our design).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, compress

import pyarrow as pa
import pyarrow.compute as pc

from whybuy.behavior.engine import EngineName
from whybuy.completion.folding import fold, join_spellings, word_key, word_key_hash
from whybuy.completion.intent_columns import intent_columns
from whybuy.completion.limits import LONGEST, MIN_SEARCHES, MIN_SHOPPERS, Thresholds
from whybuy.completion.public_texts import standing_in
from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.records import VOCABULARY_SCHEMA, CompletionSource, Intent

MAX_ABBREVIATION = 3  # letters; so short a word may be a unit or an abbreviation, and is never taken for a misspelling
SPELLING_RATIO = 3.0  # of the weight of the right spelling to that of a misspelling

_Entries = dict[str, tuple[str, float]]  # text and weight by folded text


@dataclass(frozen=True, slots=True)
class VocabularyConfig:
    """Which queries may be suggested, and how logs are read for it: the table `[vocabulary]` (our design)."""

    least_asked: int = MIN_SEARCHES  # searches for its words, in whatever order and inflection
    least_shoppers: int = MIN_SHOPPERS  # different ones who made those, for privacy
    least_shoppers_in_catalog: int = 1  # of a query that stands in the catalog or in a suggestion word for word
    half_life_days: float = 90.0  # after which a search counts half
    trend_days: float = 3.0  # after which it counts half for what is asked of late; 0: without trends
    gap_minutes: int = 30  # a longer pause ends a session
    typing_seconds: int = 5  # a query that the next one continues so soon was not finished
    least_products: int = 2  # of a type with a brand or an attribute value, so that the two are suggested
    engine: EngineName = "duckdb"
    memory_limit: str = field(default="4GB", metadata=HOW_ONLY)
    threads: int = field(default=0, metadata=HOW_ONLY)  # 0: all cores

    def thresholds(self, language: str) -> Thresholds:
        """What a query has to meet in a shop of this language."""
        return Thresholds(self.least_asked, self.least_shoppers, language)


VOCABULARY_CONFIG = ConfigTable("vocabulary", VocabularyConfig)


@dataclass(frozen=True, slots=True)
class ShopLookups:
    """Facts about a text that other parts of a shop provide to the vocabulary."""

    has_results: Callable[[str], bool]  # whether search finds a product for it
    corrected: Callable[[str], str] = lambda text: text  # with the spelling of the catalog
    intent: Callable[[str], Intent | None] = lambda text: None  # that it names
    category: Callable[[str], str | None] = lambda text: None  # of most purchases after it
    titles: Sequence[str] = ()  # of all products

    def spelling_check(self, language: str) -> Callable[[str], bool]:
        """A test whether a folded word is spelled as in the catalog, inflections and abbreviations aside."""

        @cache
        def is_right(word: str) -> bool:
            known = fold(self.corrected(word))
            other = known != word and len(word) > MAX_ABBREVIATION and abs(len(known) - len(word)) <= 1
            return not other or word_key(known, language) == word_key(word, language)

        return is_right


@dataclass(frozen=True, slots=True)
class VocabularyReport:
    """What became of the different queries of the logs."""

    queries: int  # different ones
    rare: int  # below `least_asked` or `least_shoppers`, and not in the catalog
    without_results: int
    misspelled: int  # counted for the right spelling
    suggested: int  # kept, spellings that fold to one joined
    from_catalog: int  # phrases of the catalog or the graph that are suggested too


def choose_vocabulary(
    counts: pa.Table, phrases: Mapping[str, float], shop: ShopLookups, config: VocabularyConfig, language: str
) -> tuple[pa.Table, VocabularyReport]:
    """The vocabulary of a shop (VOCABULARY_SCHEMA, by rising key), and what was left out.

    counts: of queries, QUERY_COUNT_SCHEMA. phrases: of the catalog, with the number of products that each names.
    """
    kept = _suggestible(counts.filter(pc.less_equal(pc.utf8_length(counts["query"]), LONGEST)), phrases, shop, config)
    texts = kept["query"].to_pylist()
    answered = [shop.has_results(text) for text in texts]
    spelled = join_spellings(compress(zip(texts, kept["weight"].to_pylist(), strict=True), answered))
    queries = _without_misspelled(spelled, shop.corrected, language)
    short_phrases = ((text, weight) for text, weight in phrases.items() if len(text) <= LONGEST)
    others = {key: entry for key, entry in join_spellings(short_phrases).items() if key not in queries}
    table = _vocabulary_table(queries, _below(others, queries), shop, language)
    return table, VocabularyReport(
        queries=counts.num_rows,
        rare=counts.num_rows - len(texts),
        without_results=len(texts) - sum(answered),
        misspelled=len(spelled) - len(queries),
        suggested=len(queries),
        from_catalog=len(others),
    )


def _suggestible(counts: pa.Table, phrases: Iterable[str], shop: ShopLookups, config: VocabularyConfig) -> pa.Table:
    """The counts of the queries of enough searches and shoppers, and of those that stand in these or in the catalog."""
    shoppers = counts["key_shoppers"]
    often = pc.and_(
        pc.greater_equal(counts["key_count"], config.least_asked), pc.greater_equal(shoppers, config.least_shoppers)
    )
    others = pc.and_not(pc.greater_equal(shoppers, config.least_shoppers_in_catalog), often)
    public = standing_in(
        counts["query"].filter(others).to_pylist(),
        chain(shop.titles, phrases, counts["query"].filter(often).to_pylist()),
    )
    return counts.filter(pc.or_(often, pc.is_in(counts["query"], pa.array(sorted(public), pa.string()))))


def _vocabulary_table(queries: _Entries, phrases: _Entries, shop: ShopLookups, language: str) -> pa.Table:
    rows = sorted(
        (key, text, weight, source.value)
        for entries, source in ((queries, CompletionSource.QUERY_LOG), (phrases, CompletionSource.CATALOG))
        for key, (text, weight) in entries.items()
    )
    keys, texts, weights, sources = [list(column) for column in zip(*rows, strict=True)] or [[]] * 4
    word_keys = [word_key_hash(word_key(key, language)) for key in keys]
    categories = [shop.category(text) for text in texts]
    intents = intent_columns(texts, shop.intent).values()
    return pa.table([keys, texts, weights, sources, word_keys, *intents, categories], schema=VOCABULARY_SCHEMA)


def _without_misspelled(entries: _Entries, corrected: Callable[[str], str], language: str) -> _Entries:
    """The same without misspellings, whose weights are added to those of the right spellings.

    A text is a misspelling when the catalog spells it otherwise and that spelling weighs `SPELLING_RATIO` times more.
    """
    kept = dict(entries)
    for key in entries:
        text, weight = kept[key]
        right = fold(corrected(text))
        known = kept.get(right)
        if (
            known
            and known[1] >= SPELLING_RATIO * weight
            and len(right.split()) == len(key.split())
            and word_key(right, language) != word_key(key, language)
        ):
            del kept[key]
            kept[right] = known[0], known[1] + weight
    return kept


def _below(phrases: _Entries, queries: _Entries) -> _Entries:
    """The same phrases with weights scaled to at most half the least weight of a query."""
    least = min((weight for _, weight in queries.values()), default=1.0)
    most = max((weight for _, weight in phrases.values()), default=1.0)
    return {key: (text, least * 0.5 * weight / most) for key, (text, weight) in phrases.items()}
