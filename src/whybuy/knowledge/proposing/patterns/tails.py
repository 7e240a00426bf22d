"""Cuts the running text behind a pattern to the whole phrases that it names."""

import re
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from whybuy.knowledge.proposing.patterns.shop_words import is_number
from whybuy.text import DETERMINERS

LONGEST_TAIL = 6  # words

NOUN_STOPS = frozenset(
    "that which who whose whom when while so because without from in at with during on to than as if where but by "
    "including like after before over under into until thanks made via per along plus through between throughout "
    "even only just such etc is are was were be been being has have had can could will would should may might must do "
    "does did not no never it they you we he she i please also then thus therefore hence both either neither due "
    "across around against among about above below behind beside beyond near within upon since unless whether although "
    "though however used using features provides offers includes".split()
)
"""Closed classes of English that no noun phrase goes on with: connecting words, pronouns, auxiliaries."""
VERB_STOPS = frozenset(
    "that which who whose when while so because without and or but if where until thanks unless whether although "
    "though however as than it's you you're we our they it is are was were has have will would can could may might "
    "should must please also then even such etc via per including since & +".split()
)
_QUANTITIES = frozenset(
    "all any most many various several select selected other different certain such both every each more much few some "
    "multiple popular specified virtually nearly almost".split()
)
_LEADING = frozenset("for with to in on at of around about during inside use using".split())
_MEASURES = frozenset(
    "size sizes sized kind kinds type types sort sorts variety range number brand brands make makes".split()
)
_FROM_VERBS = frozenset("prevent protect keep save stop shield defend guard block free separate hide".split())
"""Verbs whose object comes from something, which belongs to what is claimed: "prevents food from sticking"."""
_NEEDS_FROM = frozenset(("prevent", "stop"))
_LIST = re.compile(r",(?!\d{3}\b)\s*(?:and\s+|or\s+|&\s+)?|\s+(?:and|or|&|as well as)\s+|\s*/\s*(?=\w{3})")
_CLOSED_LIST = re.compile(r"(?:,\s*|\s)(?:and|or|&|as well as)\s")
_UP_TO = re.compile(r"\b(?:up to|out of|due to|such as|as well|along with|rather than|according to|no more)\b.*")


def cut_nouns(text: str, *, closed: bool, is_name: Callable[[str], bool], unfinished: Container[str]) -> Iterator[str]:
    """The noun phrases of a list: "home, office and school use" is three.

    closed: only a list that "and" or "or" closes is one; else a comma ends the phrase. A name alone, or a word that
    cannot end a phrase, takes the noun of the last entry: "Ford and Lincoln vehicles", "small and large dogs".
    """
    text = _to_stop(_UP_TO.sub("", text))
    entries = [entry for entry in map(_without_quantity, _LIST.split(text)) if entry]
    if closed and not _CLOSED_LIST.search(text):
        entries = entries[:1]
    for at, entry in enumerate(entries[1:], 1):
        entries[at] = [*_shared_names(entries[at - 1], is_name), *entry] if is_number(entry[0]) else entry
    noun = _common_end(entries[-1], is_name) if entries else []
    for entry in entries[:-1]:
        lacks_noun = all(map(is_name, entry)) or (len(entry) == 1 and entry[0] in unfinished)
        yield " ".join([*entry, *noun] if lacks_noun else entry)
    yield from map(" ".join, entries[-1:])


def _to_stop(text: str) -> str:
    """The text before the first word that no noun phrase goes on with."""
    words = text.split()
    end = next((at for at, word in enumerate(words) if at and word.strip(",'-") in NOUN_STOPS), len(words))
    while end and words[end - 1] in ("and", "or", "&"):
        end -= 1
    return " ".join(words[:end]).strip(",'- ")


def _without_quantity(text: str) -> list[str]:
    """The words of a noun phrase without determiners, and without "most", "all kinds of" before it."""
    words = [bare for word in text.split() if (bare := word.strip(",'-"))]
    at = 0
    while at < len(words) and (words[at] in DETERMINERS or words[at] in _QUANTITIES or words[at] in _LEADING):
        at += 1
    if words[at : at + 1] and words[at] in _MEASURES and (at or words[at + 1 : at + 2] == ["of"]) and words[at + 1 :]:
        at += 2 if words[at + 1] == "of" else 1
    return [word for word in words[at:] if word not in DETERMINERS]


def _shared_names(words: Sequence[str], is_name: Callable[[str], bool]) -> Sequence[str]:
    """The names before the number of a model, which models behind it share: "Curve 9300 and 8500 phones"."""
    at = next((at for at, word in enumerate(words) if is_number(word)), 0)
    return words[:at] if all(map(is_name, words[:at])) else ()


def _common_end(words: Sequence[str], is_name: Callable[[str], bool]) -> list[str]:
    """The common nouns that a noun phrase ends in: those behind its names, or else the last word."""
    at = next((at for at in reversed(range(len(words))) if is_name(words[at])), len(words) - 2)
    return list(words[at + 1 :]) if len(words) > 1 else []


@dataclass(frozen=True, slots=True)
class VerbPhrase:
    """A verb with its object."""

    words: list[str]
    behind: str  # the word that it was cut before; "" at the end of the clause, "," in a list


def cut_verbs(text: str) -> VerbPhrase:
    """The verb phrase at the start of a text: the verb, its object, and what the object is kept from."""
    words: list[str] = []
    behind = ""
    every = _UP_TO.sub("", text).split()
    for at, word in enumerate(every):
        bare = word.strip(",'-")
        if words and bare == "you" and words[0] in ("keep", "keeps"):
            words.append(bare)  # the object
            continue
        if words and (bare in VERB_STOPS or (bare in NOUN_STOPS and len(words) > 1 and not _keeps(words, bare))):
            behind = bare
            break
        if bare and not (bare.endswith("ly") and not words) and (not words or bare not in DETERMINERS):
            words.append(bare)
        if word.endswith(",") and at + 1 < len(every):
            behind = ","
            break
    while words and words[-1] in NOUN_STOPS:
        words.pop()
    lost = words and words[0].rstrip("s") in _NEEDS_FROM and "from" in text.split() and "from" not in words
    return VerbPhrase([] if lost or len(words) > LONGEST_TAIL else words, behind)


def _keeps(words: Sequence[str], word: str) -> bool:
    """Whether a verb's phrase goes on with a preposition: "from" what it protects, once."""
    return word in ("from", "against") and words[0].rstrip("s") in _FROM_VERBS and word not in words
