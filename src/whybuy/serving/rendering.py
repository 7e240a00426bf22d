"""Jinja templates with the words and numbers that the pages need."""

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from urllib.parse import quote, urlencode
from zlib import crc32

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from whybuy.records import HeadKind, Node, Product, Reason
from whybuy.relations import Relation

_TONES = 12
_STAGES = {
    "all_words": "has every word",
    "typo": "spelling forgiven",
    "intents": "fits the need",
    "some_words": "has some words",
    "nearest_type": "nearest kind",
}
_ATTRIBUTE = re.compile(r"\[[^:\[]+: (.+)\]$")
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def render(template: str, view: object) -> str:
    """A page as HTML from what it shows, `view` in the template; every value is escaped."""
    return _ENVIRONMENT.get_template(template).render(view=view)


def stage_words(source: str) -> str:
    """What the stage that found a hit means to a shopper."""
    return _STAGES.get(source, source.replace("_", " "))


def facet_words(name: str) -> str:
    """A field's name as a heading: `product_type` is "Product type"."""
    return name.replace("_", " ").strip().capitalize()


def price_words(product: Product) -> str:
    """The price with its currency; empty when the shop gave none."""
    if product.price is None:
        return ""
    sign = _SIGNS.get(product.currency)
    amount = f"{product.price:,.2f}"
    return f"{sign}{amount}" if sign else f"{amount} {product.currency}".strip()


def range_words(value: str) -> str:
    """A price range for reading: "20..80" is "20 to 80", "..80" is "up to 80"."""
    low, dots, high = value.partition("..")
    if not dots:
        return value
    return f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"


def tone(text: str) -> int:
    """A steady choice among the placeholder colors."""
    return crc32(text.encode()) % _TONES


def relation_words(relation: Relation) -> str:
    """The words before the tail: "made for"."""
    return relation.words


def attribute_words(head: str) -> str:
    """The attribute's value in a reason's head, "slip-resistant" in `slip-on shoe [sole: slip-resistant]`, or empty."""
    found = _ATTRIBUTE.search(head)
    return found[1] if found else ""


def by_relation(reasons: Iterable[Reason]) -> list[tuple[Relation, list[Reason]]]:
    """Reasons grouped by relation, in the order of the vocabulary, surest first within a relation."""
    order = list(Relation)
    ranked = sorted(reasons, key=lambda reason: (order.index(reason.relation), -reason.confidence))
    return [(relation, list(group)) for relation, group in groupby(ranked, key=lambda reason: reason.relation)]


def node_url(label: str) -> str:
    """The graph page of a node."""
    return f"/graph?{urlencode({'node': label})}"


def around_url(node: Node) -> str:
    """Where a node of a drawing leads: a product to a search for its title, any other to its own surroundings."""
    return f"/?{urlencode({'q': node.label})}" if node.kind == HeadKind.PRODUCT else node_url(node.label)


def product_url(product_id: str, query: str = "") -> str:
    """The page of a product, which leads back to the query that found it."""
    back = f"?{urlencode({'q': query})}" if query else ""
    return f"/product/{quote(product_id, safe='')}{back}"


def _environment(filters: Mapping[str, object]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment


_ENVIRONMENT = _environment(
    {
        function.__name__: function
        for function in (
            stage_words,
            facet_words,
            price_words,
            range_words,
            tone,
            relation_words,
            attribute_words,
            by_relation,
            node_url,
            around_url,
            product_url,
        )
    }
)
