"""A product title as parts that may end in the name of what it is: without brand, measures, codes, colors and counts.

"Acme - 5 ft. Indoor Area Rug with Fringe - Red" has one such part, "indoor area rug".
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from whybuy.text import FUNCTION_WORDS, lemma, lemmas, normalize

NUMERAL = "#"  # stands for a number with what it measures, and for a code

# ------------------------------------------------------------------ closed classes of English
_UNITS = (
    "in|inch|inches|ft|feet|foot|yd|gal|gallon|gallons|qt|quart|oz|ounce|ounces|fl|lb|lbs|pound|g|kg|mg|mm|cm|m|ml|l|"
    "liter|sq|cu|watt|watts|w|kw|volt|volts|v|amp|amps|mah|gb|tb|mb|mp|hz|khz|mhz|ghz|ohm|ohms|db|dpi|psi|btu|rpm|hp|"
    "gauge|ga|gpm|cfm|ct|pk|pc|pcs|megapixel|count|pack|piece|pieces|sheets"
)
_COLORS = (
    "black white red blue green yellow orange purple pink brown gray grey beige tan ivory silver gold bronze copper "
    "navy teal charcoal cream almond espresso turquoise magenta cyan violet maroon burgundy khaki olive aqua lavender "
    "multicolor multicolored multi clear natural stainless stainless-steel chrome nickel platinum gunmetal graphite "
    "titanium bisque pewter brushed satin gloss glossy matte metallic color colors colour colours assorted dark "
    "light-blue transparent"
)
_AMOUNTS = (
    "small medium large extra mini jumbo tall short wide thick deep long xl xxl xs size sizes sized x-large xx-large "
    "twin full queen king pk pcs pc piece pieces count ct each dozen pair pairs per bonus quantity qty assortment inch "
    "inches length width height depth diameter weight ounce ounces oz lb lbs gallon class"
)
_EDITIONS = (
    "new refurbished renewed discontinued edition editions model models series style styles brand version original "
    "standard regular deluxe generation import imported pre-owned pro plus max lite premium only one two three four "
    "five six seven eight nine ten first second third i ii iii iv vi vii"
)
_AUDIENCES = (
    "men women mens womens men's women's boys girls boy's girl's boys' girls' kids adult adults unisex gift gifts"
)
TAIL_NOISE = (FUNCTION_WORDS - {"can"}) | frozenset(f"{_COLORS} {_AMOUNTS} {_EDITIONS} {_AUDIENCES} etc".split())
"""Words that stand behind the name of a thing and are no part of it."""

WEAK_HEADS = frozenset(
    "kit set system assembly part accessory unit item product collection combo supply component piece material "
    "hardware package bundle replacement series line pack".split()
)
"""Words that name a thing only with the word before them: "trim kit"."""

_CONTAINERS = frozenset(
    "pack packs bag bags box boxes can cans bottle bottles jar jars tub tubs pouch pouches roll rolls "
    "carton case".split()
)
_PACKING = frozenset("variety value twin family multi economy bonus club party sample trial".split())

# ------------------------------------------------------------------ how titles are written
_MODIFIER = re.compile(
    r"(?<![\w-])(?:with|for|in|on|by|to|from|at|as|featuring|features|fits|includes?|including|that|which|without|"
    r"compatible|made|designed|suitable|ideal|perfect|great)\b(?!-).*|(?<![\w-])w/.*"
)
_INTENDED_FOR = re.compile(r"(?<![\w-])(?:for|fits|compatible with)\b(?!-)")
_PARTICLE = re.compile(
    r"\b(slip|pull|clip|snap|stick|plug|drop|bolt|screw|roll|add|built|walk|lace|zip|pop|push)[ -](on|in|up|off)\b(?!-)"
)
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\((?:.*)$")
_MARKS = re.compile(r"[™®©℠*]|-discontinued\b", re.IGNORECASE)
_NUMBER = r"\d+(?:[.,/]\d+)*(?:\s*-?\s*\d+/\d+)?"
_MEASURE = re.compile(
    rf"#?\s*(?<![\w-]){_NUMBER}[\"'%°]*(?:[\s-]?(?:{_UNITS})\b(?!-)[.\"']*(?:\s?(?:ft|in|oz|w|h|d|l)\b(?!-)\.?)?)?"
    r"(?:\s*(?:x|by)\b)?(?![\w-])"
)
_SHORT_CODE = re.compile(r"[a-z]{2,3}\d")  # "mp3": may stand before a head, ends no part
_CODE = re.compile(rf"(?<![^\s,;:|•()])(?!{_SHORT_CODE.pattern}\b)[^\s,;:|•()]*\d[^\s,;:|•()]*")
_RANGE = re.compile(rf"{NUMERAL}(?:\s*(?:-|x|by|to|w|h|d|l)?\s*{NUMERAL})+")
_SEPARATOR = re.compile(r"[,;:|•!?]|\s[-/~+]+\s|\s[-/~+]+$")
_WORD = re.compile(rf"{NUMERAL}|{_SHORT_CODE.pattern}\b|[^\W\d_]+(?:['-][^\W\d_]+)*'?")


@dataclass(frozen=True)
class TitleParts:
    """The parts of a title in reading order."""

    parts: tuple[tuple[str, ...], ...]  # normalized words, the last one singular, `NUMERAL` for numbers and codes
    last: str  # the last part as it stands, without numbers: "windows"
    maker: str  # the brand, else the first word

    @cached_property
    def words(self) -> frozenset[str]:
        """All words of the parts, singular."""
        return frozenset(singular(word) for part in self.parts for word in part if word != NUMERAL)


@lru_cache(maxsize=100_000)
def singular(word: str) -> str:
    """A noun without its plural end; words that do not look like plurals stay ("lighting", "glass")."""
    is_plural = word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3
    return lemma(word) if is_plural and "-" not in word else word


def before_modifier(text: str) -> str:
    """A normalized text up to what the thing has or is for: "mobile phones with plans" → "mobile phones"."""
    return _MODIFIER.sub("", text, count=1).strip()


def own_words(title: str, brand: str = "", language: str = "en") -> frozenset[str]:
    """Lemmas of a product's brand and of its title up to what it is for: "slider case" of "Slider Case for Pear X"."""
    own = _INTENDED_FOR.split(normalize(_MARKS.sub("", title)), maxsplit=1)[0]
    return frozenset(lemmas(f"{_MARKS.sub('', brand)} {own}", language))


