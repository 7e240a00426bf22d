"""Folding: the form in which prefixes and suggestions are compared, regardless of case, accents and punctuation."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from whybuy.records import Fit
from whybuy.text import clean, lemmas, normalize

_BREAK = re.compile(r"[\s\-_/.,:;!?\"'()]+")
_ACCENT = re.compile(r"(?<=[\u0041-\u024f\u0370-\u03ff\u0400-\u04ff])[\u0300-\u036f]+")


def fold(text: str) -> str:
    """A text in lower case, without accents of Latin, Greek and Cyrillic letters, one space for any punctuation.

    "Crème-Brûlée" and "creme brulee" fold to the same. Other scripts keep their marks, which are letters there.
    """
    return _bare(normalize(clean(text))).strip()


def fold_prefix(typed: str) -> str:
    """Fold a text that is still being typed: a space at its end stays, as it means that the last word is complete."""
    folded = _bare(normalize(clean(typed)) + (" " if typed[-1:].isspace() else ""))
    return folded.lstrip()


def word_key(text: str, language: str) -> str:
    """The word key of a text: its lemmas, sorted; "boots, hiking" and "hiking boot" both have "boot hiking"."""
    return " ".join(sorted(lemmas(fold(text), language)))


def word_key_hash(key: str) -> int:
    """63 bits of a hash of a word key, the same in all builds."""
    digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def join_spellings(texts: Iterable[tuple[str, float]]) -> dict[str, tuple[str, float]]:
    """Join texts that fold to the same: by folded text the spelling of highest weight, and the sum of weights."""
    spellings: dict[str, dict[str, float]] = {}
    for text, weight in texts:
        if key := fold(text):
            spellings.setdefault(key, {}).setdefault(text, 0.0)
            spellings[key][text] += weight
    return {
        key: (max(each, key=lambda text: (each[text], text)), sum(each.values())) for key, each in spellings.items()
    }


def spans_of(prefix: str, key: str, text: str, fit: Fit) -> tuple[tuple[int, int], ...]:
    """The spans (start, end) of letters of a text that a folded prefix matches, for a page to mark.

    Empty for a mistyped prefix, and where letters do not fold one by one. key: the folded text.
    """
    if fit is Fit.PREFIX and text.isascii() and len(key) == len(text):  # most are, and ten are shown for each key
        return ((0, len(prefix)),) if prefix else ()
    places = () if fit is Fit.TYPO else _places(key, text)
    if not places:
        return ()
    if fit is Fit.WORDS:
        starts = {word: f" {key}".find(f" {word}") for word in prefix.split()}
        spans = sorted((at, at + len(word)) for word, at in starts.items() if at >= 0)
    else:
        whole = len(prefix) if key.startswith(prefix) else 0
        spans = [(0, whole or next((end for end in range(len(prefix), 0, -1) if key.startswith(prefix[:end])), 0))]
    return tuple((places[low], places[high - 1] + 1) for low, high in spans if low < high)


def _bare(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFD", text)))
    return _BREAK.sub(" ", text)


def _places(key: str, text: str) -> Sequence[int]:
    """For each letter of a folded text its place in the text; empty where letters do not fold one by one."""
    if text.isascii() and len(key) == len(text):
        return range(len(text))
    folded, places = "", list[int]()
    for place, letter in enumerate(text):
        own = _bare(normalize(letter) or " ")
        if own != " " or (folded and folded[-1] != " "):
            folded += own
            places += [place] * len(own)
    return places if folded.rstrip() == key else ()
