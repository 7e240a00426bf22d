"""Proposes intents that titles and descriptions state, "ideal for nurses", more often in one type than elsewhere."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy import sparse

from whybuy.config import ConfigTable
from whybuy.knowledge.proposing.association import Association, AssociationThresholds, Groups, ProductGroups, associate
from whybuy.knowledge.proposing.co_buy import SAMPLE, shared_by_pairs
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.patterns import Phrase, load_patterns
from whybuy.knowledge.proposing.patterns.shop_words import ShopWords, is_number, read_shop_words
from whybuy.knowledge.proposing.sold import SoldProducts
from whybuy.records import TITLE_WORD, Head, HeadKind, Hypothesis, Proposer
from whybuy.relations import Relation
from whybuy.text import canonical, lemma, tokenize


@dataclass(frozen=True, slots=True)
class DescriptionConfig:
    """Thresholds for a stated reason to be proposed (our design)."""

    of_type: AssociationThresholds = AssociationThresholds(least_count=3, midpoint=2.0, least_share=0.1)
    of_trait: AssociationThresholds = AssociationThresholds(least_count=2, midpoint=4.0, least_lift=1.2)
    least_sources: int = 3  # makers that state it: a slogan is no reason, and two write alike by chance
    least_of_plain: int = 2  # the same of things and events, which have plain names; one of a name that the shop sells
    least_alike: int = 2  # makers of a product's type that state it, where its own title does not
    least_of_type: float = 0.2  # share of a type's products that must name what has a name of its own ("Xbox")
    stated: float = 0.7  # plausibility of what a product's own text states, at most, in [0, 1]


_RowsOf = Mapping[tuple[Relation, str], Mapping[int, str]]  # wording by intent and row
_LONGEST_TRAIT = 3  # words of a value that names a trait
_ANSWERS = frozenset(("yes", "no", "true", "false"))
_ACTS = (Relation.CAPABLE_OF, Relation.USED_TO, Relation.USED_FOR_FUNCTION)
_PLAIN = (Relation.USED_WITH, Relation.USED_FOR_EVENT)
_SURE = (Relation.USED_IN_LOCATION,)
_BESIDE = (Relation.USED_WITH, *_ACTS)
"""What is beside a product, or done to something else: never the product itself."""

DESCRIPTION_CONFIG = ConfigTable("descriptions", DescriptionConfig)


@dataclass(frozen=True, slots=True)
class DescriptionHypothesizer:
    """Proposes from phrases in titles and descriptions; the only proposer that needs no log (our design)."""

    config: DescriptionConfig = DescriptionConfig()

    def propose(self, inputs: ProposerInput) -> Iterator[Hypothesis]:
        """Reasons for products, types, traits and co-buy pairs; nothing when no text states an intent."""
        stated = _Stated(inputs, self.config)
        if not stated.keys:
            return
        groups = ProductGroups(inputs)
        background = np.ones(len(inputs.ids))
        for some, thresholds in ((groups.types, self.config.of_type), (groups.traits, self.config.of_trait)):
            for association in associate(stated.by_intent, background, some, groups.types, thresholds):
                if not self._holds(stated, some, association):
                    continue
                yield stated.hypothesis(
                    some,
                    association.intent,
                    association.group,
                    association.count,
                    (association.lift, self.config.stated * association.plausibility, association.typicality),
                )
        yield from stated.product_hypotheses(self.config)
        yield from shared_by_pairs(inputs, stated.by_intent, stated.worded(), Proposer.DESCRIPTIONS)

    def _holds(self, stated: "_Stated", groups: Groups, found: Association) -> bool:
        """Whether what products of a group state holds of the group."""
        if not _may_be_why(groups.heads[found.group]):
            return False
        members = groups.rows(found.group)
        if stated.names_names(found.intent) and found.count < self.config.least_of_type * len(members):
            return False
        return stated.sources(found.intent, members) >= self.config.least_of_plain


class _Stated:
    """Which products state which intents."""

    def __init__(self, inputs: ProposerInput, config: DescriptionConfig) -> None:
        self._inputs = inputs
        self._words, phrases = _read(inputs)
        brands, titles = (inputs.products[name].to_pylist() for name in ("brand", "title"))
        self._titles = titles
        self._makers = [
            self._words.maker_of(brand, title, inputs.language) for brand, title in zip(brands, titles, strict=True)
        ]
        rows_of: defaultdict[tuple[Relation, str], dict[int, str]] = defaultdict(dict)
        for row, phrase in phrases:
            if phrase.relation in _BESIDE and _ends_alike(phrase.tail, inputs.types[row], inputs.language):
                continue
            rows_of[phrase.relation, canonical(phrase.tail, inputs.language)].setdefault(row, phrase.tail)
        stated = _in_one_relation(rows_of)
        sold = SoldProducts(titles, brands, inputs.language)

        def holds(key: tuple[Relation, str], rows: Mapping[int, str]) -> bool:
            if self._sources(rows) >= (config.least_of_plain if key[0] in _PLAIN else config.least_sources):
                return True
            named = key[0] is Relation.USED_WITH and not self._words.names.isdisjoint(key[1].split())
            return named and sold.has(key[1], rows)

        self.keys = sorted(key for key, rows in stated.items() if key[1] and holds(key, rows))
        self._rows_of = [stated[key] for key in self.keys]
        self.wording = [_most_frequent(rows.values()) for rows in self._rows_of]
        rows = np.repeat(np.arange(len(self.keys)), [len(rows) for rows in self._rows_of])
        columns = np.array([row for rows in self._rows_of for row in rows], dtype=np.int64)
        shape = (len(self.keys), len(inputs.ids))
        self.by_intent = sparse.csr_array((np.ones(len(columns)), (rows, columns)), shape=shape)

    def sources(self, intent: int, rows: Container[int]) -> int:
        """How many makers state an intent of these products."""
        return self._sources(row for row in self._rows_of[intent] if row in rows)

    def _sources(self, rows: Iterable[int]) -> int:
        return len({self._makers[row] for row in rows})

    def names_names(self, intent: int) -> bool:
        """Whether a tail has a proper name that no lexicon of kinds knows."""
        words = tokenize(self.wording[intent])
        return any(map(self._words.is_name, words)) and self.keys[intent][0] is Relation.USED_WITH

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

    def product_hypotheses(self, config: DescriptionConfig) -> Iterator[Hypothesis]:
        """Each product with the intents of its own text that something confirms."""
        for intent, rows in enumerate(self._rows_of):
            (relation, _), wording = self.keys[intent], self.wording[intent]
            for row, words in self._confirmed(intent, rows, config.least_alike):
                head, product_id = Head(HeadKind.PRODUCT, (self._inputs.ids[row],)), self._inputs.ids[row]
                yield Hypothesis(
                    head,
                    relation,
                    wording,
                    Proposer.DESCRIPTIONS,
                    1,
                    1.0,
                    config.stated,
                    config.stated,
                    (product_id,),
                    (words,),
                )

    def _confirmed(self, intent: int, rows: Mapping[int, str], least_makers: int) -> Iterator[tuple[int, str]]:
        """Products whose title says it too, or of whose type several makers do; places and names need neither."""
        relation, key = self.keys[intent]
        if relation in _SURE or self.names_names(intent):
            yield from rows.items()
            return
        makers: defaultdict[str, set[str]] = defaultdict(set)
        for row in rows:
            makers[self._inputs.types[row]].add(self._makers[row])
        words = set(key.split())
        for row, wording in rows.items():
            alike = len(makers[self._inputs.types[row]])
            if alike >= least_makers or words.issubset(canonical(self._titles[row], self._inputs.language).split()):
                yield row, wording


def _may_be_why(head: Head) -> bool:
    """Whether products may be bought for a claim because of this trait.

    Not a word of the title beside a slogan, and of what specifications list, neither measures ("up to 14 hours") nor
    what a product has or lacks ("phonebook: yes"): all that is new in a type goes with all that its texts claim.
    """
    if head.kind is not HeadKind.TYPE_ATTRIBUTE:
        return True
    _, name, value = head.key
    words = tokenize(value)
    return (
        name != TITLE_WORD
        and len(words) <= _LONGEST_TRAIT
        and not _ANSWERS.intersection(words)
        and not any(map(is_number, words))
    )


def _ends_alike(tail: str, product_type: str, language: str) -> bool:
    """Whether a tail speaks of the product itself: "hang the feeder" of a feeder is how it is used, not what for."""
    one, other = tokenize(tail)[-1:], tokenize(product_type)[-1:]
    return bool(one) and [lemma(word, language) for word in one] == [lemma(word, language) for word in other]


def _in_one_relation(rows_of: _RowsOf) -> _RowsOf:
    """Each act under one relation: "lets you store music" and "stores music" are one claim, worded as most are."""
    relations: defaultdict[str, list[Relation]] = defaultdict(list)
    for relation, key in sorted(rows_of, key=lambda one: (-len(rows_of[one]), one)):
        if relation in _ACTS:
            relations[key].append(relation)
    joined: defaultdict[tuple[Relation, str], dict[int, str]] = defaultdict(dict)
    for (relation, key), rows in rows_of.items():
        one = relations[key][0] if relation in _ACTS else relation
        joined[one, key] = {**rows, **joined[one, key]}
    return dict(joined)


def _read(inputs: ProposerInput) -> tuple[ShopWords, Iterator[tuple[int, Phrase]]]:
    """What the shop's texts show of words, and the intents that titles, descriptions and attributes word, by row."""
    titles, brands, descriptions = (inputs.products[name].to_pylist() for name in ("title", "brand", "description"))
    words = read_shop_words(titles, brands, inputs.types, descriptions, inputs.language)
    patterns = load_patterns(inputs.language).with_product_types(set(inputs.types)).with_shop_words(words)

    def phrases() -> Iterator[tuple[int, Phrase]]:
        for row, (title, description) in enumerate(zip(titles, descriptions, strict=True)):
            told = (phrase for name, value in inputs.attributes[row] for phrase in patterns.in_attribute(name, value))
            for phrase in chain(patterns.in_title(title), patterns.in_text(description), told):
                yield row, phrase

    return words, phrases()


def _most_frequent(wordings: Iterable[str]) -> str:
    counts = Counter(wordings)
    return min(counts, key=lambda text: (-counts[text], text))
