"""Proposes the reasons that a language model gives for behavior pairs (COSMO, Yu et al., SIGMOD 2024)."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from scipy import sparse

from whybuy.knowledge.prompting.answers import GeneratedReason, read_answers
from whybuy.knowledge.prompting.pair_prompts import PromptedConfig, draw_pairs, pair_prompts
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
    """Prompts a language model for the reasons of sampled pairs."""

    generator: Generator
    config: PromptedConfig = PromptedConfig()

    def propose(self, inputs: ProposerInput) -> Iterator[Hypothesis]:
        """Reasons for queries, products, co-buy pairs, types and traits; nothing when the shop has no pairs."""
        pairs = draw_pairs(inputs, self.config)
        prompts = pair_prompts(inputs, pairs, self.config)
        reasons, _ = read_answers(prompts, self.generator([one.prompt for one in prompts]), inputs.language)
        yield from hypotheses_of(reasons, inputs, pairs, self.config, self.generator.model)


def hypotheses_of(
    reasons: Sequence[GeneratedReason], inputs: ProposerInput, pairs: pa.Table, config: PromptedConfig, model: str
) -> Iterator[Hypothesis]:
    """Generated reasons as hypotheses about the heads of the graph.

    A reason of a search-buy pair becomes a hypothesis of the query and one of the product; of a co-buy pair, one of the
    pair. A product type or trait gets a reason that was generated for its products more often than for others
    (`associate`), so that one generated for every product stays with single heads, where filters and critics see it.

    pairs: those of the prompts, PAIR_SCHEMA. The support of a hypothesis is the number of pairs with its reason.
    """
    given = _ReasonsByIntent(reasons, inputs, pairs)
    name = f"{load_prompts(inputs.language).version}/{model}"
    for head, intent, numbers, prompted in given.by_head():
        scores = (1.0, config.prior, config.prior * len(numbers) / prompted)
        yield given.hypothesis(head, intent, name, numbers, scores)
    groups = ProductGroups(inputs)
    for some, thresholds in ((groups.types, config.of_type), (groups.traits, config.of_trait)):
        for association in associate(given.by_intent, given.prompted_of, some, groups.types, thresholds):
            head = some.heads[association.group]
            if head.key[1:2] != (TITLE_WORD,):  # a word of a title beside a phrase explains nothing
                scores = (
                    association.lift,
                    config.prior * association.plausibility,
                    config.prior * association.typicality,
                )
                yield given.hypothesis(head, association.intent, name, given.pairs_in(some, association), scores)


class _ReasonsByIntent:
    """Generated reasons by intent and pair."""

    def __init__(self, reasons: Sequence[GeneratedReason], inputs: ProposerInput, pairs: pa.Table) -> None:
        self._inputs = inputs
        self._pairs = [(Behavior(row["kind"]), row["left"], row["right"], row["pair_id"]) for row in pairs.to_pylist()]
        words: defaultdict[tuple[Relation, str], dict[int, GeneratedReason]] = defaultdict(dict)
        for reason in reasons:
            words[reason.relation, canonical(reason.tail, inputs.language)].setdefault(reason.pair, reason)
        self._intents = sorted(intent for intent in words if intent[1])
        self._reasons = [words[intent] for intent in self._intents]  # by intent, then by pair

    def by_head(self) -> Iterator[tuple[Head, int, list[int], int]]:
        """Yield (head, intent, numbers of its pairs, number of prompted pairs) for queries, products, co-buy pairs."""
        prompted: Counter[Head] = Counter(head for number in range(len(self._pairs)) for head in self._heads(number))
        for intent, reasons in enumerate(self._reasons):
            numbers_of: defaultdict[Head, list[int]] = defaultdict(list)
            for number in reasons:
                for head in self._heads(number):
                    numbers_of[head].append(number)
            for head, numbers in numbers_of.items():
                yield head, intent, numbers, prompted[head]

    @cached_property
    def by_intent(self) -> sparse.csr_array:
        """Number of pairs for which an intent was generated, by intent and product. Shape (intents, products)."""
        entries = [
            (intent, row)
            for intent, reasons in enumerate(self._reasons)
            for number in reasons
            for row in self._rows(number)
        ]
        intents, rows = np.array(entries, dtype=np.int64).reshape(-1, 2).T
        shape = (len(self._intents), len(self._inputs.ids))
        return sparse.csr_array((np.ones(len(entries)), (intents, rows)), shape=shape)

    @cached_property
    def prompted_of(self) -> Floats:
        """Prompted pairs by product. Shape (products,), > 0."""
        rows = np.array([row for number in range(len(self._pairs)) for row in self._rows(number)], dtype=np.int64)
        return background(rows, np.ones(len(rows)), len(self._inputs.ids))

    def pairs_in(self, groups: Groups, association: Association) -> list[int]:
        """Numbers of the pairs with a product of the group for which the intent was generated."""
        members = groups.rows(association.group)
        return [number for number in self._reasons[association.intent] if members.intersection(self._rows(number))]

    def hypothesis(
        self, head: Head, intent: int, generator: str, numbers: Sequence[int], scores: tuple[float, float, float]
    ) -> Hypothesis:
        """One hypothesis. numbers: of its pairs. scores: lift, plausibility and typicality."""
        reasons = [self._reasons[intent][number] for number in numbers]
        evidence = tuple(self._pairs[number][3] for number in numbers[:SAMPLE])
        words = tuple(dict.fromkeys(reason.words for reason in reasons))[:SAMPLE]
        tails = Counter(reason.tail for reason in reasons)
        tail = min(tails, key=lambda text: (-tails[text], text))
        return Hypothesis(head, self._intents[intent][0], tail, generator, len(numbers), *scores, evidence, words)

    def _heads(self, number: int) -> tuple[Head, ...]:
        kind, left, right, _ = self._pairs[number]
        if kind is Behavior.CO_BUY:
            return (Head(HeadKind.PAIR, (left, right)),)
        return Head(HeadKind.QUERY, (left,)), Head(HeadKind.PRODUCT, (right,))

    def _rows(self, number: int) -> tuple[int, ...]:
        kind, left, right, _ = self._pairs[number]
        ends = (left, right) if kind is Behavior.CO_BUY else (right,)
        return tuple(self._inputs.row_of[product_id] for product_id in ends)
