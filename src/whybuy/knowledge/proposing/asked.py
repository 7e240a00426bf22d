"""Proposes what searches ask of a product type unsaid: a vanity is used in bathrooms (our design)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.behavior.asked import AskedWord, asked_words
from whybuy.config import ConfigTable
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.patterns import Patterns, load_patterns
from whybuy.knowledge.proposing.search_log import SAMPLE, SearchLog
from whybuy.records import Head, HeadKind, Hypothesis, Proposer
from whybuy.relations import Relation, TailKind
from whybuy.text import FUNCTION_WORDS, lemma, lemmas, tokenize

SHORTEST = 3  # letters of a word


@dataclass(frozen=True, slots=True)
class AskedConfig:
    """The [asked] table of `store.toml`: which asked words are reasons (our design, set on Home Depot)."""

    least_weight: float = 0.7  # of a word that a type answers
    least_choices: int = 3  # of products of the type that lack the word
    least_searches: int = 2  # different ones
    least_alone: int = 1  # different queries of which a product says the words beside it
    names_from: float = 0.6  # share of queries that end in a word, from which on it names the product
    least_products: int = 10  # whose types end in a word that names goods


ASKED_CONFIG = ConfigTable("asked", AskedConfig)


@dataclass(frozen=True, slots=True)
class AskedHypothesizer:
    """Reads what queries say of a type beyond what its products say."""

    config: AskedConfig = AskedConfig()

    def propose(self, inputs: ProposerInput) -> Iterator[Hypothesis]:
        """Reasons of types; nothing when the shop has no search-buy pairs."""
        log = SearchLog(inputs)
        queries = list(log.pairs_of)
        spoken = _Words(inputs, queries)
        chosen = csr_matrix(log.by_product([log.pairs_of[query] for query in queries]))
        patterns = load_patterns(inputs.language)
        things = Counter(lemma(words[-1], inputs.language) for kind in inputs.types if (words := tokenize(kind)))
        types = np.array(inputs.types, dtype=object)
        least_choices, least_searches = self.config.least_choices, self.config.least_searches
        for one in asked_words(
            spoken.of_queries, chosen, types, spoken.owners, least_choices=least_choices, least_searches=least_searches
        ):
            wording = spoken.wording(one.word)
            relation = self._relation(one, wording, patterns, things)
            asking = [queries[at] for at in one.searches]
            shown = [query for query in asking if not _is_part(one.word, query, patterns, inputs.language)]
            least = self.config.least_alone
            if relation is None or one.weight < self.config.least_weight or min(one.alone, len(shown)) < least:
                continue
            every = [pair for query in shown for pair in log.pairs_of[query]]
            pairs = [pair for pair in every if types[log.rows[pair]] == one.product_type]
            support = int(log.purchases[pairs].sum())
            scores = (one.lift, one.weight, len(shown) / (len(shown) + 1))
            evidence = tuple(log.pair_ids[pair] for pair in pairs[:SAMPLE])
            head = Head(HeadKind.TYPE, (one.product_type,))
            yield Hypothesis(head, relation, wording, Proposer.ASKED, support, *scores, evidence, tuple(shown[:SAMPLE]))

    def _relation(self, asked: AskedWord, word: str, patterns: Patterns, things: Counter[str]) -> Relation | None:
        """By what the word names; None where that tells nothing, or the word names the product, as the last one does.

        What goes with a product, its material and its kind stand before it alike ("door knob", "oak table", "rug
        runner"): a word that names goods tells no relation, unless it is a place.
        """
        if asked.last >= self.config.names_from or _share_letters(asked.word, asked.product_type):
            return None
        if patterns.kind(word) is TailKind.LOCATION:
            return Relation.USED_IN_LOCATION  # of several meanings alone, "deck", but not beside "stain"
        names_goods = things[asked.word] >= self.config.least_products
        relation = None if names_goods else patterns.bare(word)
        return None if relation is Relation.IS_A else relation


def without_parts(asked: Iterable[Hypothesis], others: pa.Table, language: str) -> Iterator[Hypothesis]:
    """Those asked words that are no part of a longer reason of the same head: "lake" where there is "lake house".

    others: HYPOTHESIS_SCHEMA.
    """
    longer: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    of_types = others.filter(pc.equal(others["head_kind"], HeadKind.TYPE.value))
    for key, tail in zip(of_types["head_key"].to_pylist(), of_types["tail"].to_pylist(), strict=True):
        words = lemmas(tail, language)
        if len(words) > 1:
            longer[tuple(key)].update(words)
    return (one for one in asked if lemma(one.tail, language) not in longer[one.head.key])


def _is_part(word: str, query: str, patterns: Patterns, language: str) -> bool:
    """Whether a query words an intent of which a word is a part: "shoes for flat feet"."""
    tails = [lemmas(phrase.tail, language) for phrase in patterns.in_query(query)]
    return any(word in tail and len(tail) > 1 for tail in tails)


def _share_letters(word: str, product_type: str) -> bool:
    """Whether a word is part of a type's name or the other way round: "stool" and "barstool" are one thing."""
    return any(part in word or word in part for part in tokenize(product_type))


class _Words:
    """Lemmas of queries, and which products have them."""

    def __init__(self, inputs: ProposerInput, queries: list[str]) -> None:
        self._inputs = inputs
        self._wordings: dict[str, Counter[str]] = {}
        self.of_queries = [self._read(query) for query in queries]
        rows: dict[str, list[int]] = {word: [] for word in self._wordings}
        for row, said in enumerate(inputs.product_lemmas):
            for word in said & rows.keys():
                rows[word].append(row)
        for row, text in enumerate(inputs.products["description"].to_pylist()):
            for word in set(lemmas(text, inputs.language)) & rows.keys():
                rows[word].append(row)
        self._rows = rows

    def wording(self, word: str) -> str:
        """How queries write a word most often."""
        counts = self._wordings[word]
        return min(counts, key=lambda text: (-counts[text], text))

    def owners(self, word: str) -> NDArray[np.bool_]:
        """Which products have a word, shape (products,)."""
        having = np.zeros(len(self._inputs.ids), np.bool_)
        having[self._rows[word]] = True
        return having

    def _read(self, query: str) -> list[str]:
        words = []
        for word in tokenize(query):
            if word.isalpha() and len(word) >= SHORTEST and word not in FUNCTION_WORDS:
                base = lemma(word, self._inputs.language)
                self._wordings.setdefault(base, Counter())[word] += 1
                words.append(base)
        return words
