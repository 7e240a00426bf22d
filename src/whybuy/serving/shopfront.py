"""The pages: search, product, graph; all of them work without JavaScript."""

from dataclasses import asdict, dataclass
from math import ceil
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from whybuy.journal.judgments import JudgmentEntry
from whybuy.operations import SEARCH, ProductId, QueryText
from whybuy.records import Answer, Edge, Hit, Neighborhood, Node, Product, Reason
from whybuy.serving.addresses import SearchAddress
from whybuy.serving.api import answer as answer_to
from whybuy.serving.rendering import around_url, render
from whybuy.serving.requests import PageRequest
from whybuy.serving.services import ServicesDep

_PAGE_SIZE = 20
_LAST_PAGE = 500
_NEAR = 30  # what a drawing shows readably
_REJECTIONS_SHOWN = 50

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class StartView:
    """The page before a search."""

    shop: str
    facts: dict[str, int | str]
    examples: tuple[str, ...]
    query: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A hit with the product that it found."""

    hit: Hit
    product: Product


@dataclass(frozen=True, slots=True)
class SearchView:
    """A page of hits."""

    shop: str
    answer: Answer
    cards: tuple[Card, ...]
    address: SearchAddress
    pages: int
    examples: tuple[str, ...]

    @property
    def query(self) -> str:
        """What stands in the search box."""
        return self.address.q


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product with all that is known of why people buy it."""

    shop: str
    product: Product
    reasons: tuple[Reason, ...]
    query: str
    hit: Hit | None  # of the query, when one led here


@dataclass(frozen=True, slots=True)
class GraphView:
    """A node of the graph with what is around it."""

    shop: str
    node: str
    neighborhood: Neighborhood
    rejections: tuple[
        JudgmentEntry, ...
    ]  # that can be taken back here: the one just made, or on the bare page the latest
    query: str = ""

    @property
    def nodes(self) -> dict[str, Node]:
        """Nodes by id."""
        return {node.id: node for node in self.neighborhood.nodes}

    @property
    def edges(self) -> list[Edge]:
        """Edges, most typical first, then most supported."""
        return sorted(self.neighborhood.edges, key=lambda edge: (-edge.typicality, -edge.support))

    @property
    def drawing(self) -> dict[str, object]:
        """The neighborhood as the drawing script reads it, each node with where it leads."""
        nodes = [{**asdict(node), "url": around_url(node)} for node in self.neighborhood.nodes]
        return {**asdict(self.neighborhood), "nodes": nodes}


@router.get("/")
def search_page(page: Annotated[PageRequest, Query()], services: ServicesDep) -> str:
    """The start page, or the hits for a query."""
    discovery = services.discovery
    if not page.q.strip():
        return render("start.html", StartView(discovery.name, discovery.facts(), services.examples))
    address = page.address()
    answer: Answer = answer_to(SEARCH, page.search(_PAGE_SIZE), services)
    cards = tuple(Card(hit, discovery.product(hit.product_id)) for hit in answer.hits)
    pages = min(_LAST_PAGE, ceil((answer.total + answer.related_total) / _PAGE_SIZE))
    return render("search.html", SearchView(discovery.name, answer, cards, address, pages, services.examples))


@router.get("/product/{product_id:path}")
def product_page(product_id: ProductId, services: ServicesDep, q: QueryText = "") -> str:
    """One product and why people buy it; `q` is the query that led here."""
    discovery = services.discovery
    product = discovery.product(product_id)
    hit = discovery.explain(q, product_id) if q.strip() else None
    return render("product.html", ProductView(discovery.name, product, discovery.why(product_id), q, hit))


@router.get("/graph")
def graph_page(services: ServicesDep, node: QueryText = "", rejected: int = 0) -> str:
    """A node of the graph and what is around it, drawn and as a list; `rejected`: the cursor that led back here."""
    label = node.strip()
    around = services.discovery.neighborhood(label, limit=_NEAR) if label else Neighborhood("", (), ())
    rejections = [one for one in services.rejections.all() if one.cursor == rejected or not (label or rejected)]
    return render(
        "graph.html", GraphView(services.discovery.name, label, around, tuple(rejections[:_REJECTIONS_SHOWN]))
    )
