"""The stage that makes completions out of logged queries, the catalog and the graph."""

from dataclasses import asdict
from pathlib import Path

from whybuy.build.stage import Stage, Summary
from whybuy.catalog.shop import SHOP_CONFIG
from whybuy.completion import completer
from whybuy.completion.building import build_parts
from whybuy.completion.catalog_phrases import catalog_phrases, leading_queries, purchased_category
from whybuy.completion.query_log import QueryLog, read_query_log
from whybuy.completion.session_training import SESSION_CONFIG
from whybuy.completion.vocabulary import VOCABULARY_CONFIG, ShopLookups
from whybuy.records import PAIRS
from whybuy.shop import SEARCH_CONFIG, Shop


def _make(shop: Shop, folder: Path) -> Summary:
    config, session = shop.settings.one(VOCABULARY_CONFIG), shop.settings.one(SESSION_CONFIG)
    language, products = shop.language, shop.catalog.table
    logged = shop.has(PAIRS.kind)
    log = read_query_log(shop.folder("events"), folder, config, language=language) if logged else QueryLog.empty()
    phrases = catalog_phrases(products, shop.graph, least_products=config.least_products)
    pairs, finds = shop.table(PAIRS), shop.lexical.finds
    leading = leading_queries(pairs, products)
    category = purchased_category(pairs, products)
    lookups = ShopLookups(
        has_results=lambda text: text in leading or finds(text),
        corrected=shop.lexical.spelled,
        intent=shop.intent_reader.first,
        category=category,
        titles=products["title"].to_pylist(),
    )
    parts = build_parts(log, phrases, lookups, config, session, language=language)
    parts.completer().save(folder)
    weights = parts.ranker.weights if parts.ranker else ()
    return asdict(parts.report) | {"suffixes": len(parts.suffixes), "session weights": weights}


COMPLETIONS = Stage(
    kind="completions",
    version=completer.FORMAT_VERSION,
    make=_make,
    after=("catalog", "graph", "lexical"),
    after_if_there=("events", "pairs"),
    config=(VOCABULARY_CONFIG, SESSION_CONFIG, SHOP_CONFIG.only("language"), SEARCH_CONFIG.only("intents")),
)
