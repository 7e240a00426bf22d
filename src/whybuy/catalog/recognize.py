"""Recognizes the columns of a product feed: a plan that readers follow and a person can correct."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from whybuy.catalog.aliases import ALIASES, ATTRIBUTES, FIRST, JOINED, LEVELS, NO_ATTRIBUTE, Role, column_key
from whybuy.catalog.values import holds_details, holds_features
from whybuy.config import ConfigTable
from whybuy.errors import ConfigError, InputError, closest
from whybuy.tables import Rows, peek

AnyRole = TypeVar("AnyRole", bound=StrEnum)


class Layout(StrEnum):
    """The kind of a feed; only Shopify and schema.org need more than column names."""

    AUTO = "auto"
    MERCHANT = "merchant"
    SHOPIFY = "shopify"
    JSONLD = "jsonld"
    ESCI = "esci"
    WANDS = "wands"
    PLAIN = "plain"


@dataclass(frozen=True)
class CatalogSource:
    """One `[[catalog]]` table of store.toml."""

    path: str  # relative to the shop's folder; may hold * and ?
    format: Layout = Layout.AUTO
    columns: Mapping[str, str | list[str]] = field(default_factory=dict)  # by role; "" leaves the role without a column
    attributes: list[str] | None = None  # columns that are attributes; None finds them
    locale: str = ""  # of products whose row has none
    currency: str = ""  # likewise


FEED_CONFIG = ConfigTable("catalog", CatalogSource, repeated=True)


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """What one column is used as."""

    column: str
    use: str  # a role, "attribute", or "" when the column is not used
    confidence: float  # in [0, 1]; 1 when store.toml names the role
    example: str = ""


@dataclass(frozen=True, slots=True)
class CatalogPlan:
    """How one feed is read."""

    path: Path
    layout: Layout
    columns: tuple[ColumnUse, ...]
    rows_seen: int

    def of(self, role: Role) -> tuple[str, ...]:
        """The columns that play a role, in the order in which they are joined."""
        return tuple(entry.column for entry in self.columns if entry.use == role)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns that are attributes."""
        return tuple(entry.column for entry in self.columns if entry.use == "attribute")

    @property
    def confidence(self) -> float:
        """Confidence that this is a product feed, in [0, 1]: 0 without id or title."""
        needed = [
            max((entry.confidence for entry in self.columns if entry.use == role), default=0.0) for role in _NEEDED
        ]
        return min(needed)


_CONTENT_ROWS = 200  # rows that show what a column holds
_NEEDED = (Role.PRODUCT_ID, Role.TITLE)


def recognize_catalog(path: Path, source: CatalogSource | None = None) -> CatalogPlan:
    """How to read a feed: by its first rows and by what store.toml sets.

    Raises:
        InputError: the file cannot be read.
        ConfigError: store.toml names a role or a column that does not exist.
    """
    source = source or CatalogSource(str(path))
    rows = peek(path)
    names = [name for name in rows.batch.schema.names if name]
    layout = source.format if source.format is not Layout.AUTO else _layout(names)
    configured = _configured_roles(path, source.columns, names)
    uses = without_configured(_by_content(_guess_roles(names, layout), rows), configured) | configured
    pairs = [(column, role) for role, columns in uses.items() for column in columns]
    chosen = [
        ColumnUse(column, role, _confidence(source, role, column), column_example(rows, column))
        for column, role in pairs
    ]
    for name in names:
        if name not in {column for column, _ in pairs}:
            use = "attribute" if _is_attribute(rows, name, source.attributes) else ""
            confidence = 1.0 if source.attributes is not None else 0.7
            chosen.append(ColumnUse(name, use, confidence, column_example(rows, name)))
    return CatalogPlan(path, layout, tuple(chosen), len(rows.batch))


def check_plan(plan: CatalogPlan) -> None:
    """Raise InputError when a feed has no column for the product id or the title."""
    for role in _NEEDED:
        if not plan.of(role):
            names = ", ".join(entry.column for entry in plan.columns)
            raise InputError(
                f"{plan.path} has no column that looks like the {role.value}. Its columns: {names}. "
                f'Say which one it is in store.toml: columns = {{ {role.value} = "..." }}.'
            )


def without_configured(
    guessed: Mapping[AnyRole, list[str]], configured: Mapping[AnyRole, list[str]]
) -> dict[AnyRole, list[str]]:
    """Guessed roles without the columns to which store.toml gives another role."""
    taken = {column for columns in configured.values() for column in columns}
    return {role: [column for column in columns if column not in taken] for role, columns in guessed.items()}


