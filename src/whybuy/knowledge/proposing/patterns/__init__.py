"""Surface patterns of intents in queries and texts ("for nurses"); one TOML file per language beside this module."""

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from whybuy.artifacts import digest
from whybuy.errors import ConfigError
from whybuy.relations import Relation, TailKind, parse_relation
from whybuy.text import DETERMINERS, lemma, normalize, tokenize

LONGEST_TAIL = 6  # words
SPECIFIC = 3.0  # the wording itself shows the relation: "what nurses use"
BY_KIND = 1.0  # the kind of the tail decides: "for nurses", "in the nursery"
GUESSED = 0.3  # neither does: "for widgets"
_UNKNOWN_KIND = {"with": BY_KIND, "as": BY_KIND, "in": 0.6, "on": 0.6}  # by the connecting word alone
_NOUN_STOPS = frozenset(
    "that which who when while so because without from in at with during on to than as if where or but by "
    "including like after before over under into until thanks made".split()
)
_VERB_STOPS = frozenset("that which who when while so because without and or but if where until thanks".split())
_CLAUSE = re.compile(
    r"[.;:!?()\[\]|•*\"]+(?:\s|$)|[;!?()\[\]|•*\"]|\s-\s|,\s(?=(?:and |or )?(?:it|this|the|these|our|you|we)\b)"
)
_LIST = re.compile(r",\s*(?:and |or )?|\s+(?:and|or|&)\s+")
_COMPOUND = re.compile(r"\w+-(?:to|of|in|and|the)-(\w+)")  # "back-to-school season" is about neither back nor "to"
_PRONOUNS = frozenset(
    "it them they you yourself we us he she everyone anyone someone everything anything something this that these "
    "those be is are was not no even either both as well also just all every any each so too very".split()
)


_PARTICLES = frozenset(("up", "off", "out", "down", "away", "on", "over", "in", "cleanly", "easily"))
_OURS = frozenset(("our", "my", "job"))


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


