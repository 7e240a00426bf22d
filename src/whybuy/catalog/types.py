"""Product types for feeds that have none: the head noun of the title, merged by shared words.

A title names its type at the end of its first part ("BEHR 1-gal. Wood and Concrete Coating in Gray"). The last word
that many titles end with is the head ("coating"); a word before it joins when it belongs to that head more than to
others ("area rug", but not "white rug"). Titles whose own ending is rare take the type that their words share most.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from whybuy.catalog.corrections import read_corrections
from whybuy.config import ConfigTable
from whybuy.text import FUNCTION_WORDS, lemma, normalize

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\((?:.*)$")
_UNITS = (
    "in|inch|inches|ft|feet|foot|yd|gal|gallon|gallons|qt|quart|oz|ounce|ounces|fl|lb|lbs|pound|g|kg|mg|mm|cm|m|ml|l|"
    "liter|sq|cu|watt|watts|w|kw|volt|volts|v|amp|amps|mah|gb|tb|mb|mp|hz|psi|btu|rpm|hp|gauge|ga|gpm|cfm|ct|pk|pc|pcs"
)
_NUMBER = r"\d+(?:[.,/]\d+)*(?:\s*-?\s*\d+/\d+)?"
_MEASURE = re.compile(
    rf"#?\s*{_NUMBER}[\"'%]*(?:[\s-]?(?:{_UNITS})\b(?!-)[.\"']*"
    r"(?:\s?(?:ft|in|oz)\b(?!-)\.?)?)?(?:\s*(?:x|by)\b)?"
)
_SEPARATOR = re.compile(r"[,;:|•]|\s[-/~]+\s|\s[-/~]+$")
_MODIFIER = re.compile(
    r"(?<![\w-])(?:with|for|in|on|by|to|from|featuring|fits|includes?|including|that|without|w)\b(?!-)/?.*"
)
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_TAIL_NOISE = FUNCTION_WORDS | frozenset(
    "black white red blue green yellow orange purple pink brown gray grey beige tan ivory silver gold bronze copper "
    "clear natural assorted multicolor multi color colors colour colours navy teal charcoal cream almond espresso "
    "small medium large extra mini jumbo tall short wide thick deep long xl xxl size sized pack packs pk pcs pc piece "
    "pieces count ct each dozen pair pairs box boxes per bonus new refurbished discontinued edition model series style "
    "brand stainless stainless-steel chrome nickel quantity qty "
    "assortment inch inches length width height depth version original standard regular".split()
)
_WEAK_HEADS = frozenset(
    "kit set system assembly part accessory unit item product collection combo supply component piece material "
    "hardware package bundle replacement".split()
)
_NUMERAL = "#"  # stands for a number with its unit
LATER_SEGMENT = 0.1
LONGEST_TAIL = 2


@dataclass(frozen=True, slots=True)
class TypeConfig:
    """How types are inferred; our design, set on Home Depot, Instacart and Amazon Office titles."""

    min_products: int = 0  # titles that must share a head; 0: one in 5,000, at least 3
    min_association: float = 0.06  # cosine of two words, over titles that end with them, to make one type


TYPE_CONFIG = ConfigTable("types", TypeConfig)


@dataclass(frozen=True, slots=True)
class _Segment:
    """A part of a title: its words without noise at the end, and its weight: 1 for the first part, less for others."""

    words: tuple[str, ...]
    weight: float


def infer_types(products: pa.Table, overrides: Path | None = None, config: TypeConfig | None = None) -> pa.Table:
    """Fill `product_type` and `type_confidence` of the products that have no type; corrections apply to all.

    products: `PRODUCT_SCHEMA`, of which product_id, title, brand, product_type and type_confidence are read. The same
    titles in any order give the same types. Confidence is in [0, 1]: it grows with the number of titles that share the
    type, is lower when the type stands late in the title, and lower still when it comes from other words.

    Raises:
        InputError: the corrections cannot be understood.
    """
    config = config or TypeConfig()
    types = products["product_type"].to_pylist()
    confidences = products["type_confidence"].to_pylist()
    missing = [row for row, name in enumerate(types) if not name]
    titles, brands = products["title"].to_pylist(), products["brand"].to_pylist()
    inferred = guess_types([titles[row] for row in missing], [brands[row] for row in missing], config)
    for row, (name, confidence) in zip(missing, inferred, strict=True):
        types[row], confidences[row] = name, confidence
    if overrides is not None:
        corrections = read_corrections(overrides)
        for row, product_id in enumerate(products["product_id"].to_pylist()):
            corrected = corrections.apply(product_id, titles[row], types[row])
            if corrected is not None:
                types[row], confidences[row] = corrected, 1.0
    return _replace(products, product_type=types, type_confidence=confidences)


def guess_types(titles: Sequence[str], brands: Sequence[str], config: TypeConfig) -> list[tuple[str, float]]:
    """The type and its confidence for each title; ("", 0.0) where a title has no word at all."""
    least = config.min_products or max(3, len(titles) // 5000)
    segments = [_segments(title, brand) for title, brand in zip(titles, brands, strict=True)]
    heads = _count_heads(segments)
    chosen = [_best_segment(parts, heads, least) for parts in segments]
    modifiers = _Modifiers([segment.words for segment in chosen if segment is not None])
    names = [
        None if segment is None else modifiers.name(segment.words, least, config.min_association) for segment in chosen
    ]
    frequency = Counter(name for name in names if name is not None)
    words = [_all_words(parts) or _spare_words(title) for parts, title in zip(segments, titles, strict=True)]
    votes = _Votes(words, [name if name and frequency[name] >= least else None for name in names])
    answers = []
    for name, segment, own_words in zip(names, chosen, words, strict=True):
        if name is not None and segment is not None and frequency[name] >= least:
            confidence = frequency[name] / (frequency[name] + least)
            answers.append((name, round(confidence * (0.6 + 0.4 * segment.weight), 4)))
        else:
            answers.append(votes.winner(own_words))
    return answers


@lru_cache(maxsize=100_000)
def singular(word: str) -> str:
    """A noun without its plural end; words that do not look like plurals stay ("lighting", "glass")."""
    is_plural = word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3
    return lemma(word) if is_plural and "-" not in word else word


def _segments(title: str, brand: str) -> tuple[_Segment, ...]:
    """The parts of a title that may end in a type; a lone first word before others is a name ("GE - Gas Range")."""
    text = _MEASURE.sub(f" {_NUMERAL} ", _BRACKETS.sub(" ", normalize(title)))
    name = normalize(brand)
    if name and text.startswith(name):
        text = text[len(name) :].lstrip(" -:,") or text
    parts = [part.strip() for part in _SEPARATOR.split(text) if part.strip()]
    first = 1 if len(parts) > 1 and len(_words(parts[0])) == 1 else 0
    parts = [part for number, part in enumerate(parts) if number <= first or part[0] != _NUMERAL]
    worded = [words for words in map(_words, parts) if words]
    first = 1 if len(worded) > 1 and len(worded[0]) == 1 else 0
    return tuple(_Segment(words, 1.0 if number == first else LATER_SEGMENT) for number, words in enumerate(worded))


def _words(part: str) -> tuple[str, ...]:
    """Words of a part before its first preposition, without measures, and without colors and counts at the end."""
    words = [word for word in _WORD.findall(_MODIFIER.sub("", part, count=1)) if len(word) > 1]
    while words and words[-1] in _TAIL_NOISE:
        words.pop()
    return (*words[:-1], singular(words[-1])) if words else ()


def _spare_words(title: str) -> tuple[str, ...]:
    """Any words of a title that is nothing but noise ("Extra Large")."""
    return tuple(_WORD.findall(normalize(title)))


def _count_heads(titles: Sequence[tuple[_Segment, ...]]) -> Counter[str]:
    """How many titles end a part with a word; a part that is one word alone counts where it does not come first."""
    counts: Counter[str] = Counter()
    for segments in titles:
        counts.update({segment.words[-1] for segment in segments if segment.weight == 1.0 or len(segment.words) == 1})
    return counts


def _best_segment(segments: tuple[_Segment, ...], heads: Counter[str], least: int) -> _Segment | None:
    """The part whose last word most titles share, later parts at a tenth; None when all are rare."""
    known = [segment for segment in segments if heads[segment.words[-1]] >= least]
    return max(known, key=lambda segment: heads[segment.words[-1]] * segment.weight, default=None)


class _Modifiers:
    """Which words before a head belong to it."""

    def __init__(self, endings: Sequence[tuple[str, ...]]) -> None:
        two = [words[-LONGEST_TAIL:] for words in endings if len(words) >= LONGEST_TAIL]
        self._together = Counter(two)
        self._modifiers = Counter(modifier for modifier, _ in two)
        self._heads = Counter(words[-1] for words in endings)

    def name(self, words: tuple[str, ...], least: int, min_association: float) -> str:
        """The type that a part ends with: two words where they belong together, else the last one."""
        pair = words[-LONGEST_TAIL:]
        if len(pair) < LONGEST_TAIL or pair[0] in _TAIL_NOISE:
            return words[-1]
        together = self._together[pair]
        association = together / math.sqrt(self._modifiers[pair[0]] * self._heads[pair[1]])
        belongs = together >= least and (association >= min_association or pair[1] in _WEAK_HEADS)
        return " ".join(pair) if belongs else words[-1]


class _Votes:
    """The most likely type by the words of a title, counted in the titles whose type is known."""

    def __init__(self, titles: Sequence[Sequence[str]], types: Sequence[str | None]) -> None:
        self._types_by_word: dict[str, Counter[str]] = defaultdict(Counter)
        for words, name in zip(titles, types, strict=True):
            if name is not None:
                for word in words:
                    self._types_by_word[word][name] += 1

    def winner(self, words: Sequence[str]) -> tuple[str, float]:
        """The type with the largest sum of shares, and four tenths of its share of all sums.

        Words weigh more the fewer titles have them. Without any known word the last word is the type, at 0.05.
        """
        scores: dict[str, float] = defaultdict(float)
        for word in words:
            types = self._types_by_word.get(word)
            if types:
                total = types.total()
                for name, count in types.items():
                    scores[name] += count / total / math.log2(2 + total)
        if not scores:
            return (words[-1], 0.05) if words else ("", 0.0)
        best = min(scores, key=lambda name: (-scores[name], name))
        return best, round(0.4 * scores[best] / sum(scores.values()), 4)


def _all_words(segments: tuple[_Segment, ...]) -> tuple[str, ...]:
    """The different words of the parts, singular, the first part's last."""
    words = [singular(word) for segment in reversed(segments) for word in segment.words if word not in _TAIL_NOISE]
    return tuple(dict.fromkeys(words))


def _replace(products: pa.Table, **columns: list[str] | list[float]) -> pa.Table:
    for name, values in columns.items():
        position = products.schema.get_field_index(name)
        field = products.schema.field(position)
        products = products.set_column(position, field, pa.array(values, field.type))
    return products
