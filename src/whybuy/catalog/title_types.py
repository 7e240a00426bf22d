"""Product types by titles: the head noun, merged by shared words; with what descriptions call their products.

Our design. A title names its type at the end of its first part ("BEHR 1-gal. Wood and Concrete Coating in Gray"): its
head. Not every word that ends a part is one. A head stands there in several titles, of several makers (else it is a
maker's line), and where descriptions point at their product ("this digital camera ...") they call it so now and then.
Words before the head join it when they belong to it more than to others ("area rug", but not "white rug"). A part that
stands alone behind names that do not repeat ("Blue Train - CD") is what these things are, unless descriptions call them
otherwise ("this game": "nintendo wii game"). Where nothing says what a thing is, it has no type.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from whybuy.catalog.called import Called, called, known_name
from whybuy.catalog.titles import NUMERAL, TAIL_NOISE, WEAK_HEADS, TitleParts, singular

_DESCRIBED = 10  # described titles from which a word that none of them is called by is no head
_SELDOM = 0.1  # of the share of all heads that descriptions call their products by
_NEAR_END = 2  # words from the end of a name, a verb among them, within which a rare word is believed to be the head
_USUALLY = 0.5  # share of a word's titles that it heads, from which it may be the head before a rare ending
_NAMELESS = 0.5  # share of the names before a part that do not repeat, from which it stands alone
_ALONE_FEWEST = 20  # titles with a part that stands alone
_BOUND = 0.8  # share of the titles of some words in which one of two words stands before them
_BOUND_FEWEST = 8  # titles from which it shows
_FEW_CARRIED = 5  # described titles from which it shows whether a part that stands alone is what they are called
_DOMINANT = 0.6  # share of the names of such titles by which one holds for all of them
_LONGEST_TYPE = 3  # words


class _Source(Enum):
    """What says where a type's head stands; the value is its share of confidence."""

    CALLED = 1.0
    FIRST = 0.99
    ALONE = 0.9
    LATER = 0.6
    BEFORE_ENDING = 0.59
    ELSEWHERE = 0.5


@dataclass(frozen=True, slots=True)
class _End:
    """Words of a part up to its head."""

    words: tuple[str, ...]
    source: _Source


def types_by_title(
    titles: Sequence[TitleParts], descriptions: Sequence[str], least: int, min_association: float
) -> list[tuple[str, float]]:
    """The type of each title and its confidence in [0, 1]; ("", 0.0) where nothing says what it is.

    least: titles that must share a head. min_association: cosine of two words, over titles that end with them, to make
    one type. The same titles in any order give the same types.
    """
    names = [called(text) for text in descriptions]
    heads = _Heads(titles, names, least)
    alone = _parts_that_stand_alone(titles, heads)
    ends = [_end(title, name, heads, alone) for title, name in zip(titles, names, strict=True)]
    modifiers = _Modifiers(ends, titles, heads, min_association)
    types = [modifiers.name(end) if end else "" for end in ends]
    _name_carriers(types, ends, titles, names, heads)
    frequency = Counter(types)
    known = frozenset(name for name, count in frequency.items() if name and count >= least)
    sources = [end.source if end else _Source.ELSEWHERE for end in ends]
    for row, title in enumerate(titles):
        if not types[row] and not (title.parts and heads.ending(title)[-1] in WEAK_HEADS):
            types[row], sources[row] = known_name(names[row], known, _LONGEST_TYPE), _Source.ELSEWHERE
    frequency = Counter(types)
    return [
        (name, round(source.value * frequency[name] / (frequency[name] + least), 4)) if name else ("", 0.0)
        for name, source in zip(types, sources, strict=True)
    ]


