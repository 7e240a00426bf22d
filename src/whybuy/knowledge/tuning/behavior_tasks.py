"""The relevance and co-purchase tasks of COSMO-LM: bought products against random ones, as many of each."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.tuning.instructions import NO, YES, Instruction, Part, Task
from whybuy.knowledge.tuning.products import Products
from whybuy.knowledge.tuning.split import Split
from whybuy.knowledge.tuning.wording import Wording
from whybuy.qrels import Qrels
from whybuy.records import Behavior, Head, HeadKind


class BehaviorQuestions:
    """Instructions about queries and products, and about pairs of products."""

    def __init__(self, inputs: ProposerInput, products: Products, split: Split, seed: int) -> None:
        self._inputs, self._products, self._split = inputs, products, split
        self._random, self._wording = np.random.default_rng(seed), Wording.load()

    def search_relevance(self, part: Part) -> Iterator[Instruction]:
        """Each query with a product bought for it, and with one of a type that nobody bought for it."""
        pairs = self._inputs.pairs_of(Behavior.SEARCH_BUY)
        queries, bought = pairs["left"].to_pylist(), pairs["right"].to_pylist()
        bought_for = defaultdict[str, set[str]](set)
        for query, product in zip(queries, bought, strict=True):
            bought_for[query].add(product)
        for row in self._random.permutation(len(queries)).tolist():
            query, product = queries[row], bought[row]
            if self._is_in(part, query, product):
                yield self._search(query, product, YES)
                types = {self._products.type_of(other) for other in bought_for[query]} - {""}
                if other := self._products.random_other(part, bought_for[query], types, self._random):
                    yield self._search(query, other, NO)

    def judged_relevance(self, judged: Qrels, part: Part) -> Iterator[Instruction]:
        """The same from judged pairs: yes from two thirds up the scale, no at its lowest grade."""
        pairs = [(topic, product) for topic, grades in judged.grades.items() for product in grades]
        for place in self._random.permutation(len(pairs)).tolist():
            topic, product = pairs[place]
            query, relevant = judged.text(topic), product in judged.relevant(topic)
            answers = relevant or not judged.gains(topic)[product]
            if answers and product in self._products and self._is_in(part, query, product):
                yield self._search(query, product, YES if relevant else NO)

    def co_purchase(self, part: Part) -> Iterator[Instruction]:
        """Each co-buy pair, and one of its products with one of a type that is not bought with its own."""
        pairs = self._inputs.pairs_of(Behavior.CO_BUY)
        left, right = pairs["left"].to_pylist(), pairs["right"].to_pylist()
        type_of, with_type = self._products.type_of, defaultdict[str, set[str]](set)
        for one, other in zip(left, right, strict=True):
            with_type[type_of(one)].add(type_of(other))
            with_type[type_of(other)].add(type_of(one))
        for row in self._random.permutation(len(left)).tolist():
            one, other = (left[row], right[row])[:: self._random.choice((-1, 1))]
            if self._split.part_of([Head(HeadKind.PAIR, (one, other))]) is part:
                yield self._purchase(one, other, YES)
                if strange := self._products.random_other(part, {one, other}, with_type[type_of(one)], self._random):
                    yield self._purchase(one, strange, NO)

    def _is_in(self, part: Part, query: str, product: str) -> bool:
        return self._split.part_of([Head(HeadKind.QUERY, (query,)), Head(HeadKind.PRODUCT, (product,))]) is part

    def _search(self, query: str, product: str, answer: str) -> Instruction:
        fields = {"query": query, "product": self._products.words(product)}
        return self._instruction(Task.SEARCH_RELEVANCE, "query_and_product", fields, answer)

    def _purchase(self, one: str, other: str, answer: str) -> Instruction:
        fields = {"first": self._products.words(one), "second": self._products.words(other)}
        return self._instruction(Task.CO_PURCHASE, "two_products", fields, answer)

    def _instruction(self, task: Task, about: str, fields: dict[str, str], answer: str) -> Instruction:
        return Instruction(task, self._wording.ask(task, about, fields, self._random), answer)
