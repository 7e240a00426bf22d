"""Cleaning, normalizing, tokenizing and lemmatizing of text; every other module calls these."""

import functools
import html
import re
import unicodedata
from collections.abc import Iterator, Sequence

_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,500}|!--.{0,500}?--)>", re.DOTALL)
_SCRIPT = re.compile(r"<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060\ufeff\ufffd]+")
_SPACE = re.compile(r"\s+")
_FOREIGN_RUN = re.compile(r"[\u0080-\uffff]{2,}")
_QUOTES = str.maketrans(
    {"‘": "'", "’": "'", "‛": "'", "´": "'", "`": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‐": "-", "‑": "-"}
)
_WORD = re.compile(r"[^\W_]+(?:[.,](?=\d)\d+|'(?=[^\W\d_])[^\W_]+)*")
_PLURAL = re.compile(r"[a-z]{3}[^sui]s$")
_POSSESSIVE = re.compile(r"'s?$")

DETERMINERS = frozenset("a an the my your his her our their this that these those some any its".split())
FUNCTION_WORDS = DETERMINERS | frozenset(
    "and or of for with in on at to from by as is are be am was were it i im we you they he she me us them who which "
    "what while when where so can will would should do does did not no but if than then into onto over under up out "
    "about during without within need needs looking want best good cheap".split()
)
"""English words that name no intent by themselves; other languages bring theirs with their pattern file."""


def clean(text: str) -> str:
    """Text from a feed or a log without HTML, entities, control characters and wrongly decoded characters.

    Runs once, where text enters. Line breaks become spaces.
    """
    if text.isascii() and "<" not in text and "&" not in text and text.isprintable():
        return " ".join(text.split())
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if "<" in text:
        text = _TAG.sub(" ", _SCRIPT.sub(" ", text))
    while (repaired := _repair_characters(text)) != text:  # text may have been decoded wrongly twice
        text = repaired
    return text


def _repair_characters(text: str) -> str:
    text = unicodedata.normalize("NFC", _repair_decoding(text))
    return _SPACE.sub(" ", _CONTROL.sub(" ", text)).strip()


def _repair_decoding(text: str) -> str:
    """Undo UTF-8 that was read as Windows-1252 ("â€™" for "’"), run by run; leave what does not decode back."""
    return _FOREIGN_RUN.sub(_repair_run, text.replace("å¡", "°"))


def _repair_run(run: re.Match[str]) -> str:
    try:
        return b"".join(map(_windows_byte, run[0])).decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return run[0]


def _windows_byte(character: str) -> bytes:
    """The byte that Windows-1252 shows as this character; its five unassigned bytes pass as they are."""
    return character.encode("latin-1" if character < "\u00a0" else "cp1252")


def normalize(text: str) -> str:
    """Text in the form in which it is compared: NFKC, case folded, plain quotes and dashes, single spaces."""
    if text.isascii():  # the same, in a fourth of the time
        return " ".join(text.replace("`", "'").lower().split())
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text.translate(_QUOTES)).casefold()).strip()


def tokenize(text: str) -> list[str]:
    """Words of a text in reading order, normalized, without possessive ends; "slip-resistant" is two words."""
    return [_POSSESSIVE.sub("", word) for word in _WORD.findall(normalize(text))]


def bag_of_words(text: str) -> tuple[str, ...]:
    """The sorted words of a text, normalized; equal for texts of the same words in any order."""
    return tuple(sorted(tokenize(text)))


@functools.lru_cache(maxsize=200_000)
def lemma(word: str, language: str = "en") -> str:
    """The dictionary form of one normalized word ("women" → "woman"); the word itself when it is unknown."""
    from simplemma import is_known, lemmatize  # noqa: PLC0415 - half a second of dictionaries, only when needed

    if not word.isalpha():
        return word
    base = lemmatize(word, lang=language).casefold()
    if language == "en" and base == word and _PLURAL.search(word) and not is_known(word, lang=language):
        return word[:-1]
    return base


@functools.lru_cache(maxsize=50_000)
def is_dictionary_word(word: str, language: str = "en") -> bool:
    """Whether a normalized word stands in the dictionary of a language, in any inflection."""
    from simplemma import is_known  # noqa: PLC0415 - as above

    return bool(is_known(word, lang=language))


def lemmas(text: str, language: str = "en") -> tuple[str, ...]:
    """The lemmas of all words of a text, in order."""
    return tuple(lemma(word, language) for word in tokenize(text))


@functools.lru_cache(maxsize=200_000)
def canonical(phrase: str, language: str = "en") -> str:
    """One key for phrases of the same meaning: "walking the dog" and "walk the dogs" → "walk dog".

    Case, number, determiners and inflection are dropped, and "removal of stains" is turned into "stain removal".
    """
    words = [word for word in tokenize(phrase) if word not in DETERMINERS] or tokenize(phrase)
    if words.count("of") == 1 and 0 < (at := words.index("of")) < len(words) - 1 and len(words) <= 4:
        words = words[at + 1 :] + words[:at]
    return " ".join(lemma(word, language) for word in words)


def ngrams(words: Sequence[str], longest: int, shortest: int = 1) -> Iterator[tuple[int, int]]:
    """Spans (start, end) of all runs of `shortest` to `longest` words, longest first, then from the left."""
    for length in range(min(longest, len(words)), shortest - 1, -1):
        for start in range(len(words) - length + 1):
            yield start, start + length
