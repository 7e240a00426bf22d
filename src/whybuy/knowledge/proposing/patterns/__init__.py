"""Surface patterns of intents in queries and texts ("for nurses"); one TOML file per language beside this module."""

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import chain
from typing import Any

from whybuy.artifacts import digest
from whybuy.errors import ConfigError
from whybuy.knowledge.proposing.patterns.clauses import clauses, pairs
from whybuy.knowledge.proposing.patterns.shop_words import NO_WORDS, ShopWords, is_number
from whybuy.knowledge.proposing.patterns.tails import LONGEST_TAIL, NOUN_STOPS, VerbPhrase, cut_nouns, cut_verbs
from whybuy.relations import Relation, TailKind, parse_relation
from whybuy.text import DETERMINERS, canonical, is_dictionary_word, lemma, normalize, tokenize

SPECIFIC = 3.0  # the wording itself shows the relation: "what nurses use"
BY_KIND = 1.0  # the kind of the tail decides: "for nurses", "in the nursery"
GUESSED = 0.3  # neither does: "for widgets"
_UNKNOWN_KIND = {"with": BY_KIND, "as": BY_KIND, "in": 0.6, "on": 0.6}  # by the connecting word alone
_HEAD_STOPS = frozenset(
    "that which who when while so because without from in at with during on to than as if where or but by of for "
    "including like after before over under into until thanks made".split()
)
_COMPOUND = re.compile(r"\w+-(?:to|of|in|and|the)-(\w+)")  # "back-to-school season" is about neither back nor "to"
_PRONOUNS = frozenset(
    "it them they you yourself we us he she everyone anyone someone everything anything something this that these "
    "those be is are was not no even either both as well also just all every any each so too very".split()
)


