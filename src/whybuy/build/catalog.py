"""The stage that reads product feeds."""

from collections.abc import Sequence
from pathlib import Path

from whybuy.build.stage import Stage, Summary
from whybuy.catalog import catalog
from whybuy.catalog.catalog import Catalog
from whybuy.catalog.recognize import FEED_CONFIG
from whybuy.catalog.shop import SHOP_CONFIG
from whybuy.catalog.sources import read_catalog, source_files
from whybuy.catalog.types import TYPE_CONFIG, infer_types
from whybuy.errors import ConfigError
from whybuy.shop import Shop


def _files(shop: Shop) -> Sequence[Path]:
    feeds = shop.settings.many(FEED_CONFIG)
    if not feeds:
        raise ConfigError(f'{shop.settings.origin} names no product feed. Add [[catalog]] with path = "...".')
    corrections = _corrections(shop)
    files = [path for feed in feeds for path in source_files(feed.path, shop.store)]
    return [*files, *([corrections] if corrections else [])]


def _corrections(shop: Shop) -> Path | None:
    named = shop.settings.one(SHOP_CONFIG).type_corrections
    return shop.store / named if named else None


def _make(shop: Shop, folder: Path) -> Summary:
    products, report = read_catalog(shop.settings.many(FEED_CONFIG), shop.store)
    catalog_ = Catalog(infer_types(products, _corrections(shop), shop.settings.one(TYPE_CONFIG)))
    catalog_.save(folder)
    return {
        "products": report.products,
        "set_aside": report.reading.set_aside.total(),
        "types": len(catalog_.types()),
        "typed_by_feed": report.typed,
        "untyped": sum(not name for name in catalog_.column("product_type")),
    }


CATALOG = Stage(
    kind="catalog",
    version=catalog.FORMAT_VERSION,
    make=_make,
    config=(FEED_CONFIG, TYPE_CONFIG),
    files=_files,
)
