"""Product feeds → the products table."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from whybuy.catalog.aliases import Role, column_key
from whybuy.catalog.recognize import CatalogPlan, CatalogSource, Layout, check_plan, recognize_catalog
from whybuy.catalog.values import (
    attribute,
    category_path,
    close_lines,
    parse_details,
    parse_features,
    parse_price,
    without_filler,
)
from whybuy.errors import InputError
from whybuy.records import PRODUCT_SCHEMA, Product
from whybuy.tables import ReadReport, Rows, json_objects, read_rows
from whybuy.text import clean, lemma, normalize

LONGEST_DESCRIPTION = 20_000  # characters that are kept
SHOPIFY_OPTIONS = frozenset(f"option{number}_{part}" for number in (1, 2, 3) for part in ("name", "value"))
"""The columns of variants, as keys, that are read whatever their roles."""
_PRODUCT_KINDS = ("product", "individualproduct", "productmodel", "productgroup", "someproducts", "vehicle", "book")


@dataclass(frozen=True, slots=True)
class CatalogReport:
    """How each feed was read, and counts of rows and products."""

    plans: tuple[CatalogPlan, ...]
    products: int
    duplicates: int  # rows whose product was there already
    typed: int  # products whose type the feed states
    described: int  # products with a description
    reading: ReadReport


def read_catalog(sources: Sequence[CatalogSource], base: Path) -> tuple[pa.Table, CatalogReport]:
    """The products of all feeds in `PRODUCT_SCHEMA`, each once, in the order of their first row.

    Of several rows with one id the longest is kept; Shopify's variants are folded into their product.
    The products are held in memory.

    Raises:
        InputError: a feed cannot be understood, or all feeds together have no product.
    """
    reading = ReadReport()
    shelf = _Shelf()
    plans = []
    for source in sources:
        for path in source_files(source.path, base):
            plan = recognize_catalog(path, source)
            check_plan(plan)
            plans.append(plan)
            _fill(shelf, plan, source, reading)
    products = _typed(list(shelf.products.values()))
    if not products:
        raise InputError(
            f"The catalog has no product: {reading.rows_read} rows read, set aside: {dict(reading.set_aside)}. "
            "Run `whybuy validate` to see which rows and why, then correct the columns in store.toml."
        )
    report = CatalogReport(
        tuple(plans),
        len(products),
        shelf.duplicates,
        sum(product.type_confidence == 1 for product in products),
        sum(bool(product.description) for product in products),
        reading,
    )
    return products_table(products), report


def source_files(pattern: str, base: Path) -> list[Path]:
    """The files that a `path` of store.toml means, in order of their names.

    Raises:
        InputError: a pattern with * or ? fits no file.
    """
    if not any(sign in pattern for sign in "*?["):
        return [base / pattern]
    root = Path(Path(pattern).anchor) if Path(pattern).is_absolute() else base
    files = sorted(root.glob(str(Path(pattern).relative_to(root) if Path(pattern).is_absolute() else pattern)))
    if not files:
        raise InputError(f"No file fits {pattern!r} under {base}. Correct the path in store.toml.")
    return files


def products_table(products: Iterable[Product]) -> pa.Table:
    """Products as a table in `PRODUCT_SCHEMA`."""
    rows = [[getattr(product, name) for name in PRODUCT_SCHEMA.names] for product in products]
    columns = list(zip(*rows, strict=True)) or [()] * len(PRODUCT_SCHEMA)
    place = PRODUCT_SCHEMA.get_field_index("attributes")
    columns[place] = tuple([{"name": name, "value": value} for name, value in entries] for entries in columns[place])
    arrays = [pa.array(column, entry.type) for column, entry in zip(columns, PRODUCT_SCHEMA, strict=True)]
    return pa.table(arrays, schema=PRODUCT_SCHEMA)


class _Shelf:
    """Products by id while the feeds are read."""

    def __init__(self) -> None:
        self.products: dict[str, Product] = {}
        self.duplicates = 0

    def add(self, product: Product) -> None:
        """Keep the longest of the rows that share an id."""
        known = self.products.setdefault(product.product_id, product)
        if known is not product:
            self.duplicates += 1
            if _length(product) > _length(known):
                self.products[product.product_id] = product

    def fold(self, variant: Product) -> None:
        """Join a variant's attributes to its product; the lowest price counts."""
        known = self.products.get(variant.product_id)
        if known is None:
            self.products[variant.product_id] = variant
            return
        prices = [price for price in (known.price, variant.price) if price is not None]
        attributes = tuple(dict.fromkeys(known.attributes + variant.attributes))
        self.products[variant.product_id] = replace(known, price=min(prices, default=None), attributes=attributes)


