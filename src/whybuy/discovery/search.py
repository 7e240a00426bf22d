"""Products that answer a query, each with its scores by stage, its matching words and its reasons."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whybuy.discovery.intents import IntentLookup
from whybuy.discovery.products import ProductLookup
from whybuy.discovery.texts import checked
from whybuy.intents.sensitive import SensitiveIntents
from whybuy.records import Answer, Hit, Intent, Query, Reason, Sort
from whybuy.retrieval.answering import Answering
from whybuy.retrieval.facets import Facets
from whybuy.retrieval.finder import SearchResult
from whybuy.retrieval.rankers import FUSED
from whybuy.shop import SEARCH_CONFIG, Shop

REASONS_SHOWN = 4  # of a hit


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What a ranker found for a query, and which of it answers."""

    result: SearchResult
    rows: NDArray[np.int32]  # in the order of a page: those that answer first
    every: NDArray[np.int32]  # all that was found, those that were not ranked included, in no order
    answering: NDArray[np.bool_]  # shape (products,)


class ProductSearch:
    """Searches one shop; safe for many threads."""

    def __init__(self, shop: Shop, products: ProductLookup, intents: IntentLookup) -> None:
        self._depth = shop.settings.one(SEARCH_CONFIG).depth
        self._products, self._intents = products, intents
        config = shop.settings.one(SEARCH_CONFIG).intents
        self._sensitive = SensitiveIntents.of(shop.language, config.also_sensitive, config.never_sensitive)
        self._catalog, self._lexical, self._tree = shop.catalog, shop.lexical, shop.tree
        self._titles = shop.catalog.table.column("title")
        self._finder = shop.finder
        self._facets = Facets(shop.catalog.table)
        self._answering = Answering(shop.lexical, shop.catalog.types(), shop.catalog.type_numbers())

    def search(self, query: Query) -> Answer:
        """A page of hits: those that answer first, then those that are near.

        Filters and orders are of every product that the ranker finds; the total is of those that answer, and so are
        the facets where any does. A ranker by itself tells neither apart: all that it finds answers.

        Raises:
            InputError: an unknown ranker or filter field, or a query beyond 10,000 characters.
        """
        started = time.perf_counter()
        until = query.offset + query.limit
        plain = not query.filters and query.sort is Sort.RELEVANCE
        found = self._find(query.text, query.ranker, until if plain else None)
        selected = self._facets.select(found.every, query.filters)
        answers = found.answering[selected]
        if plain:
            ordered = found.rows
        else:
            parts = selected[answers], selected[~answers]
            ordered = np.concatenate([self._facets.order(part, query.sort) for part in parts])
        hits = self._hits(ordered[query.offset : until], found, explain=query.explain)
        total = int(np.count_nonzero(answers))
        facets = self._facets.count(selected[answers] if total else selected)
        took = (time.perf_counter() - started) * 1000
        intents, related = self._shown(found.result), len(selected) - total
        return Answer(uuid.uuid4().hex, query.text, total, hits, intents, facets, round(took, 3), related)

    def rank(self, text: str, limit: int, ranker: str) -> list[str]:
        """Product ids alone, best first.

        Raises:
            InputError: an unknown ranker, or a query beyond 10,000 characters.
        """
        ids = self._catalog.ids
        return [ids[row] for row in self._find(text, ranker, limit).rows[:limit].tolist()]

    def explain(self, query: str, product_id: str) -> Hit:
        """One product as a hit of a query: scores by stage, matching words, reasons and path through the label tree.

        Raises:
            UnknownProduct: the shop has no such product.
            InputError: a query beyond 10,000 characters.
        """
        row = self._products.row(product_id)
        found = self._find(query, FUSED, None)
        return self._hits(np.array([row], np.int32), found, explain=True)[0]

    def _find(self, text: str, ranker: str, until: int | None) -> "_Found":
        """until: how many products are looked at, None for all."""
        whole = until is None or until > self._depth
        depth = len(self._catalog) if whole else self._depth
        intents = self._intents.leading(checked(text)) if ranker in ("intents", FUSED) else ()
        result = self._finder.find(checked(text), intents, ranker=ranker, depth=depth)
        answering = self._answer(result) if ranker == FUSED else np.ones(len(self._catalog), np.bool_)
        first = answering[result.ranked.rows]
        rows = np.concatenate([result.ranked.rows[first], result.ranked.rows[~first]])
        if until is None or whole:
            return _Found(result, rows, rows, answering)
        every = self._finder.every_row(result)
        if until > np.count_nonzero(first) < np.count_nonzero(answering[every]):
            return self._find(text, ranker, None)  # others that answer stand deeper
        return _Found(result, rows, every, answering)

    def _answer(self, result: SearchResult) -> NDArray[np.bool_]:
        trained = result.ranked.first(self._depth) if self._finder.indexes.reranker else None
        return self._answering.answers(result.query, result.rankings["intents"], trained)

    def _hits(self, rows: NDArray[np.int32], found: "_Found", *, explain: bool) -> tuple[Hit, ...]:
        result = found.result
        totals = result.ranked.scores_of(rows)
        by_stage = [(stage, ranked.scores_of(rows)) for stage, ranked in result.by_stage.items() if ranked]
        matched = self._lexical.matched(result.query.words, rows.tolist())
        paths = (
            self._tree.explain(result.query.text, result.query.vector, rows.tolist()) if explain else [()] * len(rows)
        )
        hits, shown = [], self._shown(result)
        for at, row in enumerate(rows.tolist()):
            scores = {stage: score for stage, each in by_stage if (score := each[at]) is not None}
            source, score = next(iter(scores), "none"), round(totals[at] or 0.0, 6)
            title, reasons = self._titles[row].as_py(), self._joining(row, shown)
            product_id, answers = self._catalog.ids[row], bool(found.answering[row])
            hits.append(Hit(product_id, score, source, title, scores, matched[at], reasons, paths[at], answers))
        return tuple(hits)

    def _shown(self, result: SearchResult) -> tuple[Intent, ...]:
        """The intents that the shopper may be told of; the others helped to find."""
        query = result.query
        return tuple(one for one in query.intents if self._sensitive.may_be_shown(query.text, one))

    def _joining(self, row: int, intents: Sequence[Intent]) -> tuple[Reason, ...]:
        """The reasons that join a product to the intents of the query; a product is read only when there are any."""
        if not intents:
            return ()
        return self._products.reasons.joining(self._products.at(row), intents, limit=REASONS_SHOWN)
