"""Queries → needs: the part of a query that says why, and which relation it stands in."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from whybuy.knowledge.proposing.patterns import BY_KIND, Patterns, Phrase
from whybuy.relations import Relation
from whybuy.text import FUNCTION_WORDS, canonical, lemma, ngrams, tokenize

_MAY_END_IN_PRODUCT = (Relation.X_WANT, Relation.X_IS_A, Relation.X_INTERESTED_IN)  # "i want to play tennis racket"
BARE_VOTE = 0.5  # what the mere mention of a need says about its relation
COMMONLY_SAID = 0.5  # share of the purchases whose product says a word, from which the word names the product
LONGEST_BARE = 5  # words


@dataclass(frozen=True, slots=True)
class AskedQuery:
    """A query that led to purchases, with what its purchased products say themselves."""

    text: str
    weight: float  # purchases
    said: Mapping[str, float]  # lemma of the query → share of the purchases whose product says it


@dataclass(frozen=True, slots=True)
class Need:
    """One query read as a need."""

    query: str
    relation: Relation
    key: str  # canonical tail
    wording: str
    confidence: float  # share of the votes for this relation, in [0, 1]


class TypeWords:
    """The words by which shoppers name kinds of products: the shop's type names, their heads, and learned ones."""

    def __init__(self, type_names: Iterable[str]) -> None:
        keys = [key for name in type_names if (key := canonical(name))]
        self.own = frozenset([*keys, *(key.split()[-1] for key in keys)])
        self._phrases = set(self.own)

    def learn(self, phrases: Iterable[tuple[str, str]], *, least_needs: int = 3) -> None:
        """Add product words that stand beside several different needs: (product words, canonical need).

        What is itself needed of more products is none: "camping" of "camping gear for beginners".
        """
        needs, products = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
        for words, need in phrases:
            needs[canonical(words)].add(need)
            products[need].add(words)
        often = {words for words, found in needs.items() if words and len(found) >= least_needs}
        self._phrases |= {words for words in often if len(products[words]) <= len(needs[words])}

    def __contains__(self, phrase: str) -> bool:
        """Whether a canonical phrase names a kind of product."""
        return phrase in self._phrases

    def span(self, words: list[str]) -> tuple[int, int] | None:
        """Where the longest product name stands among the words, the last one if several; None when there is none."""
        keys = [lemma(word) for word in words]
        best: tuple[int, int] | None = None
        for start, end in ngrams(words, 4):
            if " ".join(keys[start:end]) in self._phrases and (best is None or end - start == best[1] - best[0]):
                best = (start, end)
        return best


def read_needs(queries: Iterable[AskedQuery], type_names: Iterable[str], patterns: Patterns) -> list[Need]:
    """Read every query; explicit wordings vote on the relation of each need, then bare mentions join them.

    Returns: at most one need per query, in the order of the queries.
    """
    queries = list(queries)
    phrases = {query.text: phrase for query in queries for phrase in patterns.in_query(query.text)[:1]}
    type_words = TypeWords(type_names)
    type_words.learn((phrase.type_words, canonical(phrase.tail)) for phrase in phrases.values() if phrase.type_words)
    candidates = (_read(query, phrases.get(query.text), type_words, patterns) for query in queries)
    readings = [reading for reading in candidates if reading.key and reading.key not in type_words]
    elected = _elections(readings, type_words)
    return [
        Need(reading.query.text, relation, reading.key, reading.wording, share)
        for reading in readings
        if reading.key in elected
        for relation, share in [elected[reading.key]]
    ]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one query says of a need, before the queries have voted."""

    query: AskedQuery
    wording: str
    key: str  # canonical wording
    relation: Relation | None
    certainty: float


def _read(query: AskedQuery, phrase: Phrase | None, type_words: TypeWords, patterns: Patterns) -> _Reading:
    if phrase is not None:
        wording = _explicit(phrase, query, type_words)
        return _Reading(query, wording, canonical(wording), phrase.relation, phrase.certainty)
    wording = _bare(query, type_words)
    relation, certainty = (patterns.bare(wording), BARE_VOTE) if wording else (None, 0.0)
    return _Reading(query, wording, canonical(wording), relation, certainty)


def _elections(readings: Iterable[_Reading], type_words: TypeWords) -> dict[str, tuple[Relation, float]]:
    """The relation with the most votes and its share of them, by need.

    A need must be voted for, and be more than guessed in one query, or be a thing that the shop sells.
    """
    votes: defaultdict[str, defaultdict[Relation, float]] = defaultdict(lambda: defaultdict(float))
    sure: set[str] = set()
    for reading in readings:
        if reading.relation is not None:
            votes[reading.key][reading.relation] += reading.certainty * reading.query.weight
        if reading.certainty >= BARE_VOTE or reading.key.split()[-1] in type_words.own:
            sure.add(reading.key)
    return {key: _elected(votes[key]) for key in sure & votes.keys()}


def _elected(votes: Mapping[Relation, float]) -> tuple[Relation, float]:
    relation, count = max(votes.items(), key=lambda vote: (vote[1], vote[0]))
    return relation, count / sum(votes.values())


def _explicit(phrase: Phrase, query: AskedQuery, type_words: TypeWords) -> str:
    """The tail of an explicit wording, without product names at its ends; empty when the products say it themselves."""
    words = phrase.tail.split()
    if phrase.type_words:
        words = _without_start(words, phrase.type_words.split()[-1], type_words)
    elif phrase.relation in _MAY_END_IN_PRODUCT:
        words = _without_end(words, type_words)
    while words and words[-1] in FUNCTION_WORDS:
        words.pop()
    own_words = phrase.certainty > BY_KIND
    return " ".join(words) if own_words or not _is_said(words, query) else ""


def _without_start(words: list[str], beside: str, type_words: TypeWords) -> list[str]:
    """The words after the rest of a product name that began beside them: "car | seat for toddlers"."""
    for length in (2, 1):
        if length < len(words) and canonical(" ".join([beside, *words[:length]])) in type_words:
            return words[length:]
    return words


def _without_end(words: list[str], type_words: TypeWords) -> list[str]:
    """The words before a product name: "play tennis | racket"."""
    for length in (3, 2, 1):
        if length < len(words) and canonical(" ".join(words[-length:])) in type_words.own:
            return words[:-length]
    return words


def _is_said(words: list[str], query: AskedQuery) -> bool:
    """Whether the purchased products say most of these words themselves."""
    content = [lemma(word) for word in tokenize(" ".join(words)) if word not in FUNCTION_WORDS]
    said = sum(query.said.get(word, 0.0) >= COMMONLY_SAID for word in content)
    return bool(content) and said > 0.5 * len(content)


def _bare(query: AskedQuery, type_words: TypeWords) -> str:
    """What a query without connecting words says beyond the product: "pregnant women shoes" → "pregnant women"."""
    words = tokenize(query.text)
    span = type_words.span(words)
    if span is not None:
        before, after = words[: span[0]], words[span[1] :]
        words = before if len(before) >= len(after) else after
    telling = [
        at
        for at, word in enumerate(words)
        if query.said.get(lemma(word), 0.0) < COMMONLY_SAID and word not in FUNCTION_WORDS
    ]
    words = words[telling[0] : telling[-1] + 1] if telling else []
    return " ".join(words) if len(words) <= LONGEST_BARE else ""
