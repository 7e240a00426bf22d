"""Reasons that a language model gives for behavior pairs: a proposer beside the evidence, for a critic to judge."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from scipy import sparse

from whybuy.knowledge.prompting.interview import PromptedConfig, Saying, draw_pairs, hear, questions
from whybuy.knowledge.prompting.prompts import load_prompts
from whybuy.knowledge.proposing.association import Association, Groups, ProductGroups, associate, background
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.statistics import Floats
from whybuy.language.generator import Generator
from whybuy.records import TITLE_WORD, Behavior, Head, HeadKind, Hypothesis
from whybuy.relations import Relation
from whybuy.text import canonical

SAMPLE = 5  # pair ids and wordings kept per hypothesis


@dataclass(frozen=True, slots=True)
class PromptedHypothesizer:
    """Asks a language model why pairs were bought."""

    generator: Generator
    config: PromptedConfig = PromptedConfig()

    def propose(self, shop: ProposerInput) -> Iterator[Hypothesis]:
        """Reasons for queries, products, co-buy pairs, types and traits; nothing when the shop has no pairs."""
        pairs = draw_pairs(shop, self.config)
        asked = questions(shop, pairs, self.config)
        sayings, _ = hear(asked, self.generator([one.prompt for one in asked]), shop.language)
        yield from hypotheses_of(sayings, shop, pairs, self.config, self.generator.model)


def hypotheses_of(
    sayings: Sequence[Saying], shop: ProposerInput, pairs: pa.Table, config: PromptedConfig, model: str
) -> Iterator[Hypothesis]:
    """What a model said of pairs, as reasons of what the graph speaks about.

    What it says of a search and its purchase is said of the query and of the product; what it says of two products, of
    the pair. Types and traits get what it says of their products more than of others, so that what it says of
    everything stays with the single things, where filters and critics find it.

    pairs: those that were asked about, PAIR_SCHEMA. Support is the number of pairs of which it was said.
    """
    said = _Said(sayings, shop, pairs)
    name = f"{load_prompts(shop.language).version}/{model}"
    for head, intent, spoken_of, asked in said.by_head():
        scores = (1.0, config.prior, config.prior * len(spoken_of) / asked)
        yield said.hypothesis(head, intent, name, spoken_of, scores)
    groups = ProductGroups(shop)
    for some, thresholds in ((groups.types, config.of_type), (groups.traits, config.of_trait)):
        for found in associate(said.by_intent, said.asked_of, some, groups.types, thresholds):
            head = some.heads[found.group]
            if head.key[1:2] != (TITLE_WORD,):  # a word of a title beside a phrase explains nothing
                scores = (found.lift, config.prior * found.plausibility, config.prior * found.typicality)
                yield said.hypothesis(head, found.intent, name, said.pairs_in(some, found), scores)


class _Said:
    """Of which pairs each reason was given."""

    def __init__(self, sayings: Sequence[Saying], shop: ProposerInput, pairs: pa.Table) -> None:
        self._shop = shop
        self._pairs = [(Behavior(row["kind"]), row["left"], row["right"], row["pair_id"]) for row in pairs.to_pylist()]
        words: defaultdict[tuple[Relation, str], dict[int, Saying]] = defaultdict(dict)
        for saying in sayings:
            words[saying.relation, canonical(saying.tail, shop.language)].setdefault(saying.pair, saying)
        self._needs = sorted(intent for intent in words if intent[1])
        self._sayings = [words[intent] for intent in self._needs]  # by intent, then by pair

    def by_head(self) -> Iterator[tuple[Head, int, list[int], int]]:
        """Each query, product and co-buy pair with an intent, the pairs it was given for, and how many were prompted."""
        asked: Counter[Head] = Counter(head for number in range(len(self._pairs)) for head in self._heads(number))
        for intent, sayings in enumerate(self._sayings):
            spoken_of: defaultdict[Head, list[int]] = defaultdict(list)
            for number in sayings:
                for head in self._heads(number):
                    spoken_of[head].append(number)
            for head, numbers in spoken_of.items():
                yield head, intent, numbers, asked[head]

    @cached_property
    def by_intent(self) -> sparse.csr_array:
        """Needs × products: of how many pairs with the product the intent was said."""
        entries = [
            (intent, row)
            for intent, sayings in enumerate(self._sayings)
            for number in sayings
            for row in self._rows(number)
        ]
        intents, rows = np.array(entries, dtype=np.int64).reshape(-1, 2).T
        shape = (len(self._needs), len(self._shop.ids))
        return sparse.csr_array((np.ones(len(entries)), (intents, rows)), shape=shape)

    @cached_property
    def asked_of(self) -> Floats:
        """About how many pairs of each product was asked. Shape (products,), > 0."""
        rows = np.array([row for number in range(len(self._pairs)) for row in self._rows(number)], dtype=np.int64)
        return background(rows, np.ones(len(rows)), len(self._shop.ids))

    def pairs_in(self, groups: Groups, association: Association) -> list[int]:
        """The pairs of which an intent was said and that have a product of the group."""
        members = groups.rows(association.group)
        return [number for number in self._sayings[association.intent] if members.intersection(self._rows(number))]

    def hypothesis(
        self, head: Head, intent: int, generator: str, spoken_of: Sequence[int], scores: tuple[float, float, float]
    ) -> Hypothesis:
        """One reason. spoken_of: pairs. scores: lift, plausibility and typicality."""
        sayings = [self._sayings[intent][number] for number in spoken_of]
        evidence = tuple(self._pairs[number][3] for number in spoken_of[:SAMPLE])
        words = tuple(dict.fromkeys(saying.words for saying in sayings))[:SAMPLE]
        tails = Counter(saying.tail for saying in sayings)
        tail = min(tails, key=lambda text: (-tails[text], text))
        return Hypothesis(head, self._needs[intent][0], tail, generator, len(spoken_of), *scores, evidence, words)

    def _heads(self, number: int) -> tuple[Head, ...]:
        kind, left, right, _ = self._pairs[number]
        if kind is Behavior.CO_BUY:
            return (Head(HeadKind.PAIR, (left, right)),)
        return Head(HeadKind.QUERY, (left,)), Head(HeadKind.PRODUCT, (right,))

    def _rows(self, number: int) -> tuple[int, ...]:
        kind, left, right, _ = self._pairs[number]
        ends = (left, right) if kind is Behavior.CO_BUY else (right,)
        return tuple(self._shop.row_of[product_id] for product_id in ends)
