"""Turns texts into the terms of the lexical index: units, sizes and inflections are written in one form."""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import tantivy

from whybuy.records import Product
from whybuy.text import FUNCTION_WORDS, normalize, tokenize

FIELDS = ("title", "brand", "product_type", "category", "attributes", "description")
LONGEST_WORD = 60  # characters; longer ones are codes or junk that nobody types

_UNIT_NAMES = {
    "in": "inch inches ins",
    "ft": "foot feet",
    "gal": "gallon gallons gals",
    "oz": "ounce ounces",
    "lb": "pound pounds lbs",
    "watt": "w watts",
    "volt": "v volts",
    "sq": "square",
    "amp": "amps",
    "qt": "quart quarts",
    "yd": "yard yards",
    "pack": "pk packs",
    "piece": "pc pcs pieces",
    "cu": "cubic",
}
_UNIT_OF = {name: unit for unit, names in _UNIT_NAMES.items() for name in names.split()}
UNITS = _UNIT_OF.keys() | _UNIT_NAMES.keys() | {"mm", "cm", "hp", "btu", "psi", "light", "gauge", "kg", "ml"}

_FRACTION = re.compile(r"(?<![\d/])(\d{1,3})\s*/\s*(\d{1,3})(?![\d/])")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_BARE_DECIMAL = re.compile(r"(?<![\w.])\.(?=\d)")
_INCHES = re.compile(r"(?<=\d)\s*(?:''|\")")
_FEET = re.compile(r"(?<=\d)\s*'(?=$|[\sx\d])")
_TIMES = re.compile(r"(?:(?<=[\d.])\s*|(?<=\d(?:in|ft))|(?<=\b(?:in|ft))\s*|(?<=\s))[x×*]\s*(?=\d)")
_LETTER_DIGIT = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
_LONGEST_SPLIT = 5  # characters; "12v" and "t8" are two words, a longer mixture is a model number


def words(text: str) -> list[str]:
    """Words of a text in reading order, with sizes written in one way: "2x4", "2 x 4" → 2, 4; `5"` → 5, in."""
    spaced = normalize(text)
    if not spaced.isalpha():
        spaced = _FRACTION.sub(_decimal, spaced)
        spaced = _BARE_DECIMAL.sub("0.", _THOUSANDS.sub("", spaced))
        spaced = _FEET.sub(" ft ", _INCHES.sub(" in ", spaced))
        spaced = _TIMES.sub(" ", spaced)
    return [_UNIT_OF.get(part, part) for word in tokenize(spaced) for part in _parts(word)]


def _decimal(fraction: re.Match[str]) -> str:
    over, under = int(fraction[1]), int(fraction[2])
    return f" {over / under:.4g} " if under else fraction[0]


def _parts(word: str) -> list[str]:
    if len(word) > LONGEST_WORD:
        return []
    parts = _LETTER_DIGIT.split(word)
    return parts if len(word) <= _LONGEST_SPLIT or parts[-1] in UNITS else [word]


_STEMMER = (
    tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    .filter(tantivy.Filter.ascii_fold())
    .filter(tantivy.Filter.stemmer("english"))
    .build()
)


_SINGULAR_OF = {
    noun.removesuffix("e").removesuffix("f") + "ves": noun
    for noun in "calf half knife leaf loaf scarf shelf thief wife wolf".split()
} | {"children": "child", "men": "man", "women": "woman", "mice": "mouse", "teeth": "tooth", "geese": "goose"}
"""Plurals that the stemmer does not know, a closed class of English."""


@functools.lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The term of one word: accents folded, English inflection taken off, irregular plurals too."""
    return "".join(_STEMMER.analyze(_SINGULAR_OF.get(word, word)))


def is_function_word(word: str) -> bool:
    """Whether a word is a function word ("for", "with")."""
    return word in FUNCTION_WORDS


@dataclass(frozen=True, slots=True)
class OtherWords:
    """What a product may say instead of a word of a query: another spelling, or a synonym."""

    terms: tuple[str, ...]  # stems; a product needs all of them
    weight: float  # in (0, 1], against that of the word itself


@dataclass(frozen=True, slots=True)
class QueryWord:
    """One word of a query, as it is looked up."""

    word: str
    term: str  # its stem
    weight: float = 1.0
    others: tuple[OtherWords, ...] = ()  # a product counts once, for the best of the word and these


@dataclass(frozen=True, slots=True, eq=False)
class QueryWords:
    """The words of a query as an index of a catalog reads them."""

    needed: Sequence[str]  # distinct ones that say something about a product, as typed; all of them when none does
    needed_corrected: Sequence[str]  # the same, misspelled ones as the catalog spells them
    corrected: Sequence[str]  # all words, distinct, misspelled ones as the catalog spells them, in reading order
    terms: Sequence[QueryWord]  # to look up: the corrected words and those that two of the query make together
    excluded: Sequence[str] = ()  # what products must not have, as the catalog spells it; in none of the above


def field_texts(product: Product) -> tuple[str, ...]:
    """The text of a product in each of `FIELDS`."""
    return (
        product.title,
        product.brand,
        product.product_type,
        " ".join(product.category),
        " ".join(f"{name} {value}" for name, value in product.attributes),
        product.description,
    )
