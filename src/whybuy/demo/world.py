"""The written world of the demo shop: its types, their products' attributes and why people buy them, read from TOML."""

import string
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from whybuy.errors import InputError, closest
from whybuy.relations import Relation

_STRICT = ConfigDict(extra="forbid")
_RESERVED = ",:>\t\n"  # separators of the feed that names and values end up in
_MOST_PROBLEMS = 10
_UNKNOWN_KEY = "unexpected_keyword_argument"  # as pydantic calls it

Popularity = Annotated[int, Field(ge=1, le=5)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Season(StrEnum):
    """The time of year in which most searches for an intent are made."""

    WINTER = "winter"
    SPRING = "spring"
    SUMMER = "summer"
    AUTUMN = "autumn"
    CHRISTMAS = "christmas"


@dataclass(frozen=True, slots=True)
class LatentIntent:
    """A reason why people buy, and how they word it."""

    __pydantic_config__ = _STRICT
    relation: Relation
    tail: str
    wordings: Names  # the first is the tail
    popularity: Popularity
    season: Season | None = None


@dataclass(frozen=True, slots=True)
class LatentReason:
    """An intent that a product type answers, and which of its products do."""

    __pydantic_config__ = _STRICT
    intent: str  # the tail of an intent of the same category
    relation: Relation
    needs: dict[str, Names]  # attribute values that make a product answer it; empty when all do
    strength: Annotated[float, Field(gt=0, le=1)]
    sentence: str = ""  # in descriptions of products that answer it; empty when no description names the intent

    def answered_by(self, attributes: Mapping[str, str]) -> bool:
        """Whether a product with these attribute values answers the intent."""
        return all(attributes.get(name) in values for name, values in self.needs.items())


@dataclass(frozen=True, slots=True)
class ProductType:
    """A kind of product, with all that its products are made of."""

    __pydantic_config__ = _STRICT
    name: str
    plural: str
    price: tuple[float, float]  # lowest and highest, in dollars
    popularity: Popularity
    lines: Names
    titles: Annotated[Names, Field(alias="title")]
    blurbs: Names
    attributes: dict[str, Names]
    reasons: Annotated[tuple[LatentReason, ...], Field(alias="reason", min_length=1)]
    synonyms: tuple[str, ...] = ()
    goes_with: tuple[str, ...] = ()
    says: dict[str, str] = field(default_factory=dict)  # by "attribute.value"


@dataclass(frozen=True, slots=True)
class Category:
    """One file of the world."""

    __pydantic_config__ = _STRICT
    path: Annotated[Names, Field(alias="category", min_length=2, max_length=2)]
    held_out: bool
    brands: Names
    intents: Annotated[tuple[LatentIntent, ...], Field(alias="intent", min_length=1)]
    types: Annotated[tuple[ProductType, ...], Field(alias="type", min_length=1)]

    @property
    def name(self) -> str:
        """The path from the root: "Clothing & Shoes > Shoes"."""
        return " > ".join(self.path)


@dataclass(frozen=True, slots=True)
class TypeReason:
    """One reason of one product type with its category and intent; a simulated session may start from it."""

    category: Category
    type: ProductType
    latent: LatentReason
    intent: LatentIntent


@dataclass(frozen=True)
class World:
    """All categories, in the order of their file names."""

    categories: tuple[Category, ...]

    @cached_property
    def types(self) -> tuple[ProductType, ...]:
        """All product types, category by category; their order numbers them."""
        return tuple(kind for category in self.categories for kind in category.types)

    @cached_property
    def reasons(self) -> tuple[TypeReason, ...]:
        """Every reason of every type; their order numbers them."""
        return tuple(reason for category in self.categories for reason in _reasons(category))


def _reasons(category: Category) -> Iterator[TypeReason]:
    intents = {(intent.relation, intent.tail): intent for intent in category.intents}
    for kind in category.types:
        for latent in kind.reasons:
            yield TypeReason(category, kind, latent, intents[latent.relation, latent.intent])


def load_world() -> World:
    """The world that comes with whybuy."""
    return read_world(files("whybuy.demo") / "world")


def read_world(folder: Traversable) -> World:
    """The world written in a folder, one TOML file per category.

    Raises:
        InputError: a file is no TOML, or does not fit the format or itself; the message names file and entry.
    """
    sources = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    if not sources:
        raise InputError(
            f"{folder} holds no world: no *.toml file. whybuy/demo/world/README.md shows how to write one."
        )
    named = [(file.name, _read_category(file)) for file in sources]
    problems = [f"{name}: {problem}" for name, category in named for problem in _problems(category)]
    problems += _repeated("type", ((name, kind.name) for name, category in named for kind in category.types))
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        rest = [f"... and {more} more."] if more > 0 else []
        raise InputError("The world does not fit together:\n" + "\n".join(problems[:_MOST_PROBLEMS] + rest))
    return World(tuple(category for _, category in named))


def _read_category(file: Traversable) -> Category:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
        return TypeAdapter(Category).validate_python(tables)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file.name} is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise InputError(f"{file.name}: {_explain(error, tables)}") from error


