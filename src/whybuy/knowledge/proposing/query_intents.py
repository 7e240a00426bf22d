"""Extracts the intent of a query: the words that name it, and its relation."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from whybuy.knowledge.proposing.patterns import BY_KIND, Patterns, Phrase
from whybuy.relations import Relation
from whybuy.text import FUNCTION_WORDS, canonical, lemma, ngrams, tokenize

_MAY_END_IN_PRODUCT = (Relation.X_WANT, Relation.X_IS_A, Relation.X_INTERESTED_IN)  # "i want to play tennis racket"
BARE_VOTE = 0.5  # weight of a bare mention in the vote on the relation of an intent
COMMON_WORD = 0.5  # share of purchases whose product has a word, from which on the word names the product
MAX_BARE = 5  # words


@dataclass(frozen=True, slots=True)
class LoggedQuery:
    """A query that led to purchases, with the words that it shares with the products bought."""

    text: str
    weight: float  # purchases
    product_share: Mapping[str, float]  # lemma of the query → share of the purchases whose product has it


@dataclass(frozen=True, slots=True)
class QueryIntent:
    """The intent of one query."""

    query: str
    relation: Relation
    key: str  # canonical tail
    wording: str
    confidence: float  # share of the votes for this relation, in [0, 1]


class TypePhrases:
    """Phrases that name product types: the shop's type names, their last words, and phrases mined from queries."""

    def __init__(self, type_names: Iterable[str]) -> None:
        keys = [key for name in type_names if (key := canonical(name))]
        self.own = frozenset([*keys, *(key.split()[-1] for key in keys)])
        self._phrases = set(self.own)

    def mine(self, phrases: Iterable[tuple[str, str]], *, min_intents: int = 3) -> None:
        """Add product words that stand beside several intents. phrases: (product words, canonical intent).

        Left out are words that are themselves an intent of more products: "camping" in "camping gear for beginners".
        """
        intents, products = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
        for words, intent in phrases:
            intents[canonical(words)].add(intent)
            products[intent].add(words)
        often = {words for words, beside in intents.items() if words and len(beside) >= min_intents}
        self._phrases |= {words for words in often if len(products[words]) <= len(intents[words])}

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


def read_intents(queries: Iterable[LoggedQuery], type_names: Iterable[str], patterns: Patterns) -> list[QueryIntent]:
    """Read every query: explicit wordings and bare mentions vote on the relation of each intent.

    Returns: at most one intent per query, in the order of the queries.
    """
    queries = list(queries)
    phrases = {query.text: phrase for query in queries for phrase in patterns.in_query(query.text)[:1]}
    type_words = TypePhrases(type_names)
    type_words.mine((phrase.type_words, canonical(phrase.tail)) for phrase in phrases.values() if phrase.type_words)
    candidates = (_read(query, phrases.get(query.text), type_words, patterns) for query in queries)
    readings = [reading for reading in candidates if reading.key and reading.key not in type_words]
    elected = _elections(readings, type_words)
    return [
        QueryIntent(reading.query.text, relation, reading.key, reading.wording, share)
        for reading in readings
        if reading.key in elected
        for relation, share in [elected[reading.key]]
    ]


@dataclass(frozen=True, slots=True)
class _Reading:
    """The reading of one query, before the vote."""

    query: LoggedQuery
    wording: str
    key: str  # canonical wording
    relation: Relation | None
    certainty: float


def _read(query: LoggedQuery, phrase: Phrase | None, type_words: TypePhrases, patterns: Patterns) -> _Reading:
    if phrase is not None:
        wording = _explicit(phrase, query, type_words)
        return _Reading(query, wording, canonical(wording), phrase.relation, phrase.certainty)
    wording = _bare(query, type_words)
    relation, certainty = (patterns.bare(wording), BARE_VOTE) if wording else (None, 0.0)
    return _Reading(query, wording, canonical(wording), relation, certainty)


def _elections(readings: Iterable[_Reading], type_words: TypePhrases) -> dict[str, tuple[Relation, float]]:
    """The relation with the most votes and its share of them, by intent.

    Left out are intents without a vote, and guesses unless their last word names a type of the shop.
    """
    votes: defaultdict[str, defaultdict[Relation, float]] = defaultdict(lambda: defaultdict(float))
    certain: set[str] = set()
    for reading in readings:
        if reading.relation is not None:
            votes[reading.key][reading.relation] += reading.certainty * reading.query.weight
        if reading.certainty >= BARE_VOTE or reading.key.split()[-1] in type_words.own:
            certain.add(reading.key)
    return {key: _elected(votes[key]) for key in certain & votes.keys()}


def _elected(votes: Mapping[Relation, float]) -> tuple[Relation, float]:
    relation, count = max(votes.items(), key=lambda vote: (vote[1], vote[0]))
    return relation, count / sum(votes.values())


def _explicit(phrase: Phrase, query: LoggedQuery, type_words: TypePhrases) -> str:
    """The tail of an explicit wording without product names at its ends; empty if its words describe the products."""
    words = phrase.tail.split()
    if phrase.type_words:
        words = _without_start(words, phrase.type_words.split()[-1], type_words)
    elif phrase.relation in _MAY_END_IN_PRODUCT:
        words = _without_end(words, type_words)
    while words and words[-1] in FUNCTION_WORDS:
        words.pop()
    own_words = phrase.certainty > BY_KIND
    return " ".join(words) if own_words or not _describes_products(words, query) else ""


def _without_start(words: list[str], beside: str, type_words: TypePhrases) -> list[str]:
    """The words after the rest of a product name that began beside them: "car | seat for toddlers"."""
    for length in (2, 1):
        if length < len(words) and canonical(" ".join([beside, *words[:length]])) in type_words:
            return words[length:]
    return words


def _without_end(words: list[str], type_words: TypePhrases) -> list[str]:
    """The words before a product name: "play tennis | racket"."""
    for length in (3, 2, 1):
        if length < len(words) and canonical(" ".join(words[-length:])) in type_words.own:
            return words[:-length]
    return words


def _describes_products(words: list[str], query: LoggedQuery) -> bool:
    """Whether most of these words are common in the products bought."""
    content = [lemma(word) for word in tokenize(" ".join(words)) if word not in FUNCTION_WORDS]
    common = sum(query.product_share.get(word, 0.0) >= COMMON_WORD for word in content)
    return bool(content) and common > 0.5 * len(content)


def _bare(query: LoggedQuery, type_words: TypePhrases) -> str:
    """The words of a query without connecting words that do not name the product: "pregnant women | shoes"."""
    words = tokenize(query.text)
    span = type_words.span(words)
    if span is not None:
        before, after = words[: span[0]], words[span[1] :]
        words = before if len(before) >= len(after) else after
    telling = [
        at
        for at, word in enumerate(words)
        if query.product_share.get(lemma(word), 0.0) < COMMON_WORD and word not in FUNCTION_WORDS
    ]
    words = words[telling[0] : telling[-1] + 1] if telling else []
    return " ".join(words) if len(words) <= MAX_BARE else ""
