"""What a shop says of itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShopConfig:
    """The [shop] table of `store.toml`."""

    name: str = "shop"
    language: str = "en"  # of titles and queries; needs a file of surface patterns
    type_corrections: str = ""  # file of `whybuy.catalog.corrections`, relative to the store