def _explain(error: ValidationError, tables: Mapping[str, Any]) -> str:
    """The first mismatch in words, with the entry it stands in: "type 'sandal', reason 'wedding'"."""
    problem = min(error.errors(), key=lambda problem: problem["type"] != _UNKNOWN_KEY)
    *path, key = problem["loc"]
    where = _entry(path, tables)
    if problem["type"] == _UNKNOWN_KEY:
        return f"{where} has an unknown key {key!r}.{closest(str(key), _keys())}"
    if problem["type"] == "missing":
        return f"{where} lacks {key!r}."
    return f"{where} {key} = {problem['input']!r}: {problem['msg']}."


def _entry(path: Iterable[str | int], tables: object) -> str:
    """The named tables on the way from the root of a file to a value."""
    names, last, value = [], "", tables
    for step in path:
        if isinstance(value, dict):
            last, value = str(step), value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step]
            if isinstance(value, dict):
                name = next((value[key] for key in ("name", "tail", "intent") if key in value), step)
                names.append(f"{last} {name!r}")
    return ", ".join(names) or "the file"


def _keys() -> list[str]:
    """Every key that some table of the format allows."""
    schemas = [TypeAdapter(Category).json_schema()]
    schemas += list(schemas[0]["$defs"].values())
    return sorted({key for schema in schemas for key in schema.get("properties", ())})


def _problems(category: Category) -> Iterator[str]:
    """Whatever in one category refers to nothing, stands twice or would not survive the feed."""
    known = {(intent.relation, intent.tail) for intent in category.intents}
    used = {(reason.relation, reason.intent) for kind in category.types for reason in kind.reasons}
    yield from _repeated("intent", (("", intent.tail) for intent in category.intents))
    for intent in category.intents:
        if intent.wordings[0] != intent.tail:
            yield f"intent {intent.tail!r} must come first among its wordings, not {intent.wordings[0]!r}."
        if (intent.relation, intent.tail) not in used:
            yield f"intent {intent.tail!r} ({intent.relation}) is the reason of no type."
    for kind in category.types:
        for problem in _type_problems(kind, {other.name for other in category.types}, known):
            yield f"type {kind.name!r} {problem}"


def _type_problems(kind: ProductType, types: set[str], intents: set[tuple[Relation, str]]) -> Iterator[str]:
    if not 0 < kind.price[0] <= kind.price[1]:
        yield f"has the price range {list(kind.price)}; it must rise from above 0."
    for other in kind.goes_with:
        if other not in types:
            yield f"goes with {other!r}, which is no type of this file.{closest(other, types)}"
    for text in (kind.name, *kind.attributes, *(value for values in kind.attributes.values() for value in values)):
        if any(character in _RESERVED for character in text):
            yield f"has {text!r}; names and values may not hold a comma, colon, '>' or tab, which separate in a feed."
    yield from _placeholder_problems(kind)
    yield from _value_problems(kind)
    for reason in kind.reasons:
        if (reason.relation, reason.intent) not in intents:
            hint = closest(reason.intent, (tail for _, tail in intents))
            yield f"has the reason {reason.intent!r} ({reason.relation}), which is no intent of this file.{hint}"


def _placeholder_problems(kind: ProductType) -> Iterator[str]:
    for texts, extra in ((kind.titles, {"brand", "line", "name"}), (kind.blurbs, set[str]())):
        allowed = extra | set(kind.attributes)
        for text in texts:
            for name in placeholders(text) - allowed:
                yield f"uses {{{name}}} in {text!r}.{closest(name, allowed)}"


def _value_problems(kind: ProductType) -> Iterator[str]:
    values = {f"{name}.{value}" for name, several in kind.attributes.items() for value in several}
    for reason in kind.reasons:
        for name, several in reason.needs.items():
            for value in several:
                if f"{name}.{value}" not in values:
                    yield f"needs {name} = {value!r} for {reason.intent!r}.{closest(f'{name}.{value}', values)}"
    for value in kind.says:
        if value not in values:
            yield f"says something for {value!r}, which is none of its values.{closest(value, values)}"


def _repeated(what: str, named: Iterable[tuple[str, str]]) -> list[str]:
    """One problem for every name that stands more than once; each item is (file, name)."""
    items = list(named)
    counts = Counter(name for _, name in items)
    return [
        f"{what} {name!r} stands {count} times" + _places(file for file, other in items if other == name)
        for name, count in counts.items()
        if count > 1
    ]


def _places(places: Iterable[str]) -> str:
    named = ", ".join(sorted({place for place in places if place}))
    return f" ({named})." if named else "."


def placeholders(template: str) -> set[str]:
    """The names between braces in a template."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
