"""Online composition: a shop's live artifacts, opened to search, explain and look around in."""

import json
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import ARTIFACTS_FOLDER, CURRENT, ArtifactStore, Manifest, file_digest, read_manifest
from whybuy.catalog import catalog
from whybuy.catalog.catalog import Catalog
from whybuy.catalog.shop import SHOP_CONFIG, ShopConfig
from whybuy.completion import completer
from whybuy.completion.completer import COMPLETION_CONFIG, Completer, CompletionConfig
from whybuy.completion.live_queries import LiveQueries, LoggedQuery
from whybuy.config import STORE_FILE, read_settings
from whybuy.errors import ArtifactError, InputError, WhybuyError
from whybuy.graph import KnowledgeGraph, RejectedEdges, files
from whybuy.graph.files import INTENT
from whybuy.intents import IntentReader, ReasonReader, Student, known_first, student
from whybuy.journal import JOURNAL_FILE
from whybuy.journal.judgments import read_rejections
from whybuy.records import (
    Answer,
    Completions,
    Edge,
    Head,
    HeadKind,
    Hit,
    Intent,
    Neighborhood,
    Node,
    Product,
    Query,
    Reason,
    Sort,
)
from whybuy.relations import Relation
from whybuy.retrieval import expansion, lexical, tree
from whybuy.retrieval.expansion import ExpansionIndex
from whybuy.retrieval.facets import Facets
from whybuy.retrieval.finder import Finder, FinderConfig, Found
from whybuy.retrieval.indexes import Indexes
from whybuy.retrieval.lexical import LexicalIndex
from whybuy.retrieval.ranking import reranker
from whybuy.retrieval.ranking.reranker import open_reranker
from whybuy.retrieval.tree import TreeIndex
from whybuy.shop import SEARCH_CONFIG, SearchConfig

FORMATS = {
    "catalog": catalog.FORMAT_VERSION,
    "graph": files.FORMAT_VERSION,
    "student": student.FORMAT_VERSION,
    "lexical": lexical.FORMAT_VERSION,
    "expansion": expansion.FORMAT_VERSION,
    "tree": tree.FORMAT_VERSION,
    "reranker": reranker.FORMAT_VERSION,
    "completions": completer.FORMAT_VERSION,
}
OPTIONAL = {"reranker", "student"}  # made where there is enough to learn from
LONGEST_QUERY = 10_000  # characters
REASONS_SHOWN = 4
INTENTS_SHOWN = 10
LEAST_SURE = 0.1  # guesses below are not told
SEARCHED, LEAST_SURE_TO_SEARCH = 3, 0.5  # of the guesses, how many may lead a search, and how sure they must be


class UnknownProduct(WhybuyError):  # noqa: N818 - reads as what it is: asked for an unknown product
    """The shop has no product of this id."""


