"""Builds all parts of a completer from the query log and the catalog of a shop."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from whybuy.completion.completer import Completer
from whybuy.completion.limits import Thresholds
from whybuy.completion.query_log import QueryLog
from whybuy.completion.session_ranker import SessionRanker
from whybuy.completion.session_training import SessionConfig, train_session_ranker
from whybuy.completion.suffix_building import build_suffixes
from whybuy.completion.suffixes import Suffixes
from whybuy.completion.vocabulary import ShopLookups, VocabularyConfig, VocabularyReport, choose_vocabulary


@dataclass(frozen=True, slots=True)
class CompleterParts:
    """What a completer consists of, and what became of the queries of the log."""

    vocabulary: pa.Table  # VOCABULARY_SCHEMA
    ranker: SessionRanker | None  # None: the log has too few follow-ups
    suffixes: Suffixes
    thresholds: Thresholds
    report: VocabularyReport

    def completer(self) -> Completer:
        """The completer of all parts."""
        return Completer.build(self.vocabulary, self.ranker, suffixes=self.suffixes, thresholds=self.thresholds)


def build_parts(
    log: QueryLog,
    phrases: Mapping[str, float],
    shop: ShopLookups,
    config: VocabularyConfig,
    session: SessionConfig,
    *,
    language: str,
) -> CompleterParts:
    """Choose the vocabulary, train the session ranker and index the suffixes.

    phrases: of the catalog, with the number of products that each names.
    """
    vocabulary, report = choose_vocabulary(log.counts, phrases, shop, config, language)
    ranker = train_session_ranker(vocabulary, log.follow_ups, session, half_life_days=config.half_life_days)
    is_right = shop.spelling_check(language)
    suffixes = build_suffixes(log, language=language, intent=shop.intent, is_right=is_right)
    return CompleterParts(vocabulary, ranker, suffixes, config.thresholds(language), report)