_CODE = re.compile(r"\d{3,}|[a-z]+\d{2,}[a-z]*")  # of a model: "9700", "v300"
_MANNER = re.compile(r"ly$|^(?:right|well)$")
_KINDS = ("body", "time", "location", "audience", "event", "function", "concept")
_NEGATED = re.compile(r"\b(?:not|never|no|without|isn't|aren't|don't|doesn't|cannot|can't|avoid|nor)(?: \w+){0,2} ?$")
_PARTICLES = frozenset(("up", "off", "out", "down", "away", "on", "over", "in", "cleanly", "easily"))
_JOINING = frozenset((",", "and", "or", "&", "+"))
_GOVERNED = frozenset(("against", "from", "to", "through", "up", "out"))  # what verbs of abilities take
_OURS = frozenset(("our", "my", "job"))
_UNFIT = {
    Relation.USED_WITH: (TailKind.AUDIENCE, TailKind.TIME, TailKind.EVENT, TailKind.BODY, TailKind.FUNCTION),
    Relation.USED_AS: (TailKind.TIME, TailKind.EVENT, TailKind.LOCATION, TailKind.BODY, TailKind.AUDIENCE),
    Relation.X_INTERESTED_IN: (TailKind.AUDIENCE, TailKind.BODY, TailKind.LOCATION),
}
"""Kinds of tails that a relation cannot have, where lists were misread: "as a birthday, anniversary, holiday gift"."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """An intent found in a text: the words that name it and the relation that its wording shows."""

    relation: Relation
    tail: str  # normalized words
    type_words: str  # the words beside it that name the product; empty when there are none
    certainty: float  # weight of its vote on the relation: `SPECIFIC`, `BY_KIND` or `GUESSED`


@dataclass(frozen=True, slots=True)
class _Pattern:
    regex: re.Pattern[str]
    relation: Relation | None  # None: the kind of the tail decides
    by: str  # which table of kinds decides
    verbal: bool  # the tail is a verb phrase
    whole: bool  # the tail starts with the verb of the match
    kind: TailKind | None  # what the tail must name
    ends: frozenset[str]  # words of which the tail must reach one: "keep your desk ... tidy"; empty: anywhere
    things: bool  # the tail may name goods of the shop
    alone: bool  # the tail must end with the clause: "To protect your phone."


class Patterns:
    """The surface patterns and kind lexicons of one language."""

    def __init__(
        self,
        language: str,
        table: Mapping[str, Any],
        things: frozenset[str] = frozenset(),
        words: ShopWords = NO_WORDS,
    ) -> None:
        self.language = language
        self._table, self._things, self._shop = table, things, words
        self._queries = [_compile(entry, r"(?P<tail>.+?)", whole_text=True) for entry in table["query"]]
        self._texts = [_compile(entry, r"(?P<tail>.+)", whole_text=False) for entry in table["text"]]
        self._titles = [_compile(entry, r"(?P<tail>.+)", whole_text=False) for entry in table["title"]]
        self._specs = [_compile(entry, "", whole_text=False) for entry in table["spec"]]
        self._by = {
            by: {_kind_or_none(kind): parse_relation(relation) for kind, relation in kinds.items()}
            for by, kinds in table["by"].items()
        }
        self._words = {name: frozenset(words.split()) for name, words in table["kinds"].items()}
        self._states = frozenset[str]().union(*(pattern.ends for pattern in self._texts))
        self._lexicon = frozenset(word for name in _KINDS for word in self._words[name])
        self._suffixes = {kind: tuple(table["kinds"][f"{kind}_suffixes"].split()) for kind in ("audience", "function")}

    def with_product_types(self, product_types: Iterable[str]) -> "Patterns":
        """The same patterns for a shop whose type names end in words for things: "ceiling fan", "blower"."""
        names = (tokenize(name) for name in product_types)
        things = frozenset(form for name in names if name for form in (name[-1], lemma(name[-1], self.language)))
        return Patterns(self.language, self._table, things, self._shop)

    def with_shop_words(self, words: ShopWords) -> "Patterns":
        """The same patterns for a shop whose texts show what is a name, a thing, or no end of a phrase."""
        return Patterns(self.language, self._table, self._things, words)

    @property
    def digest(self) -> str:
        """Hash of the pattern file; a change makes a build mine anew."""
        return digest(self.language, repr(self._table))

    def in_query(self, query: str) -> list[Phrase]:
        """The intents that a normalized query words explicitly, the most specific reading first; often none."""
        phrases = []
        for pattern in self._queries:
            match = pattern.regex.fullmatch(query)
            if match is None:
                continue
            if pattern.relation is Relation.X_INTERESTED_IN and self._is_followed_by_thing(query, match):
                continue
            words = (match.groupdict().get("type") or "").strip()
            phrase = self._phrase(pattern, match["tail"], words)
            if phrase is not None:
                phrases.append(phrase)
                break
        return phrases

    def _is_followed_by_thing(self, query: str, match: re.Match[str]) -> bool:
        """Whether the word behind the tail names goods of the shop: "light for ceiling fans" is for no enthusiasts."""
        return any(lemma(word, self.language) in self._things for word in tokenize(query[match.end("tail") :])[:1])

    def in_text(self, text: str) -> Iterator[Phrase]:
        """The intents that a description or review words, clause by clause, and its `name: value` lines; each once."""
        told = (phrase for name, value in pairs(text) for phrase in self.in_attribute(name, value))
        every = chain(self._in_clauses(text, self._texts), told)
        yield from {(phrase.relation, phrase.tail): phrase for phrase in every}.values()

    def in_title(self, title: str) -> Iterator[Phrase]:
        """The intents that a title words; fewer, since titles are rows of nouns."""
        return self._in_clauses(title, self._titles)

    def in_attribute(self, name: str, value: str) -> Iterator[Phrase]:
        """The intents that an attribute tells ("occasion: party"), or its value words ("fits: works with pens")."""
        name, value = normalize(name), normalize(value)
        for pattern in self._specs:
            if pattern.regex.fullmatch(name):
                value = value.replace("|", ",")
                yield from list(self._in_clauses(value, self._texts)) or self._stated(pattern, value)
                return

    def _in_clauses(self, text: str, patterns: Sequence[_Pattern]) -> Iterator[Phrase]:
        for clause in clauses(text, self._shop.title_words):
            for pattern in patterns:
                for match in pattern.regex.finditer(clause):
                    if not _NEGATED.search(clause[: match.start()]):
                        yield from self._stated(pattern, _tail_text(pattern, clause, match))

    def _stated(self, pattern: _Pattern, text: str) -> Iterator[Phrase]:
        """The intents of the running text that a pattern takes for the tail."""
        of_needs = False  # a list that begins with people or places ends where things follow: those are features
        for tail in self._tails(pattern, text):
            phrase = self._phrase(pattern, tail, "")
            if phrase is None or phrase.certainty < BY_KIND or not self._states_intent(pattern, phrase):
                continue
            is_thing = pattern.things and phrase.relation is Relation.USED_WITH
            if is_thing and of_needs:
                return
            of_needs = of_needs or not is_thing
            yield phrase

    def _tails(self, pattern: _Pattern, text: str) -> Iterator[str]:
        shop = self._shop
        if pattern.verbal or pattern.whole:
            cut = cut_verbs(text)
            if cut.words and not (pattern.alone and cut.behind == ",") and self._is_whole_act(cut, pattern):
                yield " ".join([self._base(cut.words[0]) if pattern.whole else cut.words[0], *cut.words[1:]])
            return
        closed = pattern.relation is not None
        tails = list(cut_nouns(text, closed=closed, is_name=shop.is_name, unfinished=shop.unfinished))
        people = sum(self.kind(tail) is TailKind.AUDIENCE for tail in tails)
        for tail in chain.from_iterable(map(self._each_of_people, tails)):
            if self._only_looks_like_people(tail, alone=people < 2):
                continue
            every = [self._without_model(tail), tail] if pattern.relation is Relation.USED_WITH else [tail]
            yield from (told for told in dict.fromkeys(every) if 0 < len(told.split()) <= LONGEST_TAIL)

    def _base(self, verb: str) -> str:
        """A verb as it stands behind "can": "protects" is "protect"."""
        return lemma(verb, self.language) if verb.endswith("s") else verb

    def _each_of_people(self, tail: str) -> list[str]:
        """The words of a row of people without commas, as titles have it: "women men"."""
        words = tail.split()
        every = all(lemma(word, self.language) in self._words["audience"] and lemma(word) != word for word in words)
        return words if len(words) > 1 and every else [tail]

    def _only_looks_like_people(self, tail: str, *, alone: bool) -> bool:
        """Whether a word that only ends as those of people do is singular, or names of goods stand before it.

        In a list with other people, it may be singular: "carpenter, plumber or electrician".
        """
        words = tokenize(tail)
        if self.kind(tail) is not TailKind.AUDIENCE or not words:
            return False
        if any(map(self._shop.is_name, words[:-1])):
            return True
        return alone and not self._names_people(tail) and lemma(words[-1], self.language) == words[-1]

    def _without_model(self, tail: str) -> str:
        """A name without the number of its model, and what stands between it and the noun: "BlackBerry phones"."""
        words = tail.split()
        while len(words) > 1 and _CODE.fullmatch(words[0]):
            words.pop(0)
        first = next((at for at, word in enumerate(words) if is_number(word)), len(words))
        last = next((at for at in reversed(range(first, len(words))) if self._shop.is_name(words[at])), len(words))
        return " ".join([*words[:first], *words[last + 1 :]]) if words[:first] else " ".join(words)

    def connected(self, by: str, tail: str) -> Relation | None:
        """The relation of an intent behind a connecting word ("for", "in", "on", "with", "as", "is"), by its kind."""
        relations, kind = self._by[by], self.kind(tail)
        if by == "as" and kind is TailKind.AUDIENCE and not self._names_people(tail):
            kind = None  # a thing whose name ends as those of people do: "as a makeup primer"
        return relations.get(kind) or relations.get(None)

    def bare(self, tail: str) -> Relation | None:
        """The relation of an intent without a connecting word, by its kind; None where the kind has none."""
        words = tokenize(tail)
        head = lemma(words[-1], self.language) if words else ""
        if len(words) < 2 and head in self._words["not_bare"]:
            return None
        kind = self.kind(tail)
        if kind is TailKind.AUDIENCE and not self._names_people(tail):
            return None
        return None if kind is None else self._by["bare"].get(kind)

    def _names_people(self, tail: str) -> bool:
        """Whether the last word is one for people or pets, and does not only end like one."""
        words = tokenize(tail)
        return bool(words) and lemma(words[-1], self.language) in self._words["audience"]

    @functools.lru_cache(maxsize=100_000)  # noqa: B019 - one instance per language and process
    def kind(self, tail: str) -> TailKind | None:
        """What a phrase names, by its head word; None when the lexicon lacks it."""
        every = tokenize(_COMPOUND.sub(r"\1", tail))
        words = [word for word in every if word not in DETERMINERS]
        if not words:
            return None
        head_at = next((at for at, word in enumerate(words) if at and word in _HEAD_STOPS), len(words)) - 1
        led_by_article = len(every) > 1 and every[1] in DETERMINERS
        if self._is_gerund(words[0]) and (led_by_article or self._leads_verb_phrase(words, head_at)):
            return self._kind_of_doing(words[0])
        return self._kind_of_noun(words, words[head_at])

    def _leads_verb_phrase(self, words: list[str], head_at: int) -> bool:
        """Whether "-ing" leads a verb phrase ("drying hair"), not a thing ("dining room", "wedding guests")."""
        if head_at == 0:
            return True
        if words[0] in self._words["participles"] or self._is_sold(words[:2]):
            return False
        if self._governs(words[0]):
            return True
        head = {words[head_at], lemma(words[head_at], self.language)}
        return not any(head & self._words[kind] for kind in ("audience", "location", "event", "concept", "time"))

    def _is_good(self, words: Sequence[str]) -> bool:
        """Whether a phrase that could name people names goods: "mp3 players"."""
        ends = " ".join(lemma(word, self.language) for word in words[-2:])
        return (
            len(words) > 1
            and (ends in self._shop.goods or any(map(is_number, words[-2:-1])))
            and (lemma(words[-1], self.language) in self._words["audience"])
        )

    def _is_sold(self, words: Sequence[str]) -> bool:
        """Whether titles name goods with these words: "sliding door"."""
        return " ".join(lemma(word, self.language) for word in words) in self._shop.sold

    def _kind_of_doing(self, gerund: str) -> TailKind:
        is_activity = lemma(gerund, self.language) in self._words["activity_verbs"]
        return TailKind.EVENT if is_activity else TailKind.FUNCTION

    def _kind_of_noun(self, words: list[str], head: str) -> TailKind | None:
        head_lemma = lemma(head, self.language)
        if self._names_no_kind(words, head, head_lemma):
            return None
        pair = "-".join(lemma(word, self.language) for word in words[-2:])
        for form in (pair, head, head_lemma):  # "training" is an event, though a "train" is a place
            for kind in _KINDS:
                if form in self._words[kind]:
                    return TailKind[kind.upper()]
        if head_lemma in self._shop.sold and not (self._is_gerund(head) and head_lemma in self._things):
            return None
        return TailKind.BODY if any(map(self._names_body, words)) else self._kind_by_ending(head, head_lemma)

    def _names_no_kind(self, words: list[str], head: str, head_lemma: str) -> bool:
        """Whether a noun phrase names a thing, a length ("6 feet") or a doer ("persons sharing"), no need."""
        known = head_lemma in self._lexicon
        if self._ends_things(head) and not (self._shop.sold and known and not self._is_also_done(head)):
            return True
        if (head in self._shop.names and head not in self._lexicon) or self._is_good(words):
            return True
        before = words[-2] if len(words) > 1 else ""
        if before.isdigit() and head_lemma in self._words["body"] | self._words["event"]:
            return True
        doer = bool(before) and lemma(before, self.language) != before
        return bool(self._shop.sold) and doer and self._is_gerund(head)

    def _is_also_done(self, head: str) -> bool:
        """Whether a word for goods is an event as a verb alone: "paint" in a shop that sells it, not "painting"."""
        return lemma(head, self.language) in self._words["activity_verbs"]

    def _names_body(self, word: str) -> bool:
        """Whether a word is one for a part of the body, not formed from it ("bodied") or a name ("Palm")."""
        base = lemma(word, self.language)
        formed = bool(self._shop.sold) and word.endswith(("ed", "ing"))
        return base in self._words["body"] and word not in self._shop.names and not formed

    def _kind_by_ending(self, head: str, head_lemma: str) -> TailKind | None:
        """The kind of an unknown word by its ending: "-er" people, "-tion" functions, "-ing" activities."""
        if head_lemma in self._words["not_audience"] or len(head_lemma) < 5:
            return None
        if head_lemma.removesuffix("s").endswith(self._suffixes["audience"]):
            return TailKind.AUDIENCE
        if head_lemma.endswith(self._suffixes["function"]):
            return None if head_lemma in self._words["not_function"] else TailKind.FUNCTION
        return self._kind_of_doing(head) if self._is_gerund(head) else None

    def _is_gerund(self, word: str) -> bool:
        """Whether "-ing" is an inflection: "drying", not "spring"."""
        return word.endswith("ing") and (lemma(word, self.language) != word or self._governs(word))

    def _governs(self, gerund: str) -> bool:
        """Whether what stands behind an "-ing" word is done something to: "repelling rabbits"."""
        return {lemma(gerund, self.language), gerund.removesuffix("ing")} & self._words["governing_verbs"] != set()

    def _phrase(self, pattern: _Pattern, tail: str, type_words: str) -> Phrase | None:
        tail = tail.strip(" ,'-")
        words = tokenize(tail)
        if not words or len(tail.split()) > LONGEST_TAIL or self._is_empty(words):
            return None
        if pattern.relation is not None:
            return Phrase(pattern.relation, tail, type_words, SPECIFIC)
        kind = self.kind(tail)
        relation = self.connected(pattern.by, tail)
        if relation is None:
            return None
        known = kind in self._by[pattern.by] if kind else pattern.things and self._is_thing(tail)
        return Phrase(relation, tail, type_words, BY_KIND if known else _UNKNOWN_KIND.get(pattern.by, GUESSED))

    def _is_thing(self, tail: str) -> bool:
        """Whether a phrase names one of the goods of the shop, in whose texts it stands."""
        words = tokenize(tail)
        return bool(words) and bool(self._shop.sold) and self._ends_things(words[-1])

    def _ends_things(self, word: str) -> bool:
        """Whether type names end in this word, which is not what is done with such a thing: "drilling"."""
        return word in self._things or (lemma(word, self.language) in self._things and not self._is_gerund(word))

    def _is_empty(self, words: list[str]) -> bool:
        """Whether a tail names nothing: "everyone", "2 in 1", "the best"."""
        if all(any(letter.isdigit() for letter in word) for word in words):
            return True
        content = [word for word in words if word not in DETERMINERS]
        return len(content) < 2 and all(lemma(word, self.language) in self._words["empty"] for word in content)

    def _states_intent(self, pattern: _Pattern, phrase: Phrase) -> bool:
        """Whether a match in running text states an intent; many phrases of descriptions only look like one."""
        words = tokenize(phrase.tail)
        said = frozenset(phrase.tail.split()) - ({"you"} if pattern.ends else frozenset())
        if _PRONOUNS.intersection(said) or (pattern.ends and words[-1] not in pattern.ends):
            return False
        if words[-1] in self._shop.unfinished and not words[-1].endswith("s") and not pattern.ends:
            return False
        return pattern.verbal or pattern.whole or self._names_intent(pattern, phrase, words)

    def _is_whole_act(self, cut: VerbPhrase, pattern: _Pattern) -> bool:
        """Whether a verb phrase says what is done to what: not "keep hands", "eliminate the need", "take crisp"."""
        words = cut.words
        content = [word for word in words if word not in DETERMINERS and word not in _PARTICLES]
        if len(content) < 2 or not (words[0].isalpha() and content[-1].isalpha()) or _OURS.intersection(words):
            return False
        if not self._words["comparing"].isdisjoint(words):
            return False
        if self._shop.is_name(words[0]) or (cut.behind in _JOINING and words[-1] in self._shop.modifiers):
            return False
        if pattern.whole and words[1] in NOUN_STOPS - _GOVERNED - {"you"}:
            return False
        if pattern.whole and len(words) == 2 and (cut.behind == "to" or _MANNER.search(words[1])):
            return False
        return self._has_its_object(cut, content[1:])

    def _has_its_object(self, cut: VerbPhrase, content: list[str]) -> bool:
        """Whether a verb has the object or complement that it needs to say something."""
        words, verb = cut.words, lemma(cut.words[0], self.language)
        if verb in self._words["linking_verbs"]:
            return False
        if verb == "keep":
            return words[1:2] == ["in"] or (len(content) > 1 and (words[-1] in self._states or "from" in words))
        if cut.behind and verb in self._words["light_verbs"] and cut.behind not in ("while", "when"):
            return False
        return len(content) > 1 or lemma(content[-1], self.language) not in self._words["no_object"]

    def _names_intent(self, pattern: _Pattern, phrase: Phrase, words: list[str]) -> bool:
        """The same of a noun phrase: of the kind that the pattern wants, not empty, not only who makes things."""
        kind, relation = self.kind(phrase.tail), phrase.relation
        if lemma(words[-1], self.language) in self._words["anybody"]:
            return False
        if (pattern.kind is not None and kind is not pattern.kind) or kind in _UNFIT.get(relation, ()):
            return False
        may_be_empty = kind is None or relation in (Relation.IS_A, Relation.USED_AS)
        if may_be_empty and pattern.relation is not Relation.USED_WITH and self._is_empty(words[-1:]):
            return False
        if kind is None and self._ends_no_noun(words[-1]):
            return False
        if canonical(phrase.tail, self.language) in self._shop.makers:
            return False
        return len(words) > 1 or self._says_enough(pattern, relation, kind, words[0])

    def _ends_no_noun(self, word: str) -> bool:
        """Whether a word is an adverb ("perfectly") or a participle ("use as directed"), which ends no noun phrase."""
        if word.endswith("ly"):
            return len(word) > 6 and is_dictionary_word(word[:-2], self.language)
        return word.endswith("ed") and lemma(word, self.language) != word

    def _says_enough(self, pattern: _Pattern, relation: Relation, kind: TailKind | None, word: str) -> bool:
        """Whether a single word names a need: not "back", "improvement" or "dry"."""
        if kind is TailKind.BODY and lemma(word, self.language) in self._words["not_bare"]:
            return pattern.by == "for"
        if relation is Relation.USED_WITH:
            return word not in self._shop.modifiers
        return relation not in (Relation.USED_FOR_FUNCTION, Relation.IS_A) or word in self._words["function"]


def _kind_or_none(name: str) -> TailKind | None:
    return None if name == "unknown" else TailKind[name.upper()]


def _compile(entry: Mapping[str, Any], tail: str, *, whole_text: bool) -> _Pattern:
    source = (
        entry["pattern"].replace("{tail_verb}", "{tail}").replace("{tail}", tail).replace("{type}", r"(?P<type>.+?)")
    )
    relation = parse_relation(entry["relation"]) if "relation" in entry else None
    if whole_text:
        source = _name_types_once(source)
    return _Pattern(
        regex=re.compile(source),
        relation=relation,
        by=entry.get("by", ""),
        verbal="{tail_verb}" in entry["pattern"],
        whole=entry.get("whole", False),
        kind=TailKind[entry["kind"].upper()] if "kind" in entry else None,
        ends=frozenset(entry.get("ends", "").split()),
        things=entry.get("things", False),
        alone=entry.get("alone", False),
    )


def _tail_text(pattern: _Pattern, clause: str, match: re.Match[str]) -> str:
    """The words of a clause that a pattern takes for the tail; empty when it does not reach one of its ends."""
    start = match.start("verb") if "verb" in match.groupdict() else match.start()
    text = clause[start:] if pattern.whole else match["tail"]
    if not pattern.ends:
        return text
    words = text.split()[: LONGEST_TAIL + 1]
    ends = [at for at, word in enumerate(words) if word.strip(",'") in pattern.ends]
    return " ".join(words[: ends[0] + 1]).strip(",'") if ends else ""


def _name_types_once(source: str) -> str:
    """A pattern may offer two places for the type; regular expressions allow a group name once."""
    first, *others = source.split("(?P<type>")
    if not others:
        return source
    return first + "(?P<type>" + "(?:".join(others)


@functools.cache
def load_patterns(language: str) -> Patterns:
    """The patterns of a language.

    Raises:
        ConfigError: there is no pattern file for it.
    """
    file = resources.files(__name__) / f"{language}.toml"
    if not file.is_file():
        available = sorted(
            entry.name[:-5] for entry in resources.files(__name__).iterdir() if entry.name.endswith(".toml")
        )
        raise ConfigError(
            f"There are no surface patterns for language {language!r}; there are for {', '.join(available)}. "
            f"Add knowledge/proposing/patterns/{language}.toml, or set language in the [shop] table of store.toml."
        )
    return Patterns(language, tomllib.loads(file.read_text(encoding="utf-8")))