class Discovery:
    """One opened shop; safe for many threads."""

    key: str = ""  # what `live_key` said before it was opened

    def __init__(self, store: Path, shop: ShopConfig, config: SearchConfig, completing: CompletionConfig) -> None:
        """Map the live artifacts of a store.

        Raises:
            ArtifactError: there is no finished build, or an artifact is damaged.
        """
        self.name = shop.name
        self._config = config
        folders = ArtifactStore(store / ARTIFACTS_FOLDER).current()
        self._manifests = _manifests(folders)
        self._catalog = Catalog.load(folders["catalog"])
        self._graph = KnowledgeGraph(folders["graph"])
        self._lexical = LexicalIndex.open(folders["lexical"])
        self._rejected = RejectedEdges(self._graph)
        self._reader = IntentReader(self._graph, config.needs, self._rejected)
        self._reasons = ReasonReader(self._graph, self._rejected)
        self._student = Student.open(folders.get("student"), self._graph)
        self._tree = TreeIndex.open(folders["tree"])
        types = self._catalog.column("product_type")
        self._expansion = ExpansionIndex(folders["expansion"], self._graph, types)
        indexes = Indexes(
            lexical=self._lexical,
            expansion=self._expansion,
            types=self._catalog.types(),
            tree=self._tree,
            reranker=open_reranker(folders.get("reranker")),
        )
        self._finder = Finder(indexes, len(self._catalog), FinderConfig(config.depth, config.fusion))
        self._completer = Completer.open(folders["completions"], completing)
        self._live = LiveQueries(self._lexical.finds, self._completer.weight, self._completer.thresholds)
        self._facets = Facets(self._catalog.table)
        self._titles = self._catalog.table.column("title")
        self._product = lru_cache(maxsize=20_000)(self._catalog.at)

    @classmethod
    def open(cls, store: Path) -> "Discovery":
        """The shop in a store folder, as its last finished build left it, without the edges that readers rejected.

        Opened once more when a build is published meanwhile.

        Raises:
            ConfigError: the folder is no shop.
            ArtifactError: there is no finished build, or an artifact is damaged.
            JournalError: the journal in the store cannot be read.
        """
        before = live_key(store)
        try:
            opened = cls._opened(store)
        except (ArtifactError, OSError):
            if (again := live_key(store)) == before:
                raise
            before, opened = again, cls._opened(store)
        opened.key = before
        opened.hide((one.head, one.relation, one.tail) for one in read_rejections(store / JOURNAL_FILE))
        return opened

    @classmethod
    def _opened(cls, store: Path) -> "Discovery":
        settings = read_settings(store)
        return cls(
            store,
            settings.one(SHOP_CONFIG),
            settings.one(SEARCH_CONFIG),
            settings.one(COMPLETION_CONFIG),
        )

    def hide(self, edges: Iterable[tuple[Head, Relation, str]]) -> None:
        """Leave out these edges of the graph and no others, in reasons, needs, neighborhoods and the products found.

        The label tree and the reranker keep what they learned until the next build.
        """
        if self._rejected.replace(edges):
            self._expansion.leave_out(self._rejected.rows.keys(), self._catalog.table)

    def has_edge(self, head: Head, relation: Relation, tail: str) -> bool:
        """Whether the graph has an edge, hidden or not."""
        return bool(self._rejected.find(head, relation, tail))

    def warm_up(self) -> None:
        """Ask for a product by its title once: the first search of a machine compiles kernels, later ones read them."""
        for title in self._titles[:1].to_pylist():
            self.search(Query(title[:LONGEST_QUERY], limit=1, explain=True))
            self.complete(title[:1], previous=(title[:LONGEST_QUERY],))
            self.complete(title[:LONGEST_QUERY])

    def search(self, query: Query) -> Answer:
        """A page of products that answer a query, each with the stage that found it, its scores and its reasons.

        Filters, facets, order and total are those of every product that the ranker finds, however many.

        Raises:
            InputError: an unknown ranker or filter field, or a query beyond 10,000 characters.
        """
        started = time.perf_counter()
        until = query.offset + query.limit
        plain = not query.filters and query.sort is Sort.RELEVANCE and until <= self._config.depth
        depth = self._config.depth if plain else len(self._catalog)
        found = self._find(query.text, query.ranker, depth)
        ranked = self._facets.select(found.ranked.rows, query.filters)
        page = self._facets.order(ranked, query.sort)[query.offset : until]
        rows = self._finder.every_row(found) if plain else ranked
        hits = self._hits(page, found, explain=query.explain)
        facets = self._facets.count(rows)
        took = (time.perf_counter() - started) * 1000
        return Answer(uuid.uuid4().hex, query.text, len(rows), hits, found.query.intents, facets, round(took, 3))

    def complete(self, typed: str, *, previous: Sequence[str] = (), limit: int = 10) -> Completions:
        """What a shopper who typed this may be about to ask, best first.

        previous: what they asked before in this session, the latest first.

        Raises:
            InputError: more than 10,000 characters were typed, now or before.
        """
        started = time.perf_counter()
        earlier = [_checked(query) for query in previous]
        found = self._completer.complete(_checked(typed), previous=earlier, limit=limit, distinct=True)
        return Completions(typed, tuple(found), round((time.perf_counter() - started) * 1000, 3))

    def add_queries(self, queries: Iterable[LoggedQuery]) -> None:
        """Count queries of shoppers, which completion suggests once they meet the thresholds; one thread at a time.

        queries: since the last build, each once.
        """
        if self._live.add(queries):
            self._completer.refresh(self._live.vocabulary())

    def rank(self, text: str, *, limit: int, ranker: str = "fused") -> list[str]:
        """Product ids alone, best first: what an evaluation asks for."""
        depth = self._config.depth if limit <= self._config.depth else len(self._catalog)
        ranked = self._find(text, ranker, depth).ranked
        ids = self._catalog.ids
        return [ids[row] for row in ranked.rows[:limit].tolist()]

    def explain(self, query: str, product_id: str) -> Hit:
        """One product as a hit of a query: its scores by stage, matching words, reasons and way through the tree.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        row = self._row(product_id)
        found = self._find(query, "fused", len(self._catalog))
        return self._hits(np.array([row], np.int32), found, explain=True)[0]

    def product(self, product_id: str) -> Product:
        """One product.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        return self._product(self._row(product_id))

    def why(self, product_id: str, *, limit: int = 20) -> tuple[Reason, ...]:
        """Why people buy a product, the surest first: reasons of itself, its type, and its type with one of its traits.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        return self._reasons.of(self.product(product_id), limit=limit)

    def intents(self, asked: str) -> tuple[Intent, ...]:
        """The needs behind a query, or the reasons to buy a product, at most ten.

        What the graph says comes first, the surest first; then what the student guesses, from a probability of 0.1 on.

        asked: a query, or a product's id.
        """
        if asked in self._catalog:
            product = self.product(asked)
            reasons = self._reasons.of(product, limit=INTENTS_SHOWN)
            known = tuple(Intent(each.relation, each.tail, each.confidence, each.head) for each in reasons)
            guessed = self._student.read_product(product) if self._student else ()
        else:
            known = self._reader.read(_checked(asked))
            guessed = self._student.read(asked) if self._student else ()
        return known_first(known, guessed, least=LEAST_SURE)

    def neighborhood(self, label: str, *, limit: int = 60) -> Neighborhood:
        """The graph around a node; products are shown by their titles. Empty when no node has this label."""
        around = self._graph.neighborhood(label, limit=limit)
        nodes = {node.id: self._titled(node) for node in around.nodes}
        if not nodes:
            return around
        edges = tuple(edge for edge in around.edges if not self._is_rejected(edge))
        center = next(iter(nodes))
        touched = {center, *(end for edge in edges for end in (edge.source, edge.target))}
        shown = tuple(node for number, node in nodes.items() if number in touched)
        return Neighborhood(nodes[center].label, shown, edges)

    def facts(self) -> dict[str, int | str]:
        """Counts and artifact keys, for people and for `/version`."""
        facts: dict[str, int | str] = {"shop": self.name, "products": len(self._catalog)}
        for kind in ("nodes", "edges", "intents"):
            facts[kind] = int(self._manifests["graph"].summary.get(kind, 0))
        return facts | {f"{kind}_key": manifest.key for kind, manifest in self._manifests.items()}

    def was_taught_by(self, judgments: Path) -> bool:
        """Whether the reranker was taught by this very file: what it is measured on then, it has seen."""
        if "reranker" not in self._manifests or not judgments.is_file():
            return False
        return file_digest(judgments) in self._manifests["reranker"].built_from.values()

    def _find(self, text: str, ranker: str, depth: int) -> Found:
        intents = self._needs(_checked(text)) if ranker in ("intents", "fused") else ()
        return self._finder.find(_checked(text), intents, ranker=ranker, depth=depth)

    def _needs(self, text: str) -> tuple[Intent, ...]:
        """The needs that lead a search: those that the graph reads, and those that the student is rather sure of."""
        guessed = self._student.read(text)[:SEARCHED] if self._student else ()
        return known_first(self._reader.read(text), guessed, least=LEAST_SURE_TO_SEARCH)

    # ------------------------------------------------------------ explaining
    def _hits(self, rows: NDArray[np.int32], found: Found, *, explain: bool) -> tuple[Hit, ...]:
        totals = found.ranked.scores_of(rows)
        by_stage = [(stage, ranked.scores_of(rows)) for stage, ranked in found.by_stage.items() if ranked]
        matched = self._lexical.matched(found.query.words, rows.tolist())
        paths = self._tree.explain(found.query.text, found.query.vector, rows.tolist()) if explain else [()] * len(rows)
        hits = []
        for at, row in enumerate(rows.tolist()):
            scores = {stage: score for stage, each in by_stage if (score := each[at]) is not None}
            source, score = next(iter(scores), "none"), round(totals[at] or 0.0, 6)
            title, reasons = self._titles[row].as_py(), self._joining(row, found.query.intents)
            hits.append(Hit(self._catalog.ids[row], score, source, title, scores, matched[at], reasons, paths[at]))
        return tuple(hits)

    def _joining(self, row: int, intents: Sequence[Intent]) -> tuple[Reason, ...]:
        """The reasons that join a product to the needs of the query; a product is read only when there are any."""
        return self._reasons.joining(self._product(row), intents, limit=REASONS_SHOWN) if intents else ()

    def _titled(self, node: Node) -> Node:
        """With what names it as a head, and products by their titles instead of their ids."""
        if node.kind == INTENT:
            return node
        ids = self._graph.key(int(node.id))
        node = replace(node, head=ids)
        if node.kind not in (HeadKind.PRODUCT, HeadKind.PAIR):
            return node
        titles = [self.product(each).title if each in self._catalog else each for each in ids]
        return replace(node, label=" + ".join(titles), key=ids[0] if node.kind == HeadKind.PRODUCT else "")

    def _is_rejected(self, edge: Edge) -> bool:
        """edge: of a neighborhood."""
        return (int(edge.source), edge.relation.value, int(edge.target)) in self._rejected.rows.values()

    def _row(self, product_id: str) -> int:
        if product_id not in self._catalog:
            raise UnknownProduct(f"{self.name} has no product {product_id!r} among its {len(self._catalog):,}.")
        return self._catalog.row(product_id)


def _manifests(folders: Mapping[str, Path]) -> dict[str, Manifest]:
    if missing := FORMATS.keys() - folders.keys() - OPTIONAL:
        raise ArtifactError(f"The last build made no {', '.join(sorted(missing))}. Run `whybuy build` to make it anew.")
    return {kind: read_manifest(folders[kind], kind, version) for kind, version in FORMATS.items() if kind in folders}


def _checked(text: str) -> str:
    if len(text) > LONGEST_QUERY:
        raise InputError(f"The query has {len(text):,} characters; at most {LONGEST_QUERY:,} are allowed.")
    return text


def live_key(store: Path) -> str:
    """Changes when a new build is published, or the settings are written anew; empty where there is none."""
    try:
        live = json.dumps(json.loads((store / ARTIFACTS_FOLDER / CURRENT).read_text()), sort_keys=True)
        return f"{live} {(store / STORE_FILE).stat().st_mtime_ns}"
    except (OSError, ValueError):
        return ""
