"""One object for all operations on an opened shop."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore, file_digest
from whybuy.completion.live_queries import LoggedQuery
from whybuy.config import STORE_FILE
from whybuy.discovery.complements import ComplementLookup
from whybuy.discovery.completion import QueryCompletion
from whybuy.discovery.graph import GraphView
from whybuy.discovery.intents import IntentLookup
from whybuy.discovery.products import ProductLookup
from whybuy.discovery.search import ProductSearch
from whybuy.errors import ArtifactError
from whybuy.journal import JOURNAL_FILE
from whybuy.journal.judgments import read_judgments
from whybuy.operations import MAX_QUERY
from whybuy.records import Answer, Completions, Head, Hit, Intent, Neighborhood, Product, Query, Reason, Role
from whybuy.relations import Relation
from whybuy.shop import Shop


class Discovery:
    """All operations on one shop; safe for many threads."""

    key: str = ""  # what `live_key` was before it was opened

    def __init__(self, shop: Shop) -> None:
        """Map the artifacts of a shop.

        Raises:
            ArtifactError: an artifact is missing or damaged.
        """
        self.name = shop.name
        self._shop = shop
        self._products = ProductLookup(shop)
        self._intents = IntentLookup(shop, self._products)
        self._search = ProductSearch(shop, self._products, self._intents)
        self._completion = QueryCompletion(shop)
        self._graph = GraphView(shop, self._products)
        self._complements = ComplementLookup(shop, self._products)

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
            opened = cls(Shop.open(store))
        except (ArtifactError, OSError):
            if (again := live_key(store)) == before:
                raise
            before, opened = again, cls(Shop.open(store))
        opened.key = before
        rejected = read_judgments(store / JOURNAL_FILE, only=Role.READER)
        opened.hide((one.head, one.relation, one.tail) for one in rejected)
        return opened

    # ------------------------------------------------------------ questions
    def search(self, query: Query) -> Answer:
        """A page of products that answer a query, each with the stage that found it, its scores and its reasons.

        Filters, facets, order and total are those of every product that the ranker finds, however many.

        Raises:
            InputError: an unknown ranker or filter field, or a query beyond 10,000 characters.
        """
        return self._search.search(query)

    def rank(self, text: str, *, limit: int, ranker: str = "fused") -> list[str]:
        """Product ids alone, best first, as an evaluation reads them.

        Raises:
            InputError: an unknown ranker, or a query beyond 10,000 characters.
        """
        return self._search.rank(text, limit, ranker)

    def explain(self, query: str, product_id: str) -> Hit:
        """One product as a hit of a query: its scores by stage, matching words, reasons, path in the label tree.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        return self._search.explain(query, product_id)

    def complete(self, typed: str, *, previous: Sequence[str] = (), limit: int = 10) -> Completions:
        """Completions of what a shopper typed, best first.

        previous: queries before in this session, the latest first.

        Raises:
            InputError: more than 10,000 characters were typed, now or before.
        """
        return self._completion.complete(typed, previous, limit)

    def intents(self, text: str) -> tuple[Intent, ...]:
        """The intents behind a query, or the reasons to buy the product with this id, at most ten.

        Those of the graph come first, by falling confidence; then guesses of the student, from a probability of 0.1 on.
        """
        return self._intents.of(text)

    def product(self, product_id: str) -> Product:
        """One product.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        return self._products.product(product_id)

    def why(self, product_id: str, *, limit: int = 20) -> tuple[Reason, ...]:
        """Reasons to buy a product, the surest first: its own, those of its type, those of the type and a trait.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        return self._products.why(product_id, limit)

    def goes_with(self, product_id: str, *, limit: int = 10) -> tuple[Hit, ...]:
        """The products that go best with a product, each with the claims of the graph that join them.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        return self._complements.of(product_id, limit)

    def neighborhood(self, label: str, *, limit: int = 60) -> Neighborhood:
        """The graph around a node; products are shown by their titles. Empty when no node has this label."""
        return self._graph.neighborhood(label, limit)

    # ------------------------------------------------------------ while it is open
    def hide(self, edges: Iterable[tuple[Head, Relation, str]]) -> None:
        """Leave out these edges of the graph and no others, in reasons, intents, neighborhoods and the products found.

        The label tree and the reranker stay as they were trained until the next build.
        """
        self._graph.hide(edges)

    def has_edge(self, head: Head, relation: Relation, tail: str) -> bool:
        """Whether the graph has an edge, hidden or not."""
        return self._graph.has_edge(head, relation, tail)

    def add_queries(self, queries: Iterable[LoggedQuery]) -> None:
        """Count queries of shoppers, which completion suggests once they meet the thresholds; one thread at a time.

        queries: since the last build, each once.
        """
        self._completion.add(queries)

    def warm_up(self) -> None:
        """Search once: the first search of a machine compiles kernels, later ones read them."""
        for title in self._shop.catalog.table.column("title")[:1].to_pylist():
            self.search(Query(title[:MAX_QUERY], limit=1, explain=True))
            self.complete(title[:1], previous=(title[:MAX_QUERY],))
            self.complete(title[:MAX_QUERY])

    # ------------------------------------------------------------ about the build
    def facts(self) -> dict[str, int | str]:
        """Counts and artifact keys, for people and for `/version`."""
        facts: dict[str, int | str] = {"shop": self.name, "products": len(self._shop.catalog)}
        for kind in ("nodes", "edges", "intents"):
            facts[kind] = int(self._shop.manifests["graph"].summary.get(kind, 0))
        return facts | {f"{kind}_key": manifest.key for kind, manifest in self._shop.manifests.items()}

    def was_trained_on(self, judgments: Path) -> bool:
        """Whether the reranker was trained on this very file, so that it cannot be measured on it."""
        if "reranker" not in self._shop.manifests or not judgments.is_file():
            return False
        return file_digest(judgments) in self._shop.manifests["reranker"].built_from.values()


def live_key(store: Path) -> str:
    """A key of the live build and the settings, which changes with either; empty where there is no build."""
    try:
        live = json.dumps(ArtifactStore(store / ARTIFACTS_FOLDER).live(), sort_keys=True)
        return f"{live} {(store / STORE_FILE).stat().st_mtime_ns}"
    except (OSError, ArtifactError):
        return ""
