"""Makes products from product types: titles, descriptions, attributes and prices, the same for the same seed."""

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from whybuy.demo.world import Category, ProductType, World
from whybuy.records import Product

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Item = TypeVar("Item")

_WORD = re.compile(r"(?<![\w'’])[^\W\d_]")
_PENCE = (0.99, 0.99, 0.5, 0.0)


@dataclass(frozen=True, slots=True)
class Stocking:
    """How many products a type gets, and how evenly they sell."""

    fewest: int = 11  # products of a type, plus its popularity
    answering: int = 3  # at least so many products answer each reason
    mention_rate: float = 0.8  # chance that the description of an answering product has the sentence of the reason
    skew: float = 0.8  # exponent of Zipf's law within a type


@dataclass(frozen=True, slots=True)
class Assortment:
    """All products of the demo shop, in the order of their ids."""

    world: World
    products: tuple[Product, ...]
    type_of: Ints  # (products,), index into `world.types`
    popularity: Floats  # (products,), relative demand, > 0

    def texts(self) -> list[str]:
        """All texts of each product in the feed, joined."""
        return [
            " ".join(
                (each.title, each.description, each.brand, *(f"{name} {value}" for name, value in each.attributes))
            )
            for each in self.products
        ]


def stock(world: World, seed: int, stocking: Stocking = Stocking()) -> Assortment:
    """Expand every type of the world into products; ids are drawn at random, so that they carry no information."""
    made: list[tuple[int, Product]] = []
    category_of = {kind.name: category for category in world.categories for kind in category.types}
    for index, kind in enumerate(world.types):
        rng = np.random.default_rng([seed, zlib.crc32(kind.name.encode())])
        made.extend((index, product) for product in _products(category_of[kind.name], kind, rng, stocking))
    rng = np.random.default_rng([seed, len(made)])
    dealt = [made[at] for at in rng.permutation(len(made))]
    products = tuple(replace(product, product_id=f"P{number:06d}") for number, (_, product) in enumerate(dealt, 1))
    type_of = np.array([index for index, _ in dealt], dtype=np.int64)
    return Assortment(world, products, type_of, _demand(world, type_of, stocking.skew))


def _demand(world: World, type_of: Ints, skew: float) -> Floats:
    """Zipf within each type, by the chance order of the ids, times how popular the type is."""
    demand = np.empty(len(type_of))
    for index, kind in enumerate(world.types):
        members = np.flatnonzero(type_of == index)
        demand[members] = kind.popularity * np.arange(1.0, len(members) + 1) ** -skew
    return demand


def _products(category: Category, kind: ProductType, rng: np.random.Generator, stocking: Stocking) -> Iterator[Product]:
    variants = _variants(kind, rng, stocking)
    labels = [(brand, line) for brand in category.brands for line in kind.lines]
    order = rng.permutation(max(len(labels), len(variants))) % len(labels)
    for at, variant in zip(order, variants, strict=False):
        brand, line = labels[at]
        yield Product(
            product_id="",
            title=_title(kind, {"brand": brand, "line": line, **_cased({"name": kind.name, **variant})}, rng),
            description=_description(kind, variant, rng, stocking.mention_rate),
            brand=brand,
            product_type=kind.name,
            type_confidence=1.0,
            category=category.path,
            attributes=tuple(variant.items()),
            price=_price(kind, rng),
            currency="USD",
        )


def _variants(kind: ProductType, rng: np.random.Generator, stocking: Stocking) -> list[dict[str, str]]:
    """Combinations of attribute values in which every value is about as frequent, and every reason is answered."""
    count = stocking.fewest + kind.popularity
    columns = {name: _evenly(values, count, rng) for name, values in kind.attributes.items()}
    variants = [{name: column[row] for name, column in columns.items()} for row in range(count)]
    for reason in kind.reasons:
        while sum(map(reason.answered_by, variants)) < stocking.answering:
            free = {name: pick(values, rng) for name, values in kind.attributes.items()}
            variants.append(free | {name: pick(values, rng) for name, values in reason.needs.items()})
    return variants


def _evenly(values: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    order = rng.permutation(count)
    return [values[at % len(values)] for at in order]


def _title(kind: ProductType, words: Mapping[str, str], rng: np.random.Generator) -> str:
    return pick(kind.titles, rng).format_map(words)


def _description(kind: ProductType, variant: Mapping[str, str], rng: np.random.Generator, mention_rate: float) -> str:
    blurbs = [kind.blurbs[at] for at in rng.permutation(len(kind.blurbs))[: rng.integers(2, 4)]]
    says = [kind.says[key] for name, value in variant.items() if (key := f"{name}.{value}") in kind.says]
    reasons = [
        reason.sentence
        for reason in kind.reasons
        if reason.sentence and reason.answered_by(variant) and rng.random() < mention_rate
    ]
    sentences = [*(_sentence(blurb.format_map(variant)) for blurb in blurbs), *says, *reasons]
    return " ".join(sentences[at] for at in rng.permutation(len(sentences)))


def _price(kind: ProductType, rng: np.random.Generator) -> float:
    """Log-uniform within the type's range, ending as prices do."""
    low, high = kind.price
    price = int(low * (high / low) ** rng.random())
    return max(low, price + pick(_PENCE, rng))


def _cased(words: Mapping[str, str]) -> dict[str, str]:
    """Capitalized as in a title: "slip-on shoe" → "Slip-On Shoe"."""
    return {name: _WORD.sub(lambda letter: letter[0].upper(), value) for name, value in words.items()}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def pick(items: Sequence[Item], rng: np.random.Generator) -> Item:
    """One item at random."""
    return items[int(rng.integers(len(items)))]
