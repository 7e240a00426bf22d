"""The settings that describe a shop."""

from dataclasses import dataclass, field

from whybuy.config import HOW_ONLY, ConfigTable


@dataclass(frozen=True, slots=True)
class ShopConfig:
    """The [shop] table of `store.toml`."""

    name: str = field(default="shop", metadata=HOW_ONLY)
    language: str = "en"  # of titles and queries; needs a file of surface patterns
    type_corrections: str = field(default="", metadata=HOW_ONLY)
    """A file of `whybuy.catalog.corrections`, relative to the store."""


SHOP_CONFIG = ConfigTable("shop", ShopConfig)
