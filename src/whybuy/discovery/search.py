"""Products that answer a query, each with its scores by stage, its matching words and its reasons."""

import time
import uuid
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whybuy.discovery.intents import IntentLookup
from whybuy.discovery.products import ProductLookup
from whybuy.discovery.texts import checked
from whybuy.records import Answer, Hit, Intent, Query, Reason, Sort
from whybuy.retrieval.facets import Facets
from whybuy.retrieval.finder import SearchResult
from whybuy.shop import SEARCH_CONFIG, Shop

REASONS_SHOWN = 4  # of a hit


class ProductSearch:
    """Searches one shop; safe for many threads."""

    def __init__(self, shop: Shop, products: ProductLookup, intents: IntentLookup) -> None:
        self._depth = shop.settings.one(SEARCH_CONFIG).depth
        self._products, self._intents = products, intents
        self._catalog, self._lexical, self._tree = shop.catalog, shop.lexical, shop.tree
        self._titles = shop.catalog.table.column("title")
        self._finder = shop.finder
        self._facets = Facets(shop.catalog.table)

    def search(self, query: Query) -> Answer:
        """A page of hits; filters, facets, order and total are those of every product that the ranker finds.

        Raises:
            InputError: an unknown ranker or filter field, or a query beyond 10,000 characters.
        """
        started = time.perf_counter()
        until = query.offset + query.limit
        plain = not query.filters and query.sort is Sort.RELEVANCE and until <= self._depth
        result = self._find(query.text, query.ranker, self._depth if plain else len(self._catalog))
        ranked = self._facets.select(result.ranked.rows, query.filters)
        page = self._facets.order(ranked, query.sort)[query.offset : until]
        rows = self._finder.every_row(result) if plain else ranked
        hits = self._hits(page, result, explain=query.explain)
        facets = self._facets.count(rows)
        took = (time.perf_counter() - started) * 1000
        return Answer(uuid.uuid4().hex, query.text, len(rows), hits, result.query.intents, facets, round(took, 3))

    def rank(self, text: str, limit: int, ranker: str) -> list[str]:
        """Product ids alone, best first.

        Raises:
            InputError: an unknown ranker, or a query beyond 10,000 characters.
        """
        ranked = self._find(text, ranker, self._depth if limit <= self._depth else len(self._catalog)).ranked
        ids = self._catalog.ids
        return [ids[row] for row in ranked.rows[:limit].tolist()]

    def explain(self, query: str, product_id: str) -> Hit:
        """One product as a hit of a query: scores by stage, matching words, reasons and path through the label tree.

        Raises:
            UnknownProduct: the shop has no such product.
            InputError: a query beyond 10,000 characters.
        """
        row = self._products.row(product_id)
        result = self._find(query, "fused", len(self._catalog))
        return self._hits(np.array([row], np.int32), result, explain=True)[0]

    def _find(self, text: str, ranker: str, depth: int) -> SearchResult:
        intents = self._intents.leading(checked(text)) if ranker in ("intents", "fused") else ()
        return self._finder.find(checked(text), intents, ranker=ranker, depth=depth)

    def _hits(self, rows: NDArray[np.int32], result: SearchResult, *, explain: bool) -> tuple[Hit, ...]:
        totals = result.ranked.scores_of(rows)
        by_stage = [(stage, ranked.scores_of(rows)) for stage, ranked in result.by_stage.items() if ranked]
        matched = self._lexical.matched(result.query.words, rows.tolist())
        paths = (
            self._tree.explain(result.query.text, result.query.vector, rows.tolist()) if explain else [()] * len(rows)
        )
        hits = []
        for at, row in enumerate(rows.tolist()):
            scores = {stage: score for stage, each in by_stage if (score := each[at]) is not None}
            source, score = next(iter(scores), "none"), round(totals[at] or 0.0, 6)
            title, reasons = self._titles[row].as_py(), self._joining(row, result.query.intents)
            hits.append(Hit(self._catalog.ids[row], score, source, title, scores, matched[at], reasons, paths[at]))
        return tuple(hits)

    def _joining(self, row: int, intents: Sequence[Intent]) -> tuple[Reason, ...]:
        """The reasons that join a product to the intents of the query; a product is read only when there are any."""
        if not intents:
            return ()
        return self._products.reasons.joining(self._products.at(row), intents, limit=REASONS_SHOWN)