def _length(product: Product) -> tuple[int, int]:
    return len(product.title) + len(product.description), len(product.attributes)


def _fill(shelf: _Shelf, plan: CatalogPlan, source: CatalogSource, reading: ReadReport) -> None:
    variants = _ShopifyOptions() if plan.layout is Layout.SHOPIFY else None
    for rows in _only_products(plan, reading):
        options = variants.attributes(rows) if variants else [()] * len(rows.batch)
        for line, product, option in zip(rows.lines.to_pylist(), _products(rows, plan, source), options, strict=True):
            if not product.product_id:
                reading.reject("no product id", plan.path, line, product.title)
            elif variants and (product.title or product.product_id in shelf.products):
                shelf.fold(replace(product, attributes=product.attributes + option))
            elif not product.title:
                reading.reject("no title", plan.path, line, product.product_id)
            else:
                shelf.add(product)


def _only_products(plan: CatalogPlan, reading: ReadReport) -> Iterator[Rows]:
    """Rows without the schema.org objects that are something else than a product."""
    for rows in read_rows(plan.path, reading):
        if not plan.of(Role.KIND):
            yield rows
            continue
        kinds = rows.text(plan.of(Role.KIND)[0]).to_pylist()
        kept = [not kind or any(name in kind.casefold() for name in _PRODUCT_KINDS) for kind in kinds]
        for line, kind, keep in zip(rows.lines.to_pylist(), kinds, kept, strict=True):
            if not keep:
                reading.reject("not a product", plan.path, line, kind)
        yield rows.keep(pa.array(kept))


def _products(rows: Rows, plan: CatalogPlan, source: CatalogSource) -> Iterator[Product]:
    """One product per row; title or id are blank when the row has none."""
    prices = list(_prices(rows, plan))
    columns = zip(
        _texts(rows, plan, Role.PRODUCT_ID),
        _texts(rows, plan, Role.TITLE),
        _descriptions(rows, plan),
        map(without_filler, _texts(rows, plan, Role.BRAND)),
        _texts(rows, plan, Role.PRODUCT_TYPE),
        _categories(rows, plan),
        _attributes(rows, plan),
        prices,
        _texts(rows, plan, Role.CURRENCY),
        _texts(rows, plan, Role.URL),
        _first_texts(rows, plan, Role.IMAGE),
        _texts(rows, plan, Role.LOCALE),
        strict=True,
    )
    for identity, title, description, brand, kind, category, attributes, price, currency, url, image, locale in columns:
        path = category_path([kind])
        yield Product(
            product_id=identity,
            title=title,
            description=description,
            brand=brand,
            product_type=normalize(path[-1]) if path else "",
            type_confidence=1.0 if path else 0.0,
            category=category or (path if len(path) > 1 else ()),
            attributes=attributes,
            price=price[0],
            currency=currency or price[1] or source.currency,
            url=url,
            image=image,
            locale=locale or source.locale,
        )


def _texts(rows: Rows, plan: CatalogPlan, role: Role) -> list[str]:
    """Per row the first text that is not blank, cleaned."""
    texts = [""] * len(rows.batch)
    for column in plan.of(role):
        texts = [known or clean(text) for known, text in zip(texts, rows.text(column).to_pylist(), strict=True)]
    return texts


def _first_texts(rows: Rows, plan: CatalogPlan, role: Role) -> list[str]:
    """Per row the first text of the first list that is not empty, as it is."""
    firsts = [""] * len(rows.batch)
    for column in plan.of(role):
        lists = rows.texts(column).to_pylist()
        firsts = [known or "".join(texts[:1]).strip() for known, texts in zip(firsts, lists, strict=True)]
    return firsts