class _Heads:
    """What is known of the words that end the first parts of titles."""

    def __init__(self, titles: Sequence[TitleParts], names: Sequence[Called], least: int) -> None:
        self.least = least
        self._modified = Counter(part[-1] for title in titles for part in title.parts if len(part) > 1)
        self._ends: Counter[str] = Counter()
        self._within: Counter[str] = Counter()
        self._described: Counter[str] = Counter()
        self._called: Counter[str] = Counter()
        makers: dict[str, set[str]] = defaultdict(set)
        for title, name in zip(titles, names, strict=True):
            self._within.update(title.words)
            if not title.parts:
                continue
            head = self.ending(title)[-1]
            self._ends[head] += 1
            makers[head].add(title.maker)
            if title.words & {word for words in name for word in words}:
                self._described[head] += 1
                self._called[head] += any(head in words for words in name)
        self._makers = makers
        self._usual = self._called.total() / max(self._described.total(), 1)
        common = [head for head, count in self._ends.items() if count >= least]
        self.makers_tell = 2 * sum(len(makers[head]) > 1 for head in common) > len(common)

    def ending(self, title: TitleParts) -> tuple[str, ...]:
        """The first part of a title; the second where the first is a name: a lone word that ends no longer part."""
        first = title.parts[0]
        is_name = len(title.parts) > 1 and len(first) == 1 and self._modified[first[-1]] < self.least
        return title.parts[1] if is_name else first

    def count(self, word: str) -> int:
        """Titles whose first part ends with a word."""
        return self._ends[word]

    def usual(self, word: str) -> bool:
        """Whether a word ends the first part of most titles that have it."""
        return self._ends[word] >= _USUALLY * self._within[word]

    def names_types(self, word: str) -> bool:
        """Whether a word at the end of a part says what the thing is."""
        if self._ends[word] < self.least or (self.makers_tell and len(self._makers[word]) < 2):
            return False
        described = self._described[word]
        return described < _DESCRIBED or self._called[word] >= _SELDOM * self._usual * described

    def is_called(self, word: str) -> bool:
        """Whether descriptions call things by a word as often as by most heads."""
        described = self._described[word]
        return self.names_types(word) and described >= _DESCRIBED and self._called[word] >= self._usual * described


# ------------------------------------------------------------------ where the head stands
def _end(title: TitleParts, names: Called, heads: _Heads, alone: frozenset[tuple[str, ...]]) -> _End | None:
    if not title.parts:
        return None
    if title.parts[-1] in alone:
        return _End(title.parts[-1], _Source.ALONE)
    first = heads.ending(title)
    own = _end_called(title, names, heads)
    candidates: list[_End | None] = [own, _end_of(first, _Source.FIRST, heads), _before_ending(first, heads)]
    if not any(candidates):
        candidates += [_end_of(part, _Source.LATER, heads) for part in _things(title)]
    return next(filter(None, candidates), None)


def _things(title: TitleParts) -> list[tuple[str, ...]]:
    """The parts of a title that may name the whole: not later ones that begin with a measure ("15 in. display")."""
    return [part for at, part in enumerate(title.parts) if at == 0 or part[0] != NUMERAL]


def _end_called(title: TitleParts, names: Called, heads: _Heads) -> _End | None:
    """The part that ends with the word by which the description calls the product.

    A word within a part counts where the part's own end names no type: "party machine karaoke system" is a system.
    """
    votes: Counter[str] = Counter()
    for name in names:
        for behind, word in enumerate(reversed(name)):
            if word in title.words and word not in TAIL_NOISE:
                votes[word] += behind < _NEAR_END or heads.count(word) >= heads.least
                break
    found: list[tuple[tuple[int, bool, int], _End]] = []
    for part in _things(title):
        for stop in range(len(part), 0, -1):
            if stop < len(part) and heads.names_types(part[-1]):
                break
            word = singular(part[stop - 1])
            if votes[word] and heads.count(word):
                rank = (votes[word], stop == len(part), heads.count(word))
                found.append((rank, _End((*part[: stop - 1], word), _Source.CALLED)))
    return max(found, key=lambda one: one[0])[1] if found else None


def _end_of(part: tuple[str, ...], source: _Source, heads: _Heads) -> _End | None:
    """A part whose end names a type, or the last piece of its end: "t-fitting"."""
    for head in (part[-1], singular(part[-1].rpartition("-")[2])):
        if heads.names_types(head):
            return _End((*part[:-1], head), source)
    return None


def _before_ending(part: tuple[str, ...], heads: _Heads) -> _End | None:
    """The last word before a rare ending that usually is a head: "leg pants boho hippie"."""
    for stop in range(len(part) - 1, 0, -1):
        word = singular(part[stop - 1])
        if word not in TAIL_NOISE and word not in WEAK_HEADS and heads.names_types(word) and heads.usual(word):
            return _End((*part[: stop - 1], word), _Source.BEFORE_ENDING)
    return None


