"""The judged queries of the demo shop: gap queries, whose intent no answering product names, and plain ones."""

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np

from whybuy.demo.phrasing import Phrase, Phrasebook, Scope
from whybuy.demo.products import pick
from whybuy.demo.shelves import NOTHING, Shelves
from whybuy.demo.world import Category, ProductType, TypeReason
from whybuy.records import Product
from whybuy.text import FUNCTION_WORDS, lemmas

SHOWCASE = "shoes for pregnant women"  # the query that the product is introduced with; never logged

MOST_ANSWERED_BY_TYPE = 0.5  # of the products that the type word of a gap query finds, at most this share answers


class Group(StrEnum):
    """The kinds of judged queries, each of which tests one ability of search."""

    GAP_LOGGED = "gap_logged"  # stands in the logs
    GAP_UNLOGGED = "gap_unlogged"  # never stands in the logs in these words
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Panel:
    """How many queries of each kind every category gives."""

    gaps: int = 12
    types: int = 2
    attributes: int = 3
    brands: int = 2
    mentioned: int = 3


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query, and the sets of products that are the right answer to it."""

    text: str  # normalized
    group: Group
    category: Category
    right: int  # the set that answers: relevance 3
    near: int  # the set of the right type, answering or not: relevance 1, unless it answers
    reason: int | None = None  # index into `world.reasons`


class Judge:
    """Finds which products answer a query, and which queries name an intent that no answering product mentions."""

    def __init__(self, shelves: Shelves, phrasebook: Phrasebook) -> None:
        self.shelves = shelves
        self.phrasebook = phrasebook
        self.reasons = shelves.assortment.world.reasons

    def panel(self, panel: Panel, rng: np.random.Generator) -> list[JudgedQuery]:
        """The judged queries, each text once; every second gap query is never to be logged, the showcase among them."""
        queries = {query.text: query for query in self._gaps(panel.gaps, rng)}
        for category in self.shelves.assortment.world.categories:
            for query in self._plain(category, panel, rng):
                queries.setdefault(query.text, query)
        return list(queries.values())

    def _gaps(self, count: int, rng: np.random.Generator) -> Iterator[JudgedQuery]:
        chosen: dict[str, JudgedQuery] = {}
        for category in self.shelves.assortment.world.categories:
            made = 0
            members = [number for number, reason in enumerate(self.reasons) if reason.category is category]
            for number in sorted(rng.permutation(members), key=lambda number: not self._has_showcase(number)):
                query = self._gap(number, chosen.keys(), rng) if made < count else None
                if query:
                    chosen[query.text] = query
                    made += 1
        order = sorted(rng.permutation(list(chosen)), key=lambda text: text != SHOWCASE)
        for place, text in enumerate(order):
            yield replace(chosen[text], group=Group.GAP_LOGGED if place % 2 else Group.GAP_UNLOGGED)

    def _has_showcase(self, number: int) -> bool:
        return any(phrase.text == SHOWCASE for phrase in self.phrasebook.phrases[number])

    def _gap(self, number: int, taken: Set[str], rng: np.random.Generator) -> JudgedQuery | None:
        """A gap query for a reason that no description names, never a type name; None where no wording makes one."""
        reason = self.reasons[number]
        if reason.latent.sentence:
            return None
        phrases = self.phrasebook.phrases[number]
        weights = np.array([phrase.weight for phrase in phrases])
        order = rng.choice(len(phrases), size=len(phrases), replace=False, p=weights / weights.sum())
        for phrase in sorted((phrases[at] for at in order), key=lambda phrase: phrase.text != SHOWCASE):
            if phrase.text not in taken | self._names and self._is_gap(reason, phrase):
                return self._query(number, phrase, Group.GAP_LOGGED)
        return None

    def _is_gap(self, reason: TypeReason, phrase: Phrase) -> bool:
        """Whether no answering product has a content word of the wording, and the type word alone is no answer.

        All answering products must be of the reason's category, so that looked-at and held-out figures do not mix.
        """
        answering = self._answering(reason, phrase)
        right = self.shelves.products(self.shelves.answering(answering))
        near = self.shelves.products(self._near(reason, phrase))
        words = content_lemmas(phrase.wording)
        return (
            bool(words)
            and all(other.category is reason.category for other in answering)
            and (phrase.scope is Scope.ANY or len(right) <= MOST_ANSWERED_BY_TYPE * len(near))
            and not any(words & self._lemmas[product] for product in right)
        )

    def _near(self, reason: TypeReason, phrase: Phrase) -> int:
        """The set that the type word of a phrase finds, if it has one."""
        if phrase.scope is Scope.ANY:
            return NOTHING
        return self.shelves.types(self.phrasebook.types(reason, phrase.scope))

    def _answering(self, reason: TypeReason, phrase: Phrase) -> list[TypeReason]:
        """The reasons that answer a phrase: each with its wording, of the types that the phrase names."""
        types = self.phrasebook.types(reason, phrase.scope)
        same = self._by_wording[phrase.wording]
        return [other for other in same if phrase.scope is Scope.ANY or other.type.name in types]

    def _query(self, number: int, phrase: Phrase, group: Group) -> JudgedQuery:
        reason = self.reasons[number]
        right = self.shelves.answering(self._answering(reason, phrase))
        return JudgedQuery(phrase.text, group, reason.category, right, self._near(reason, phrase), number)

    def _plain(self, category: Category, panel: Panel, rng: np.random.Generator) -> Iterator[JudgedQuery]:
        kinds = [category.types[at] for at in rng.permutation(len(category.types))]
        turns = iter(kinds * (1 + (panel.types + panel.attributes + panel.brands) // len(kinds)))
        for _ in range(panel.types):
            kind = next(turns)
            own = self.shelves.types((kind.name,))
            yield JudgedQuery(self.phrasebook.type(kind, 0), Group.PLAIN, category, own, own)
        for _ in range(panel.attributes):
            kind = next(turns)
            name, value = pick(self._example(kind, rng).attributes, rng)
            text = self.phrasebook.attribute(kind, value, rng.random())
            yield self._with(text, category, kind.name, self.shelves.attribute(name, value))
        for _ in range(panel.brands):
            kind = next(turns)
            brand = self._example(kind, rng).brand
            text = self.phrasebook.brand(kind, brand, rng.random())
            yield self._with(text, category, kind.name, self.shelves.brand(brand))
        yield from self._mentioned(category, panel.mentioned, rng)

    def _example(self, kind: ProductType, rng: np.random.Generator) -> Product:
        members = self.shelves.products(self.shelves.types((kind.name,)))
        return self.shelves.assortment.products[int(rng.choice(members))]

    def _with(self, text: str, category: Category, kind: str, mask: int) -> JudgedQuery:
        near = self.shelves.types((kind,))
        return JudgedQuery(text, Group.PLAIN, category, self.shelves.both(near, mask), near)

    def _mentioned(self, category: Category, count: int, rng: np.random.Generator) -> Iterator[JudgedQuery]:
        """Plain queries for intents that descriptions of answering products name."""
        mentioned = [
            number
            for number, reason in enumerate(self.reasons)
            if reason.category is category and reason.latent.sentence
        ]
        for at in rng.permutation(len(mentioned))[:count]:
            named = [phrase for phrase in self.phrasebook.phrases[mentioned[at]] if phrase.scope is Scope.TYPE]
            yield self._query(mentioned[at], pick(named, rng), Group.PLAIN)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.phrasebook.type(kind, 0) for kind in self.shelves.assortment.world.types)

    @cached_property
    def _lemmas(self) -> list[frozenset[str]]:
        return [frozenset(lemmas(text)) for text in self.shelves.assortment.texts()]

    @cached_property
    def _by_wording(self) -> dict[str, list[TypeReason]]:
        by_wording = defaultdict(list)
        for reason in self.reasons:
            for wording in reason.intent.wordings:
                by_wording[wording].append(reason)
        return by_wording


def content_lemmas(wording: str) -> frozenset[str]:
    """Lemmas of the content words of a wording."""
    return frozenset(word for word in lemmas(wording) if word not in FUNCTION_WORDS)


def relevance(query: JudgedQuery, shelves: Shelves) -> Sequence[tuple[str, int]]:
    """Product ids with relevance 3 or 1, in the order of the ids; all other products have 0."""
    right = set(shelves.products(query.right).tolist())
    near = set(shelves.products(query.near).tolist())
    products = shelves.assortment.products
    return [(products[at].product_id, 3 if at in right else 1) for at in sorted(right | near)]