def _layout(names: Iterable[str]) -> Layout:
    keys = {column_key(name) for name in names}
    if keys & {"handle", "url_handle"} and keys & {
        "variant_sku",
        "sku",
        "option1_name",
        "option1_value",
        "variant_price",
    }:
        return Layout.SHOPIFY
    if any(name == "@type" for name in names):
        return Layout.JSONLD
    if {"product_id", "product_title", "product_locale"} <= keys:
        return Layout.ESCI
    if {"product_id", "product_name", "category_hierarchy"} <= keys:
        return Layout.WANDS
    return Layout.MERCHANT if {"id", "title", "link"} <= keys or "product_detail" in keys else Layout.PLAIN


def _guess_roles(names: list[str], layout: Layout) -> dict[Role, list[str]]:
    by_key = {column_key(name): name for name in reversed(names) if name != "@type"}
    uses: dict[Role, list[str]] = {}
    taken: set[str] = set()
    for role, aliases in ALIASES.items():
        columns = [by_key[alias] for alias in aliases if alias in by_key and by_key[alias] not in taken]
        several = role in (JOINED | FIRST) and role is not Role.CATEGORY
        uses[role] = columns if several else columns[:1]
        taken.update(uses[role])
    if layout is Layout.SHOPIFY:
        uses[Role.PRODUCT_ID] = [by_key.get("handle") or by_key["url_handle"]]
    if layout is Layout.JSONLD:
        uses[Role.KIND] = ["@type"]
    if not uses[Role.CATEGORY]:
        uses[Role.CATEGORY] = [by_key[level] for level in LEVELS if level in by_key]
    if not uses[Role.TITLE] and uses[Role.DESCRIPTION]:
        uses[Role.TITLE] = [uses[Role.DESCRIPTION].pop(0)]
    return uses


def _by_content(uses: dict[Role, list[str]], rows: Rows) -> dict[Role, list[str]]:
    """Roles corrected by what the columns hold: lists of names and values are details, "features" in prose describe."""
    taken = {column for role, columns in uses.items() if role is not Role.FEATURES for column in columns}
    named = [
        name
        for name in rows.batch.schema.names
        if name
        and name not in taken
        and not NO_ATTRIBUTE.match(column_key(name))
        and _mostly(rows, name, holds_details)
    ]
    prose = [name for name in uses[Role.FEATURES] if name not in named and not _mostly(rows, name, holds_features)]
    moved = {*named, *prose}
    return uses | {
        Role.FEATURES: [name for name in uses[Role.FEATURES] if name not in moved],
        Role.DETAILS: uses[Role.DETAILS] + named,
        Role.DESCRIPTION: uses[Role.DESCRIPTION] + prose,
    }


def _mostly(rows: Rows, name: str, holds: Callable[[str], bool]) -> bool:
    """Whether something holds of more than half of the texts of a column that are not blank."""
    texts = [text for text in rows.text(name).slice(0, _CONTENT_ROWS).to_pylist() if text.strip()]
    return 2 * sum(map(holds, texts)) > len(texts)


def _configured_roles(path: Path, columns: Mapping[str, str | list[str]], names: list[str]) -> dict[Role, list[str]]:
    configured = {}
    for role, value in columns.items():
        if role not in set(Role):
            hint = closest(role, [known.value for known in Role])
            raise ConfigError(f"store.toml: columns of {path.name} name the role {role!r}.{hint}")
        configured[Role(role)] = [name for name in ([value] if isinstance(value, str) else value) if name]
        for name in configured[Role(role)]:
            if name not in names:
                raise ConfigError(f"store.toml: {path.name} has no column {name!r} for {role}.{closest(name, names)}")
    return configured


def _confidence(source: CatalogSource, role: Role, column: str) -> float:
    if role in source.columns:
        return 1.0
    key = column_key(column)
    if role is Role.TITLE and key in ALIASES[Role.DESCRIPTION]:
        return 0.5
    return 0.95 if key in ALIASES[role][:4] else 0.8


def _is_attribute(rows: Rows, name: str, configured: list[str] | None) -> bool:
    """Whether a column holds short texts that repeat, as attributes do."""
    if configured is not None:
        return name in configured
    key = column_key(name)
    if key in ATTRIBUTES or name.casefold().startswith(("attribute.", "attributes.", "attr.", "attr_")):
        return True
    values = [value for value in rows.text(name).to_pylist() if value.strip()]
    if not values or "@" in name or NO_ATTRIBUTE.match(key):
        return False
    distinct = len(set(values))
    numeric = sum(value.replace(".", "", 1).isdigit() for value in values) > len(values) / 2
    short = sum(map(len, values)) <= 40 * len(values) and max(map(len, values)) <= 200
    repeats = distinct <= max(20, len(values) // 2) and (distinct > 1 or len(values) < 20)
    return short and repeats and not numeric and not any("://" in value for value in values[:50])


def column_example(rows: Rows, name: str) -> str:
    """The first value of a column that is not blank, shortened."""
    if name not in rows.batch.schema.names:
        return ""
    values = (" ".join(value.split()) for value in rows.text(name).slice(0, 50).to_pylist())
    return next((value[:60] for value in values if value), "")