def _parts_that_stand_alone(titles: Sequence[TitleParts], heads: _Heads) -> frozenset[tuple[str, ...]]:
    """Last parts that stand behind names which do not repeat: "dvd", not "ebony"."""
    often = max(heads.least, len(titles) // 2000)
    counts: Counter[tuple[str, ...]] = Counter()
    nameless: Counter[tuple[str, ...]] = Counter()
    for title in titles:
        if len(title.parts) > 1:
            counts[title.parts[-1]] += 1
            nameless[title.parts[-1]] += heads.count(title.parts[0][-1]) < often
    return frozenset(
        part
        for part, count in counts.items()
        if count >= max(_ALONE_FEWEST, often) and nameless[part] >= _NAMELESS * count
    )


# ------------------------------------------------------------------ what the type is called
class _Modifiers:
    """Which words before a head belong to it."""

    def __init__(
        self, ends: Sequence[_End | None], titles: Sequence[TitleParts], heads: _Heads, min_association: float
    ) -> None:
        self._least, self._makers_tell, self._min_association = heads.least, heads.makers_tell, min_association
        self._last: dict[str, str] = {}
        self._count: Counter[tuple[str, ...]] = Counter()  # by the last words, one to three
        self._modifies: Counter[str] = Counter()
        self._before: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        self._makers: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for end, title in zip(ends, titles, strict=True):
            if end is None:
                continue
            if end.source is _Source.ALONE:
                self._last[" ".join(end.words)] = title.last
            for length in range(1, min(len(end.words), _LONGEST_TYPE) + 1):
                self._count[end.words[-length:]] += 1
                self._makers[end.words[-length:]].add(title.maker)
                if len(end.words) > length:
                    self._before[end.words[-length:]][end.words[-length - 1]] += 1
            if len(end.words) > 1:
                self._modifies[end.words[-2]] += 1

    def name(self, end: _End) -> str:
        """The type that a part ends with; "" for a weak head without a modifier."""
        if end.source is _Source.ALONE:
            return self._last[" ".join(end.words)]
        *_, head = end.words
        weak = head in WEAK_HEADS
        pair = end.words[-2:]
        if len(pair) < 2 or _is_filler(pair[0]):
            return "" if weak else head
        if weak:
            return " ".join(pair) if end.source is _Source.CALLED or self._is_shared(pair) else ""
        association = self._count[pair] / math.sqrt(self._modifies[pair[0]] * self._count[pair[1:]])
        if association < self._min_association or not self._is_shared(pair):
            return head
        triple = end.words[-3:]
        if len(triple) < 3 or _is_filler(triple[0]) or not self._is_bound(pair) or self._is_bound(triple):
            return " ".join(pair)
        return " ".join(triple if self._is_shared(triple) else pair)

    def _is_shared(self, words: tuple[str, ...]) -> bool:
        """Whether enough titles end so, of more than one maker where makers tell."""
        return self._count[words] >= self._least and (not self._makers_tell or len(self._makers[words]) > 1)

    def _is_bound(self, words: tuple[str, ...]) -> bool:
        """Whether words need the word before them: "door refrigerator", nearly always French or four."""
        before = [count for word, count in self._before[words].most_common(3) if word != NUMERAL]
        return self._count[words] >= _BOUND_FEWEST and sum(before[:2]) >= _BOUND * self._count[words]


def _is_filler(word: str) -> bool:
    return word in TAIL_NOISE or word == NUMERAL


def _name_carriers(
    types: list[str],
    ends: Sequence[_End | None],
    titles: Sequence[TitleParts],
    names: Sequence[Called],
    heads: _Heads,
) -> None:
    """Give parts that stand alone, but by which no description calls its product, the noun that descriptions use."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, end in enumerate(ends):
        if end is not None and end.source is _Source.ALONE:
            rows[types[row]].append(row)
    for carrier, members in rows.items():
        described = [row for row in members if names[row]]
        own = sum(bool(set(titles[row].parts[-1]) & set(_words(names[row]))) for row in described)
        if len(described) < _FEW_CARRIED or own > _SELDOM * len(described):
            continue
        nouns = Counter(word for row in described for word in set(_words(names[row])) if heads.is_called(word))
        ranked = [
            noun for noun, count in sorted(nouns.items(), key=lambda one: (-one[1], one[0])) if count >= heads.least
        ]
        ranked = ranked[:3]
        total = sum(nouns[noun] for noun in ranked)
        usual = ranked[0] if ranked and nouns[ranked[0]] >= _DOMINANT * total else ""
        for row in members:
            noun = next((noun for noun in ranked if noun in set(_words(names[row]))), usual)
            types[row] = f"{carrier} {noun}" if noun else ""


def _words(names: Called) -> Iterator[str]:
    return (word for name in names for word in name)
