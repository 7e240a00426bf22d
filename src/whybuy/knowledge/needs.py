"""Queries → needs: the part of a query that says why, and which relation it stands in."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from whybuy.knowledge.patterns import BY_KIND, Patterns, Phrase
from whybuy.relations import Relation
from whybuy.text import FUNCTION_WORDS, canonical, lemma, ngrams, tokenize

_MAY_END_IN_PRODUCT = (Relation.X_WANT, Relation.X_IS_A, Relation.X_INTERESTED_IN)  # "i want to play tennis racket"
BARE_VOTE = 0.5  # what the mere mention of a need says about its relation


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
        """Add product words that stand beside several different needs: (product words, canonical need)."""
        needs: defaultdict[str, set[str]] = defaultdict(set)
        for words, need in phrases:
            needs[canonical(words)].add(need)
        self._phrases |= {words for words, found in needs.items() if words and len(found) >= least_needs}

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
    type_words = TypeWords(type_names)
    phrases = {query.text: phrase for query in queries for phrase in patterns.in_query(query.text)[:1]}
    type_words.learn((phrase.type_words, canonical(phrase.tail)) for phrase in phrases.values() if phrase.type_words)
    wordings: dict[str, str] = {}
    votes: defaultdict[str, dict[Relation, float]] = defaultdict(lambda: defaultdict(float))
    sure: set[str] = set()
    for query in queries:
        explicit = phrases.get(query.text)
        wording = _worded(explicit, query, type_words) if explicit else _bare(query, type_words)
        relation, certainty = _reading(explicit, wording, patterns)
        if wording and canonical(wording) not in type_words:
            wordings[query.text] = wording
            if relation is not None:
                votes[canonical(wording)][relation] += certainty * query.weight
            if certainty >= BARE_VOTE or canonical(wording).split()[-1] in type_words.own:
                sure.add(canonical(wording))
    return [
        Need(query.text, relation, key, wordings[query.text], share)
        for query in queries
        if query.text in wordings
        if (key := canonical(wordings[query.text])) in sure and key in votes
        for relation, share in [_elected(votes[key])]
    ]


def _reading(phrase: Phrase | None, wording: str, patterns: Patterns) -> tuple[Relation | None, float]:
    if phrase is not None:
        return phrase.relation, phrase.certainty
    return (patterns.bare(wording), BARE_VOTE) if wording else (None, 0.0)


def _elected(votes: Mapping[Relation, float]) -> tuple[Relation, float]:
    """The relation with the most votes, and its share."""
    relation, count = max(votes.items(), key=lambda vote: (vote[1], vote[0]))
    return relation, count / sum(votes.values())


def _worded(phrase: Phrase, query: AskedQuery, type_words: TypeWords) -> str:
    """The tail of an explicit wording, without product names at its ends; empty when the products say it themselves."""
    words = phrase.tail.split()
    beside = phrase.type_words.split()[-1:]
    for length in (2, 1):
        if length < len(words) and " ".join(canonical(" ".join([*beside, *words[:length]])).split()) in type_words:
            words = words[length:] if beside else words
            break
    for length in (3, 2, 1):
        if (
            phrase.relation in _MAY_END_IN_PRODUCT
            and not beside
            and length < len(words)
            and canonical(" ".join(words[-length:])) in type_words.own
        ):
            words = words[:-length]
            break
    while words and words[-1] in FUNCTION_WORDS:
        words.pop()
    content = [lemma(word) for word in tokenize(" ".join(words)) if word not in FUNCTION_WORDS]
    said = sum(query.said.get(word, 0.0) >= 0.5 for word in content)
    if phrase.certainty <= BY_KIND and content and said > 0.5 * len(content):
        return ""
    return " ".join(words)


def _bare(query: AskedQuery, type_words: TypeWords) -> str:
    """What a query without connecting words says beyond the product: "pregnant women shoes" → "pregnant women"."""
    words = tokenize(query.text)
    span = type_words.span(words)
    if span is not None:
        before, after = words[: span[0]], words[span[1] :]
        words = before if len(before) >= len(after) else after
    said = [query.said.get(lemma(word), 0.0) >= 0.5 or word in FUNCTION_WORDS for word in words]
    while said and said[0]:
        words, said = words[1:], said[1:]
    while said and said[-1]:
        words, said = words[:-1], said[:-1]
    return " ".join(words) if 0 < len(words) <= 5 else ""
