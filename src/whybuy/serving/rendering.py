"""Jinja templates with the words and numbers that the pages need."""

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, urlencode
from zlib import crc32

from whybuy.records import HeadKind, Node, Product, Reason
from whybuy.relations import Relation
from whybuy.web.templates import templates

_TONES = 12
_STAGES = {
    "all_words": "has every word",
    "typo": "spelling forgiven",
    "intents": "fits the need",
    "some_words": "has some words",
    "nearest_type": "nearest kind",
    "tree": "found by the label tree",
    "similar": "alike in words and letters",
}
_HEAD_ATTRIBUTE = re.compile(r" \[([^:\[]+): (.+)\]$")
_CURRENCY_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def render(template: str, view: object) -> str:
    """A page as HTML from what it shows, `view` in the template; every value is escaped."""
    return _TEMPLATES.get_template(template).render(view=view)


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
    symbol = _CURRENCY_SYMBOLS.get(product.currency)
    amount = f"{product.price:,.2f}"
    return f"{symbol}{amount}" if symbol else f"{amount} {product.currency}".strip()


def range_words(value: str) -> str:
    """A price range for reading: "20..80" is "20 to 80", "..80" is "up to 80"."""
    low, dots, high = value.partition("..")
    if not dots:
        return value
    return f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"


def amount_words(amount: float) -> str:
    """What the words of a contribution add to a score, or take from it, to two digits: "+0.37", "−0.066"."""
    return f"{amount:+.2g}".replace("-", "−", 1)


def tone(text: str) -> int:
    """The placeholder color of a text, always the same one, in [0, 12)."""
    return crc32(text.encode()) % _TONES


def relation_words(relation: Relation) -> str:
    """The words before the tail: "made for"."""
    return relation.words


def head_words(head: str) -> str:
    """A reason's head for reading: `slip-on shoe [sole: slip-resistant]` is "slip-on shoe, sole slip-resistant"."""
    return _HEAD_ATTRIBUTE.sub(r", \1 \2", head)


def attribute_words(head: str) -> str:
    """The attribute's value in a reason's head, "slip-resistant" in `slip-on shoe [sole: slip-resistant]`, or empty."""
    match = _HEAD_ATTRIBUTE.search(head)
    return match[2] if match else ""


def by_relation(reasons: Iterable[Reason]) -> list[tuple[Relation, list[Reason]]]:
    """Reasons grouped by relation, surest first within a relation; the relation of the surest reason first."""
    groups: dict[Relation, list[Reason]] = {}
    for reason in sorted(reasons, key=lambda reason: -reason.confidence):
        groups.setdefault(reason.relation, []).append(reason)
    return list(groups.items())


def node_url(label: str) -> str:
    """The graph page of a node."""
    return f"/graph?{urlencode({'node': label})}"


def around_url(node: Node) -> str:
    """Where a node of a drawing leads: a product to its page, a pair nowhere, any other to its own surroundings."""
    if node.kind == HeadKind.PRODUCT:
        return product_url(node.key)
    return "" if node.kind == HeadKind.PAIR else node_url(node.label)


def product_url(product_id: str, query: str = "") -> str:
    """The page of a product, which leads back to the query that found it."""
    back = f"?{urlencode({'q': query})}" if query else ""
    return f"/product/{quote(product_id, safe='')}{back}"


_TEMPLATES = templates(
    Path(__file__).parent / "pages",
    (
        stage_words,
        facet_words,
        price_words,
        range_words,
        amount_words,
        tone,
        relation_words,
        head_words,
        attribute_words,
        by_relation,
        node_url,
        around_url,
        product_url,
    ),
)
