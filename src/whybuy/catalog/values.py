"""Values as feeds write them: prices, category paths, attribute lists."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from whybuy.catalog.aliases import NO_ATTRIBUTE, column_key
from whybuy.tables import json_objects, leaf_text
from whybuy.text import clean

LONGEST_VALUE = 200  # characters of an attribute's value; longer ones are prose, not values

NOTHING = frozenset("n/a na none null nan unknown missing not available not applicable - -- . ? other misc".split()) | {
    "not available", "not applicable", "uncategorized", "default title", "home page",
}  # fmt: skip
"""Words that fill a field without saying anything."""

_NUMBER = re.compile(r"\d[\d.,\u00a0' ]*\d|\d")
_CURRENCY = re.compile(r"\b[A-Z]{3}\b")
_NAMED = re.compile(r"\s*[^\W\d_][^:\n]{0,58}:(?!//)\s*\S")  # the line of a list of names and values
_BLOCK_END = re.compile(r"</(?:li|p|div|tr|h[1-6])\s*>|<br\s*/?>", re.IGNORECASE)
_OPEN_LINE = re.compile(
    r"([^\s.!?:;,])[ \t]*\n\s*(?:<[^<>]{0,200}>\s*)*(?=[^\Wa-z_]|[^\w\s<&(\"'])"
)  # before a capital, a digit or a bullet
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW"}
_SEPARATORS = (" > ", ">", " / ", "/", "|", " » ")


def without_filler(text: str) -> str:
    """The cleaned text, blank when it is only a filler such as "N/A"."""
    text = clean(text)
    return "" if text.casefold() in NOTHING else text


def close_lines(text: str) -> str:
    """A text of several lines or HTML blocks in which each entry of a list is a sentence; wrapped lines stay."""
    if "<" in text:
        text = _BLOCK_END.sub("\n", text)
    return _OPEN_LINE.sub(r"\1. ", text) if "\n" in text else text


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


def holds_features(text: str) -> bool:
    """Whether a text is WANDS's list of names and values, rather than prose."""
    parts = [part for part in text.split("|") if part.strip()]
    return "\n" not in text and 2 * sum(any(parse_features(part)) for part in parts) >= len(parts)


def parse_details(text: str) -> Iterator[tuple[str, str]]:
    """Attributes of a column that holds many: JSON, lines of "name: value", or Google's product_detail.

    JSON may be objects with a name and a value, or one object whose keys are names; Python's spelling of it will do.
    Google writes "General:Heel:Flat,General:Sole:Rubber, ribbed".
    """
    if text.startswith(("{", "[{")):
        for entry in list(json_objects([text])) or _python_objects(text):
            yield from _property(entry)
    elif "\n" in text:
        for line in text.split("\n"):
            name, _, values = line.partition(":")
            for value in values.split("|"):
                yield from attribute(name, value)
    else:
        yield from _google_details(text)


def holds_details(text: str) -> bool:
    """Whether a text is a list of names and values: JSON objects, or lines of "name: value"."""
    if text.startswith(("{", "[{")):
        return any(parse_details(text))
    lines = text.strip().split("\n")
    return len(lines) > 1 and all(_NAMED.match(line) for line in lines)


def _google_details(text: str) -> Iterator[tuple[str, str]]:
    pieces: list[str] = []
    for part in text.split(","):
        if part.count(":") >= 1 or not pieces:
            pieces.append(part)
        else:
            pieces[-1] += "," + part
    for piece in pieces:
        *_, name, value = ["", *piece.split(":", 2)]
        yield from attribute(name, value)


def _python_objects(text: str) -> list[dict[str, object]]:
    """The dictionaries of a Python literal, as scripts write them into tables."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return [entry for entry in (value if isinstance(value, list) else [value]) if isinstance(entry, dict)]


def _property(entry: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The attributes of an object: its name and value, or its keys and values."""
    name = entry.get("name") or entry.get("attribute_name") or entry.get("propertyID") or ""
    if "value" in entry or "attribute_value" in entry:
        yield from _values(str(name), entry.get("value", entry.get("attribute_value", "")))
        return
    for key, value in entry.items():
        if isinstance(value, dict):
            yield from _property(value)
        elif not NO_ATTRIBUTE.match(column_key(str(key))):
            yield from _values(str(key), value)


def _values(name: str, value: object) -> Iterator[tuple[str, str]]:
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict | list):
            yield from attribute(name, leaf_text(one))