def title_parts(title: str, brand: str = "") -> TitleParts:
    """The parts of a title; none when it is nothing but measures and colors."""
    text, name = normalize(_MARKS.sub("", title)), normalize(_MARKS.sub("", brand))
    if name and text.startswith(name):
        text = text[len(name) :].lstrip(" -:,") or text
    text = _PARTICLE.sub(r"\1-\2", _BRACKETS.sub(" ", text))
    text = _RANGE.sub(NUMERAL, _CODE.sub(NUMERAL, _MEASURE.sub(f" {NUMERAL} ", text)))
    parts = [words for words in map(_words, _SEPARATOR.split(text)) if words]
    first = next((word for part in parts for word in part if word != NUMERAL), "")
    last = " ".join(word for word in parts[-1] if word != NUMERAL) if parts else ""
    return TitleParts(tuple((*words[:-1], singular(words[-1])) for words in parts), last, name or first)


def _words(part: str) -> list[str]:
    words = [word for word in _WORD.findall(before_modifier(part)) if len(word) > 1 or word == NUMERAL]
    while words and _is_noise(words):
        packed = words.pop() in _CONTAINERS
        if packed and words and words[-1] in _PACKING:
            words.pop()
    return words


def _is_noise(words: list[str]) -> bool:
    """Whether the last word of a part tells how many, which color or edition, or how it is packed."""
    last = words[-1]
    packed = last in _CONTAINERS and (len(words) == 1 or words[-2] == NUMERAL or words[-2] in _PACKING)
    return packed or last in TAIL_NOISE or last == NUMERAL or _SHORT_CODE.fullmatch(last) is not None