def _descriptions(rows: Rows, plan: CatalogPlan) -> Iterator[str]:
    columns = [map(close_lines, rows.text(name).to_pylist()) for name in plan.of(Role.DESCRIPTION)]
    if not columns:
        yield from [""] * len(rows.batch)
    for parts in zip(*columns, strict=True):
        texts = [text for text in (clean(part) for part in parts) if len(text) > 1]
        kept = [
            text
            for place, text in enumerate(texts)
            if not any(
                text in other and (text != other or place > where)
                for where, other in enumerate(texts)
                if where != place
            )
        ]
        yield clean(close_lines("\n".join(kept)))[:LONGEST_DESCRIPTION]


def _categories(rows: Rows, plan: CatalogPlan) -> Iterator[tuple[str, ...]]:
    columns = [rows.texts(name).to_pylist() for name in plan.of(Role.CATEGORY)]
    if not columns:
        yield from [()] * len(rows.batch)
    for parts in zip(*columns, strict=True):
        yield category_path(name for names in parts for name in names)


def _attributes(rows: Rows, plan: CatalogPlan) -> Iterator[tuple[tuple[str, str], ...]]:
    columns = [(name, rows.texts(name).to_pylist()) for name in plan.attributes]
    features = [rows.text(name).to_pylist() for name in plan.of(Role.FEATURES)]
    details = [rows.texts(name).to_pylist() for name in plan.of(Role.DETAILS)]
    tags = [rows.texts(name).to_pylist() for name in plan.of(Role.TAGS)]
    for row in range(len(rows.batch)):
        pairs: dict[tuple[str, str], None] = {}
        for name, values in columns:
            for value in values[row]:
                pairs.update(dict.fromkeys(attribute(name, value)))
        for texts in features:
            pairs.update(dict.fromkeys(parse_features(texts[row])))
        for lists in details:
            pairs.update(dict.fromkeys(pair for text in lists[row] for pair in parse_details(text)))
        for lists in tags:
            pairs.update(
                (pair, None) for text in lists[row] for tag in text.split(",") for pair in attribute("tag", tag)
            )
        yield tuple(pairs)


def _prices(rows: Rows, plan: CatalogPlan) -> Iterator[tuple[float | None, str]]:
    """Amount and currency of each row, from its price or else from its offers."""
    offers = plan.of(Role.OFFERS)
    lists = rows.texts(offers[0]).to_pylist() if offers else [[]] * len(rows.batch)
    for text, objects in zip(_texts(rows, plan, Role.PRICE), lists, strict=True):
        yield parse_price(text) if text else _offer_price(objects)


def _offer_price(offers: list[str]) -> tuple[float | None, str]:
    """The lowest price among schema.org offers; offers given as addresses have none."""
    prices = []
    for offer in json_objects(offers):
        amount, currency = parse_price(str(offer.get("price", offer.get("lowPrice", ""))))
        if amount is not None:
            prices.append((amount, str(offer.get("priceCurrency") or currency)))
    return min(prices, default=(None, ""))


class _ShopifyOptions:
    """Variant options as attributes; the option's name stands only in the product's first row."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, int], str] = {}

    def attributes(self, rows: Rows) -> list[tuple[tuple[str, str], ...]]:
        """The options of each row."""
        keys = {column_key(name): name for name in rows.batch.schema.names}
        handles = rows.text(keys.get("handle") or keys["url_handle"]).to_pylist()
        options: list[tuple[tuple[str, str], ...]] = [()] * len(handles)
        for number in (1, 2, 3):
            names = rows.text(keys.get(f"option{number}_name", "")).to_pylist()
            values = rows.text(keys.get(f"option{number}_value", "")).to_pylist()
            for row, (handle, name, value) in enumerate(zip(handles, names, values, strict=True)):
                if name:
                    self._names[handle, number] = name
                option = self._names.get((handle, number), "")
                if option.casefold() != "title":
                    options[row] += tuple(attribute(option, value))
        return options


def _typed(products: list[Product]) -> list[Product]:
    """The types that the feed states, singular where it writes most of them in the plural."""
    singular = _singulars({product.product_type for product in products})
    return [replace(product, product_type=singular[product.product_type]) for product in products]


def _singulars(names: set[str]) -> dict[str, str]:
    """The singular of each type; when most names are singular already, a plural such as "pliers" is meant so."""
    plural = {name for name in names if name.endswith("s") and not name.endswith("ss")}
    if 2 * len(plural) <= len(names):
        return {name: name for name in names}
    return {name: _singular(name) if name in plural else name for name in names}


def _singular(name: str) -> str:
    *before, last = name.split(" ")
    return " ".join([*before, lemma(last)])
