"""Values as feeds write them: prices, category paths, attribute lists."""

import re
from collections.abc import Iterable, Iterator, Mapping

from whybuy.tables import json_objects
from whybuy.text import clean

LONGEST_VALUE = 200  # characters of an attribute's value; longer ones are prose, not values

NOTHING = frozenset("n/a na none null nan unknown missing not available not applicable - -- . ? other misc".split()) | {
    "not available", "not applicable", "uncategorized", "default title", "home page",
}  # fmt: skip
"""Words that fill a field without saying anything."""

_NUMBER = re.compile(r"\d[\d.,\u00a0' ]*\d|\d")
_CURRENCY = re.compile(r"\b[A-Z]{3}\b")
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW"}
_SEPARATORS = (" > ", ">", " / ", "/", "|", " » ")


def without_filler(text: str) -> str:
    """The cleaned text, blank when it is only a filler such as "N/A"."""
    text = clean(text)
    return "" if text.casefold() in NOTHING else text


def parse_price(text: str) -> tuple[float | None, str]:
    """Amount and ISO currency code (blank when there is none) of "25.00 USD", "$1,299.00", "1.299,00 €"."""
    number = _NUMBER.search(text)
    code = _CURRENCY.search(text)
    sign = next((name for sign, name in _SIGNS.items() if sign in text), "")
    return (_amount(number[0]) if number else None), (code[0] if code else sign)


def _amount(digits: str) -> float | None:
    digits = re.sub(r"[\s\u00a0']", "", digits)
    whole, mark, cents = digits.rpartition(max(",.", key=digits.rfind))
    if mark and (len(cents) != 3 or (mark == "." and digits.count(".") == 1 and "," not in digits and len(whole) > 3)):
        whole = re.sub(r"[.,]", "", whole)
    else:
        whole, cents = re.sub(r"[.,]", "", digits), "0"
    try:
        return float(f"{whole or 0}.{cents}")
    except ValueError:
        return None


def category_path(parts: Iterable[str]) -> tuple[str, ...]:
    """Names from the root; one text with separators is split, fillers are dropped."""
    texts = [text for text in map(clean, parts) if text]
    if len(texts) == 1:
        mark = next((mark for mark in _SEPARATORS if mark in texts[0]), None)
        texts = texts[0].split(mark) if mark else texts
    return tuple(name for name in map(without_filler, texts) if name)


def attribute_name(column: str) -> str:
    """The readable name of an attribute: "attribute.heel_height" → "heel height"."""
    name = re.sub(r"\s*\(product\.metafields.*\)$", "", column.strip())
    name = re.sub(r"^(?:attributes?|attr|[gc]:|product|specs?)[._:](?=.)", "", name, flags=re.IGNORECASE)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[\s_.]+", " ", clean(name)).strip().casefold()


def attribute(name: str, value: str) -> Iterator[tuple[str, str]]:
    """The (name, value) pair, or nothing when either is blank, a filler, or too long to be a value."""
    name, value = attribute_name(name), without_filler(value)
    if name and value and len(value) <= LONGEST_VALUE and len(name) <= 60:
        yield name, value


def parse_features(text: str) -> Iterator[tuple[str, str]]:
    """Attributes of WANDS: "dsprimaryproductstyle:modern|shape:round"."""
    for part in text.split("|"):
        name, mark, value = part.partition(":")
        if mark:
            yield from attribute(name, value)


def parse_details(text: str) -> Iterator[tuple[str, str]]:
    """Attributes of Google's product_detail: "General:Heel:Flat,General:Sole:Rubber, ribbed"; or JSON objects."""
    if text.startswith(("{", "[{")):
        for entry in json_objects([text]):
            yield from _property(entry)
        return
    pieces: list[str] = []
    for part in text.split(","):
        if part.count(":") >= 1 or not pieces:
            pieces.append(part)
        else:
            pieces[-1] += "," + part
    for piece in pieces:
        *_, name, value = ["", *piece.split(":", 2)]
        yield from attribute(name, value)


def _property(entry: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    name = entry.get("name") or entry.get("attribute_name") or entry.get("propertyID") or ""
    value = entry.get("value", entry.get("attribute_value", ""))
    for one in value if isinstance(value, list) else [value]:
        yield from attribute(str(name), str(one))
