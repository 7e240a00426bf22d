"""The queries that simulated shoppers type for an intent, a type, a brand or a value, with their probabilities."""

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from importlib.resources import files
from typing import TypeVar

from pydantic import ConfigDict, TypeAdapter

from whybuy.demo.world import Category, ProductType, TypeReason, World
from whybuy.relations import Relation
from whybuy.text import normalize

Item = TypeVar("Item")

NAMED_SHARE = 0.6  # of the queries that word an intent, those that also name the type


class Scope(Enum):
    """Which products a query that words an intent asks for."""

    TYPE = "the type by a name of its own"
    HEAD = "all types of the category with the same head noun: shoes"
    ANY = "whatever answers the intent"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One query that words an intent."""

    text: str  # normalized
    scope: Scope
    wording: str  # the part that names the intent
    weight: float  # > 0


@dataclass(frozen=True, slots=True)
class IntentTemplates:
    """Templates of one relation, the more usual ones first."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    named: tuple[str, ...]
    bare: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlainTemplates:
    """Templates of queries for a type, a brand's type, and a type with an attribute value."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    type: tuple[str, ...]
    brand: tuple[str, ...]
    attribute: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Templates:
    """The content of `phrasing.toml`."""

    intent: Mapping[Relation, IntentTemplates]
    plain: PlainTemplates


def load_templates() -> Templates:
    """The templates that come with whybuy."""
    source = (files("whybuy.demo") / "phrasing.toml").read_text(encoding="utf-8")
    return TypeAdapter(Templates).validate_python(tomllib.loads(source))


class Phrasebook:
    """All queries of one world."""

    def __init__(self, world: World, templates: Templates) -> None:
        self._world = world
        self._templates = templates

    @cached_property
    def heads(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Types that share a head noun, by category and the noun in the plural; synonyms join, but do not found one."""
        return {
            (category.name, noun): tuple(kind.name for kind in category.types if noun in _last_words(kind))
            for category in self._world.categories
            for noun, count in Counter(_last(kind.plural) for kind in category.types).items()
            if count > 1
        }

    @cached_property
    def phrases(self) -> list[list[Phrase]]:
        """The queries that word each reason of `World.reasons`, each text once, the more frequent ones heavier."""
        return [self._phrases(reason) for reason in self._world.reasons]

    def types(self, reason: TypeReason, scope: Scope) -> tuple[str, ...]:
        """Names of the types that a query of this scope asks for, when the shopper comes for this reason."""
        if scope is Scope.TYPE:
            return (reason.type.name,)
        if scope is Scope.HEAD:
            return self.heads[reason.category.name, _last(reason.type.plural)]
        return tuple(other.type.name for other in self.same_intent(reason))

    def same_intent(self, reason: TypeReason) -> list[TypeReason]:
        """The reasons of all types of the category that have the same intent."""
        return self._by_intent[reason.category.name, reason.intent.relation, reason.intent.tail]

    @cached_property
    def _by_intent(self) -> dict[tuple[str, Relation, str], list[TypeReason]]:
        by_intent = defaultdict(list)
        for reason in self._world.reasons:
            by_intent[reason.category.name, reason.intent.relation, reason.intent.tail].append(reason)
        return by_intent

    def _phrases(self, reason: TypeReason) -> list[Phrase]:
        templates = self._templates.intent[reason.intent.relation]
        phrases = list(self._named(reason, templates.named)) + list(_bare(reason.intent.wordings, templates.bare))
        return list({phrase.text: phrase for phrase in reversed(phrases)}.values())[::-1]

    def type(self, kind: ProductType, draw: float) -> str:
        """A query for the type alone; `draw` in [0, 1) picks one, the usual ones for small numbers."""
        return _plain(self._templates.plain.type, draw, kind)

    def brand(self, kind: ProductType, brand: str, draw: float) -> str:
        """A query for a brand's products of the type."""
        return _plain(self._templates.plain.brand, draw, kind, brand=brand)

    def attribute(self, kind: ProductType, value: str, draw: float) -> str:
        """A query for the products of the type with an attribute value."""
        return _plain(self._templates.plain.attribute, draw, kind, value=value)

    def _named(self, reason: TypeReason, templates: Sequence[str]) -> Iterator[Phrase]:
        names = list(self._names(reason.category, reason.type))
        for often, wording in _ranked(reason.intent.wordings):
            for usual, template in _ranked(templates):
                for common, (singular, plural, scope) in _ranked(names):
                    text = _fill(template, wording, type=singular, types=plural)
                    yield Phrase(text, scope, wording, NAMED_SHARE * often * usual * common)

    def _names(self, category: Category, kind: ProductType) -> Iterator[tuple[str, str, Scope]]:
        """What shoppers call the type, in the singular and the plural."""
        yield kind.name, kind.plural, Scope.TYPE
        if (category.name, _last(kind.plural)) in self.heads and kind.plural != _last(kind.plural):
            yield _last(kind.name), _last(kind.plural), Scope.HEAD
        for synonym in kind.synonyms:
            yield synonym, synonym, Scope.TYPE


def _bare(wordings: Sequence[str], templates: Sequence[str]) -> Iterator[Phrase]:
    for often, wording in _ranked(wordings):
        for usual, template in _ranked(templates):
            yield Phrase(_fill(template, wording), Scope.ANY, wording, (1 - NAMED_SHARE) * often * usual)


def _ranked(items: Sequence[Item]) -> list[tuple[float, Item]]:
    """Each item with its share of use, which falls as 1, 1/2, 1/3 ... and adds up to 1."""
    total = sum(1 / rank for rank in range(1, len(items) + 1))
    return [(1 / rank / total, item) for rank, item in enumerate(items, 1)]


def _fill(template: str, wording: str, **names: str) -> str:
    article = "an" if wording[0] in "aeiou" else "a"
    return normalize(template.format(wording=wording, a_wording=f"{article} {wording}", **names))


def _plain(templates: Sequence[str], draw: float, kind: ProductType, **words: str) -> str:
    return normalize(templates[int(draw * len(templates))].format(type=kind.name, types=kind.plural, **words))


def _last_words(kind: ProductType) -> set[str]:
    return {_last(name) for name in (kind.plural, *kind.synonyms)}


def _last(name: str) -> str:
    return name.rsplit(maxsplit=1)[-1]
