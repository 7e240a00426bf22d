"""How shoppers word what they come for: every query that a need or a plain wish may become, with how likely it is."""

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from importlib.resources import files
from typing import TypeVar

from pydantic import ConfigDict, TypeAdapter

from whybuy.demo.world import Category, Need, ProductType, World
from whybuy.relations import Relation
from whybuy.text import normalize

Item = TypeVar("Item")

NAMED_SHARE = 0.6  # of the queries that word a need, those that also name the type


class Scope(Enum):
    """Which products a query that words a need asks for."""

    TYPE = "the type by a name of its own"
    HEAD = "all types of the category with the same head noun: shoes"
    ANY = "whatever answers the need"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One way to word a need as a query."""

    text: str  # normalized
    scope: Scope
    wording: str  # the part that names the need
    weight: float  # > 0


@dataclass(frozen=True, slots=True)
class NeedTemplates:
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

    need: Mapping[Relation, NeedTemplates]
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
    def needs(self) -> list[list[Phrase]]:
        """Every way to word each need of the world, each text once, the more usual ones heavier."""
        return [self._phrases(need) for need in self._world.needs]

    def types(self, need: Need, scope: Scope) -> tuple[str, ...]:
        """Names of the types that a shopper with a need looks for, by what the query says."""
        if scope is Scope.TYPE:
            return (need.type.name,)
        if scope is Scope.HEAD:
            return self.heads[need.category.name, _last(need.type.plural)]
        return tuple(other.type.name for other in self.same_intent(need))

    def same_intent(self, need: Need) -> list[Need]:
        """The needs of the category with the same intent."""
        return self._by_intent[need.category.name, need.intent.relation, need.intent.tail]

    @cached_property
    def _by_intent(self) -> dict[tuple[str, Relation, str], list[Need]]:
        by_intent = defaultdict(list)
        for need in self._world.needs:
            by_intent[need.category.name, need.intent.relation, need.intent.tail].append(need)
        return by_intent

    def _phrases(self, need: Need) -> list[Phrase]:
        templates = self._templates.need[need.intent.relation]
        phrases = list(self._named(need, templates.named)) + list(_bare(need.intent.wordings, templates.bare))
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

    def _named(self, need: Need, templates: Sequence[str]) -> Iterator[Phrase]:
        names = list(self._names(need.category, need.type))
        for often, wording in _ranked(need.intent.wordings):
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
