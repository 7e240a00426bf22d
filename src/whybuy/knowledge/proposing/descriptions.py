"""Proposes intents that titles and descriptions state, "ideal for nurses", more often in one type than elsewhere."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy import sparse

from whybuy.config import ConfigTable
from whybuy.knowledge.proposing.association import AssociationThresholds, Groups, ProductGroups, associate
from whybuy.knowledge.proposing.co_buy import SAMPLE, shared_by_pairs
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.patterns import BY_KIND, load_patterns
from whybuy.records import TITLE_WORD, Head, HeadKind, Hypothesis, Proposer
from whybuy.relations import Relation
from whybuy.text import canonical


@dataclass(frozen=True, slots=True)
class DescriptionConfig:
    """Thresholds for a stated reason to be proposed (our design)."""

    of_type: AssociationThresholds = AssociationThresholds(least_count=2, midpoint=2.0, least_share=0.1)
    of_trait: AssociationThresholds = AssociationThresholds(least_count=2, midpoint=2.5, least_lift=1.2)
    least_sources: int = 2  # brands that state it, or products without a brand: one copywriter's slogan is no reason
    stated: float = 0.7  # plausibility of what a product's own text states, at most, in [0, 1]


DESCRIPTION_CONFIG = ConfigTable("descriptions", DescriptionConfig)


@dataclass(frozen=True, slots=True)
class DescriptionHypothesizer:
    """Proposes from phrases in titles and descriptions; the only proposer that needs no log (our design)."""

    config: DescriptionConfig = DescriptionConfig()

    def propose(self, inputs: ProposerInput) -> Iterator[Hypothesis]:
        """Reasons for products, types, traits and co-buy pairs; nothing when no text states an intent."""
        stated = _Stated(inputs, self.config.least_sources)
        if not stated.keys:
            return
        groups = ProductGroups(inputs)
        background = np.ones(len(inputs.ids))
        for some, thresholds in ((groups.types, self.config.of_type), (groups.traits, self.config.of_trait)):
            for association in associate(stated.by_intent, background, some, groups.types, thresholds):
                if some.heads[association.group].key[1:2] == (TITLE_WORD,):
                    continue  # a word of the title beside a slogan explains nothing
                yield stated.hypothesis(
                    some,
                    association.intent,
                    association.group,
                    association.count,
                    (association.lift, self.config.stated * association.plausibility, association.typicality),
                )
        yield from stated.product_hypotheses(self.config.stated)
        yield from shared_by_pairs(inputs, stated.by_intent, stated.worded(), Proposer.DESCRIPTIONS)


class _Stated:
    """Which products state which intents."""

    def __init__(self, inputs: ProposerInput, least_sources: int) -> None:
        self._inputs = inputs
        patterns = load_patterns(inputs.language).with_product_types(set(inputs.types))
        rows_of: defaultdict[tuple[Relation, str], dict[int, str]] = defaultdict(dict)
        texts = zip(inputs.products["title"].to_pylist(), inputs.products["description"].to_pylist(), strict=True)
        for row, (title, description) in enumerate(texts):
            for phrase in chain(patterns.in_title(title), patterns.in_text(description)):
                if phrase.certainty < BY_KIND:
                    continue
                rows_of[phrase.relation, canonical(phrase.tail, inputs.language)].setdefault(row, phrase.tail)
        brands = inputs.products["brand"].to_pylist()
        self.keys = sorted(
            key
            for key, rows in rows_of.items()
            if key[1] and len({brands[row] or str(row) for row in rows}) >= least_sources
        )
        self._rows_of = [rows_of[key] for key in self.keys]
        self.wording = [_most_frequent(rows.values()) for rows in self._rows_of]
        rows = np.repeat(np.arange(len(self.keys)), [len(rows) for rows in self._rows_of])
        columns = np.array([row for rows in self._rows_of for row in rows], dtype=np.int64)
        shape = (len(self.keys), len(inputs.ids))
        self.by_intent = sparse.csr_array((np.ones(len(columns)), (rows, columns)), shape=shape)

    def worded(self) -> list[tuple[Relation, str]]:
        """Relation and wording by intent."""
        return [(relation, wording) for (relation, _), wording in zip(self.keys, self.wording, strict=True)]

    def hypothesis(
        self, groups: Groups, intent: int, group: int, count: float, scores: tuple[float, float, float]
    ) -> Hypothesis:
        """An association as a hypothesis, with the products and wordings that show it."""
        members = groups.rows(group)
        rows = [row for row in self._rows_of[intent] if row in members][:SAMPLE]
        words = tuple(dict.fromkeys(self._rows_of[intent][row] for row in rows))
        evidence = tuple(self._inputs.ids[row] for row in rows)
        relation = self.keys[intent][0]
        return Hypothesis(
            groups.heads[group],
            relation,
            self.wording[intent],
            Proposer.DESCRIPTIONS,
            int(count),
            *scores,
            evidence,
            words,
        )

    def product_hypotheses(self, plausibility: float) -> Iterator[Hypothesis]:
        """Each product with the intents of its own text."""
        for (relation, _), wording, rows in zip(self.keys, self.wording, self._rows_of, strict=True):
            for row, words in rows.items():
                head, product_id = Head(HeadKind.PRODUCT, (self._inputs.ids[row],)), self._inputs.ids[row]
                yield Hypothesis(
                    head,
                    relation,
                    wording,
                    Proposer.DESCRIPTIONS,
                    1,
                    1.0,
                    plausibility,
                    plausibility,
                    (product_id,),
                    (words,),
                )


def _most_frequent(wordings: Iterable[str]) -> str:
    counts = Counter(wordings)
    return min(counts, key=lambda text: (-counts[text], text))