class Patterns:
    """The surface patterns and kind lexicons of one language."""

    def __init__(self, language: str, table: Mapping[str, Any], things: frozenset[str] = frozenset()) -> None:
        self.language = language
        self._table, self._things = table, things
        self._queries = [_compile(entry, r"(?P<tail>.+?)", whole_text=True) for entry in table["query"]]
        self._texts = [_compile(entry, r"(?P<tail>.+)", whole_text=False) for entry in table["text"]]
        self._titles = [_compile(entry, r"(?P<tail>.+)", whole_text=False) for entry in table["title"]]
        self._by = {
            by: {_kind_or_none(kind): parse_relation(relation) for kind, relation in kinds.items()}
            for by, kinds in table["by"].items()
        }
        self._words = {name: frozenset(words.split()) for name, words in table["kinds"].items()}
        self._suffixes = {kind: tuple(table["kinds"][f"{kind}_suffixes"].split()) for kind in ("audience", "function")}

    def with_product_types(self, product_types: Iterable[str]) -> "Patterns":
        """The same patterns for a shop whose type names end in words for things: "ceiling fan", "blower"."""
        names = (tokenize(name) for name in product_types)
        return Patterns(self.language, self._table, frozenset(lemma(name[-1], self.language) for name in names if name))

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
            words = (match.groupdict().get("type") or "").strip()
            phrase = self._phrase(pattern, match["tail"], words)
            if phrase is not None:
                phrases.append(phrase)
                break
        return phrases

    def in_text(self, text: str) -> Iterator[Phrase]:
        """The intents that a description or review words, clause by clause."""
        return self._clauses(text, self._texts)

    def in_title(self, title: str) -> Iterator[Phrase]:
        """The intents that a title words; fewer, since titles are rows of nouns."""
        return self._clauses(title, self._titles)

    def _clauses(self, text: str, patterns: Sequence[_Pattern]) -> Iterator[Phrase]:
        for clause in _CLAUSE.split(normalize(text)):
            for pattern in patterns:
                for match in pattern.regex.finditer(clause):
                    for part in self._tails(_stated(pattern, clause, match), verbal=pattern.verbal or pattern.whole):
                        phrase = self._phrase(pattern, part, "")
                        if phrase is not None and phrase.certainty >= BY_KIND and self._states_intent(pattern, phrase):
                            yield phrase

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
        head_at = (
            next((at for at, word in enumerate(words) if at and word in _NOUN_STOPS | {"of", "for"}), len(words)) - 1
        )
        led_by_article = len(every) > 1 and every[1] in DETERMINERS
        if self._is_gerund(words[0]) and (led_by_article or self._leads_verb_phrase(words, head_at)):
            return self._kind_of_doing(words[0])
        return self._kind_of_noun(words, words[head_at])

    def _leads_verb_phrase(self, words: list[str], head_at: int) -> bool:
        """Whether "-ing" leads a verb phrase ("drying hair"), not a thing ("dining room", "wedding guests")."""
        if head_at == 0:
            return True
        if words[0] in self._words["participles"]:
            return False
        if self._governs(words[0]):
            return True
        head = {words[head_at], lemma(words[head_at], self.language)}
        return not any(head & self._words[kind] for kind in ("audience", "location", "event", "concept", "time"))

    def _kind_of_doing(self, gerund: str) -> TailKind:
        is_activity = lemma(gerund, self.language) in self._words["activity_verbs"]
        return TailKind.EVENT if is_activity else TailKind.FUNCTION

    def _kind_of_noun(self, words: list[str], head: str) -> TailKind | None:
        head_lemma = lemma(head, self.language)
        if head_lemma in self._things:
            return None
        for form in (head, head_lemma):  # "training" is an event, though a "train" is a place
            for kind in ("body", "time", "location", "audience", "event", "function", "concept"):
                if form in self._words[kind]:
                    return TailKind[kind.upper()]
        if any(lemma(word, self.language) in self._words["body"] for word in words):
            return TailKind.BODY
        return self._kind_by_ending(head, head_lemma)

    def _kind_by_ending(self, head: str, head_lemma: str) -> TailKind | None:
        """The kind of an unknown word by its ending: "-er" people, "-tion" functions, "-ing" activities."""
        if head_lemma in self._words["not_audience"] or len(head_lemma) < 5:
            return None
        if head_lemma.removesuffix("s").endswith(self._suffixes["audience"]):
            return TailKind.AUDIENCE
        if head_lemma.endswith(self._suffixes["function"]):
            return TailKind.FUNCTION
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
        if not words or len(words) > LONGEST_TAIL or self._is_empty(words):
            return None
        if pattern.relation is not None:
            return Phrase(pattern.relation, tail, type_words, SPECIFIC)
        kind = self.kind(tail)
        relation = self.connected(pattern.by, tail)
        if relation is None:
            return None
        known = kind is not None and kind in self._by[pattern.by]
        return Phrase(relation, tail, type_words, BY_KIND if known else _UNKNOWN_KIND.get(pattern.by, GUESSED))

    def _is_empty(self, words: list[str]) -> bool:
        """Whether a tail names nothing: "everyone", "2 in 1", "the best"."""
        if all(any(letter.isdigit() for letter in word) for word in words):
            return True
        content = [word for word in words if word not in DETERMINERS]
        return len(content) < 2 and all(lemma(word, self.language) in self._words["empty"] for word in content)

    def _states_intent(self, pattern: _Pattern, phrase: Phrase) -> bool:
        """Whether a match in running text states an intent; many phrases of descriptions only look like one."""
        words = tokenize(phrase.tail)
        kind = self.kind(phrase.tail)
        if _PRONOUNS.intersection(words) or (pattern.ends and words[-1] not in pattern.ends):
            return False
        if (pattern.kind is not None and kind is not pattern.kind) or (kind is None and self._is_empty(words[-1:])):
            return False
        content = [word for word in words if word not in DETERMINERS and word not in _PARTICLES]
        if pattern.verbal or pattern.whole:
            return len(content) > 1 and content[-1].isalpha() and not _OURS.intersection(words)
        vague = (
            phrase.relation in (Relation.USED_FOR_FUNCTION, Relation.IS_A) and words[0] not in self._words["function"]
        )
        return len(words) > 1 or not vague

    def _tails(self, text: str, *, verbal: bool) -> Iterator[str]:
        """Cut running text after a pattern to the tails that it names: "home, office and school use" is three."""
        for part in [text] if verbal else _LIST.split(text):
            words: list[str] = []
            for word in part.split():
                bare = word.strip(",'")
                if (words and bare in _VERB_STOPS) or (bare in _NOUN_STOPS and len(words) >= (2 if verbal else 1)):
                    break
                if not words or bare not in DETERMINERS:
                    words.append(bare)
                if word.endswith(","):
                    break
            while words and (words[0] in DETERMINERS or words[0] in _NOUN_STOPS or words[0] == "most"):
                words.pop(0)
            if 0 < len(words) <= LONGEST_TAIL:
                yield " ".join(words)
            if not verbal and part.split() and part.split()[-1].strip(",'") not in words:
                return


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
    )


def _stated(pattern: _Pattern, clause: str, match: re.Match[str]) -> str:
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
