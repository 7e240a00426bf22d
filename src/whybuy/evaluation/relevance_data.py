"""Judged pairs of a shop with what it knows of their reasons, as relevance models learn from them and are measured."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from whybuy.discovery import Discovery, UnknownProduct
from whybuy.errors import InputError
from whybuy.metrics import share
from whybuy.qrels import ESCI_GRADES, Qrels
from whybuy.records import Intent, Product, Reason, RelevanceLabel, RelevancePair
from whybuy.relations import Relation
from whybuy.relevance.model import JudgedPairs

PRODUCT_LETTERS = 200  # of title and description, which leave room for reasons in what an encoder reads
MOST_CLASSES = 6  # different grades that are classes as they are
REASONS_READ = 10  # of a query or a product

_Known = TypeVar("_Known")


@dataclass(frozen=True, slots=True)
class GradeClasses:
    """The classes that grades fall into, the best first."""

    names: tuple[str, ...]
    gains: tuple[float, ...]  # of each class, above the lowest grade
    grades: tuple[float, ...]  # falling; the nearest one is the class of a grade

    @classmethod
    def of(cls, qrels: Qrels) -> Self:
        """ESCI's labels for its gains; else the grades, where they are few; else whole grades, to the nearest.

        Raises:
            InputError: all grades fall into one class.
        """
        different = {grade for judged in qrels.grades.values() for grade in judged.values()}
        low, high = qrels.scale.low, qrels.scale.high
        labels = dict(zip(ESCI_GRADES.values(), (label.value for label in RelevanceLabel), strict=True))
        if different <= labels.keys() and different - {low, high}:
            grades = list(labels)
        elif len(different) <= MOST_CLASSES:
            grades = sorted(different, reverse=True)
        else:
            grades = [high - step for step in range(int(high - low) + 1)]
        if len(grades) < 2:
            raise InputError(
                f"All grades from {low:g} to {high:g} are one class, so there is nothing to tell apart. Judge on a "
                "scale of whole grades, for example 1..4."
            )
        names = labels if grades == list(labels) else {grade: f"{grade:g}" for grade in grades}
        return cls(tuple(names[grade] for grade in grades), tuple(grade - low for grade in grades), tuple(grades))

    def number(self, grade: float) -> int:
        """The class of a grade; of one halfway between two, the better one."""
        return min(range(len(self.grades)), key=lambda place: (abs(self.grades[place] - grade), place))


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many queries and products have any reason."""

    queries: int
    queries_with_reasons: int
    products: int
    products_with_reasons: int
    pairs: int
    pairs_that_share: int  # a reason of the query that the product has too

    def as_json(self) -> dict[str, float | int]:
        """Counts, and shares in [0, 1]."""
        return {
            "queries": self.queries,
            "queries_with_reasons": share(self.queries_with_reasons, self.queries),
            "products": self.products,
            "products_with_reasons": share(self.products_with_reasons, self.products),
            "pairs_that_share_a_reason": share(self.pairs_that_share, self.pairs),
        }


@dataclass(frozen=True, slots=True, eq=False)
class JudgedShop:
    """The judged pairs of a shop in the order of queries, without reasons, and the reasons beside."""

    topics: tuple[str, ...]  # of each pair
    product_ids: tuple[str, ...]  # of each pair
    bare: JudgedPairs
    gains: NDArray[np.float64]  # shape (pairs,): of the judged grades
    class_gains: tuple[float, ...]
    query_reasons: Mapping[str, tuple[Intent, ...]]  # by topic
    product_reasons: Mapping[str, tuple[Intent, ...]]  # by id

    def given(self, relations: Collection[Relation]) -> JudgedPairs:
        """The pairs with the reasons of these relations."""
        return self._with(_only(self.query_reasons, relations), _only(self.product_reasons, relations))

    def shuffled(self, relations: Collection[Relation], seed: int) -> JudgedPairs:
        """The same with the reasons of each query and product being those of another one.

        As many have any, and the same ones occur, so that a model which gains from these learns nothing from reasons.
        """
        random = np.random.default_rng(seed)
        queries, products = _only(self.query_reasons, relations), _only(self.product_reasons, relations)
        return self._with(_permuted(queries, random), _permuted(products, random))

    def coverage(self, relations: Collection[Relation]) -> Coverage:
        """How many have any reason of these relations."""
        queries, products = _only(self.query_reasons, relations), _only(self.product_reasons, relations)
        shared = sum(
            not {each.tail for each in pair.query_reasons}.isdisjoint(each.tail for each in pair.product_reasons)
            for pair in self.given(relations).pairs
        )
        counts = len(queries), sum(map(bool, queries.values())), len(products), sum(map(bool, products.values()))
        return Coverage(*counts, len(self.bare), shared)

    def _with(
        self, queries: Mapping[str, tuple[Intent, ...]], products: Mapping[str, tuple[Intent, ...]]
    ) -> JudgedPairs:
        told = zip(self.bare.pairs, self.topics, self.product_ids, strict=True)
        pairs = tuple(
            replace(pair, query_reasons=queries[topic], product_reasons=products[product])
            for pair, topic, product in told
        )
        return replace(self.bare, pairs=pairs)


