"""Reads one `store.toml` and fills the frozen config classes that parts own; it imports no part."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from whybuy.errors import ConfigError, InputError, closest

STORE_FILE = "store.toml"
Config = TypeVar("Config")

HOW_ONLY: Mapping[str, bool] = MappingProxyType({"changes_result": False})
"""Metadata of a config field that changes how work is done (threads, memory) or where a file is, not the result."""


@dataclass(frozen=True, slots=True)
class ConfigTable(Generic[Config]):
    """A table of `store.toml`, `[name]` or `[[name]]`, and the frozen dataclass that a part reads it as."""

    name: str
    config: type[Config]
    keys: tuple[str, ...] = ()  # settings that its reader looks at; all of them when empty
    repeated: bool = False  # `[[name]]`: any number of tables, in order

    def only(self, *keys: str) -> "ConfigTable[Config]":
        """The same table for a reader that looks at some of its settings alone."""
        return replace(self, keys=keys)


class Settings:
    """The tables of one `store.toml`; each part asks for its own, and what nobody asks for is an error."""

    def __init__(self, tables: Mapping[str, Any], origin: Path) -> None:
        self._tables = tables
        self.origin = origin

    def one(self, table: ConfigTable[Config]) -> Config:
        """The table `[name]` as a config object; its defaults when the table is absent.

        Raises:
            ConfigError: an unknown key (by name, with the nearest), a value of the wrong type, or one that the part
                refuses.
        """
        return self._fill(table.name, self._tables.get(table.name, {}), table.config)

    def many(self, table: ConfigTable[Config]) -> tuple[Config, ...]:
        """The tables `[[name]]`, in order; empty when there are none.

        Raises:
            ConfigError: as `one`, or `[name]` is written as a single table.
        """
        name, tables = table.name, self._tables.get(table.name, [])
        if not isinstance(tables, list):
            raise ConfigError(f"{self.origin}: [{name}] must be written as [[{name}]], since there may be several.")
        return tuple(self._fill(name, entry, table.config) for entry in tables)

    def results(self, table: ConfigTable[Any]) -> dict[str, str]:
        """The settings that change the result, `[name] setting` -> value as text: those not marked `HOW_ONLY`.

        Raises:
            ConfigError: as `one` and `many`.
        """
        if table.repeated:
            return {f"[[{table.name}]] {place}": repr(each) for place, each in enumerate(self.many(table), 1)}
        config = self.one(table)
        return {
            f"[{table.name}] {entry.name}": repr(getattr(config, entry.name))
            for entry in fields(config)
            if entry.metadata.get("changes_result", True) and (not table.keys or entry.name in table.keys)
        }

    def expect_only(self, *names: str) -> None:
        """Raise ConfigError when the file has a table that is not among the names."""
        for table in self._tables:
            if table not in names:
                raise ConfigError(f"{self.origin}: no part reads the table [{table}].{closest(table, names)}")

    def _fill(self, name: str, table: object, config: type[Config]) -> Config:
        allowed = {entry.name for entry in fields(config)}  # type: ignore[arg-type]
        if not isinstance(table, Mapping):
            raise ConfigError(f"{self.origin}: {name} must be a table, not {table!r}.")
        for key in table:
            if key not in allowed:
                raise ConfigError(f"{self.origin}: [{name}] has no setting {key!r}.{closest(key, allowed)}")
        try:
            return TypeAdapter(config).validate_python(dict(table))
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise ConfigError(f"{self.origin}: [{name}] {where} = {problem['input']!r}: {problem['msg']}.") from error
        except InputError as error:
            raise ConfigError(f"{self.origin}: [{name}] {error}") from None


def read_settings(store: Path) -> Settings:
    """The settings of the shop in folder `store`.

    Raises:
        ConfigError: there is no `store.toml`, or it is no TOML.
    """
    path = store / STORE_FILE
    try:
        return Settings(tomllib.loads(path.read_text(encoding="utf-8")), path)
    except FileNotFoundError:
        raise ConfigError(
            f"{store} is no shop: it has no {STORE_FILE}. Make one with `whybuy init --store {store} FILE...`, "
            f"or try `whybuy demo --store {store}`."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