def read_judged_shop(discovery: Discovery, qrels: Qrels, topics: Sequence[str]) -> JudgedShop:
    """The judged pairs of these topics whose products the shop has, the reasons as it knows them.

    Reasons of a query are its intents, those of a product why it is bought.

    Raises:
        InputError: the shop has none of the judged products, or all grades are one class.
    """
    classes = GradeClasses.of(qrels)
    known = _known_products(discovery, {product for topic in topics for product in qrels.grades[topic]})
    judged = [(topic, product) for topic in topics for product in qrels.grades[topic] if product in known]
    if not judged:
        raise InputError(
            f"The shop has none of the products of {len(topics)} judged queries. Give judgments of its own products."
        )
    texts = {product: product_text(known[product]) for _, product in judged}
    pairs = tuple(RelevancePair(qrels.text(topic), texts[product]) for topic, product in judged)
    numbers = np.array([classes.number(qrels.grades[topic][product]) for topic, product in judged], np.int64)
    return JudgedShop(
        topics=tuple(topic for topic, _ in judged),
        product_ids=tuple(product for _, product in judged),
        bare=JudgedPairs(pairs, numbers, classes.names),
        gains=np.array([qrels.grades[topic][product] - qrels.scale.low for topic, product in judged]),
        class_gains=classes.gains,
        query_reasons={topic: discovery.intents(qrels.text(topic))[:REASONS_READ] for topic, _ in judged},
        product_reasons={
            product: tuple(map(_as_intent, discovery.why(product, limit=REASONS_READ))) for product in texts
        },
    )


def _known_products(discovery: Discovery, product_ids: Iterable[str]) -> dict[str, Product]:
    """Those that the shop has."""
    known = dict[str, Product]()
    for product_id in product_ids:
        with suppress(UnknownProduct):
            known[product_id] = discovery.product(product_id)
    return known


def product_text(product: Product) -> str:
    """What a relevance model reads of a product: its title, then as much of its description as fits."""
    return " ".join(f"{product.title}. {product.description}".split())[:PRODUCT_LETTERS].rstrip(" .")


def _as_intent(reason: Reason) -> Intent:
    return Intent(reason.relation, reason.tail, reason.confidence, reason.head)


def _only(known: Mapping[str, tuple[Intent, ...]], relations: Collection[Relation]) -> dict[str, tuple[Intent, ...]]:
    return {name: tuple(each for each in reasons if each.relation in relations) for name, reasons in known.items()}


def _permuted(known: Mapping[str, _Known], random: np.random.Generator) -> dict[str, _Known]:
    values = list(known.values())
    return {name: values[place] for name, place in zip(known, random.permutation(len(values)), strict=True)}


def sampled(topics: Iterable[str], most: int | None, seed: int) -> list[str]:
    """So many of the topics, drawn without replacement and in their order; all of them when there are no more."""
    every = list(topics)
    if most is None or most >= len(every):
        return every
    return [every[place] for place in sorted(np.random.default_rng(seed).permutation(len(every))[:most])]
