"""Learns from searches what products are called instead: who asks for a "fridge" is content with a "refrigerator".

A word of a query that a good product lacks is answered by some word of its title, or by none: IBM's first translation
model (Brown et al. 1993; for search Berger & Lafferty, SIGIR 1999). Words that the rest of the query explains count
little: a "leaf blower" is not found by "mph" since all blowers have that. What makes a synonym is our design.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.artifacts import digest
from whybuy.retrieval.catalog_words import (
    CatalogWords,
    WrittenForms,
    abbreviated,
    are_spelled_similarly,
    is_content_word,
)
from whybuy.retrieval.synonyms import Synonym, SynonymSource, to_table
from whybuy.retrieval.terms import is_function_word, stem, words
from whybuy.retrieval.training_set import TrainingSet

ROUNDS = 8
_COMMON = 0.005  # added to shares of titles
_NONE = 1.0  # how much speaks for no word at all, against the lift of one
_CAUTION = 1.0  # searches without an answer that are added to those of each word
_PART = 0.02  # of a gap that a word answers where its query is counted


@dataclass(frozen=True, slots=True)
class SynonymThresholds:
    """When a word of titles counts as a synonym of a word of queries (our design, set on Home Depot)."""

    good_from: float = 0.6  # of the best gain: products that answer a query
    products: int = 10  # of a query, the best
    most_queries: int = 30_000  # that are learned from
    least_queries: int = 3  # different ones that show a synonym
    least_similar: int = 2  # the same for one that is spelled alike
    least_share: float = 0.05  # of what answers the word without having it
    least_share_of_traits: float = 0.4  # the same where one of both names no product
    base_weight: float = 0.6  # to which the share is added
    most_weight: float = 0.8


class SynonymLearner:
    """Reads searches once and learns from all of them, or from some."""

    def __init__(
        self,
        searches: TrainingSet,
        products: pa.Table,
        spelled: Callable[[str], str],
        config: SynonymThresholds | None = None,
    ) -> None:
        """products: `records.PRODUCT_SCHEMA`. spelled: corrects a query."""
        self._config = config or SynonymThresholds()
        self._catalog = CatalogWords(products)
        self._gaps = _gaps(searches, self._catalog, spelled, self._config)

    def learn(self, chosen: NDArray[np.bool_] | None = None) -> pa.Table:
        """The synonyms that searches show, the surest first. chosen: shape (searches,), all by default.

        Returns: `SYNONYM_SCHEMA`.
        """
        gaps = [gap for gap in self._gaps.gaps if chosen is None or chosen[gap.query]]
        found = list(_synonyms(replace(self._gaps, gaps=gaps), self._catalog, self._config))
        found.sort(key=lambda one: (-one.share * one.searches, one.word, one.other))
        return to_table(found)


@dataclass(frozen=True, slots=True)
class _Gap:
    """A word of a query that a good product lacks."""

    word: str  # stem
    query: int
    weight: float  # of the product among those of the query
    candidates: list[str]  # stems of the title; several words that the word abbreviates stand as one


@dataclass(frozen=True, slots=True)
class _Gaps:
    """All gaps, and what is known of the searches that they come from."""

    gaps: list[_Gap]
    written: WrittenForms
    answered: Mapping[str, float]  # searches whose products have each term in their titles
    searches: int


def _gaps(
    searches: TrainingSet, catalog: CatalogWords, spelled: Callable[[str], str], config: SynonymThresholds
) -> _Gaps:
    gaps: list[_Gap] = []
    written, top = WrittenForms(), float(searches.products.data.max(initial=0))
    counts: defaultdict[str, float] = defaultdict(float)
    chosen = sorted(range(len(searches)), key=lambda query: digest("synonyms", searches.texts[query]))
    for query in chosen[: config.most_queries]:
        span = slice(searches.products.indptr[query], searches.products.indptr[query + 1])
        gains, own = searches.products.data[span], searches.products.indices[span]
        order = np.argsort(-gains, kind="stable")[: config.products]
        rows = own[order[gains[order] >= config.good_from * top]].tolist()
        text = spelled(searches.texts[query])
        written.add(text)
        typed = words(text)
        joined = {stem(left + right) for left, right in pairwise(typed)}
        asked = [stem(word) for word in dict.fromkeys(typed) if not is_function_word(word)]
        named = [stem(word) for word in takewhile(lambda word: not is_function_word(word), typed)]
        for row in rows:
            has, title = catalog.has(row), {*catalog.titles[row]}
            for term in title:
                counts[term] += 1 / len(rows)
            others = [] if joined & has else sorted(filter(is_content_word, title - {*asked}))
            for word in dict.fromkeys(named):  # what follows "for" is a need, which the graph knows
                if word not in has and is_content_word(word):
                    long_form = abbreviated(word, catalog.titles[row])
                    gaps.append(_Gap(word, query, 1 / len(rows), [long_form] if long_form else others))
    return _Gaps(gaps, written, counts, min(len(searches), config.most_queries))


def _synonyms(gaps: _Gaps, catalog: CatalogWords, config: SynonymThresholds) -> Iterator[Synonym]:
    totals: defaultdict[str, float] = defaultdict(float)
    for gap in gaps.gaps:
        totals[gap.word] += gap.weight
    pairs = [(gap.word, term) for gap in gaps.gaps for term in gap.candidates]
    if not pairs:
        return
    number = {pair: place for place, pair in enumerate(dict.fromkeys(pairs))}
    pair_of = np.array([number[pair] for pair in pairs], np.int64)
    gap_of = np.repeat(np.arange(len(gaps.gaps)), [len(gap.candidates) for gap in gaps.gaps])
    weights = np.array([gap.weight for gap in gaps.gaps])
    total = np.array([totals[word] for word, _ in number])
    together = np.bincount(pair_of, weights[gap_of], len(number))
    elsewhere = np.array([gaps.answered.get(term, 0.0) for _, term in number]) - together
    popular = elsewhere / np.maximum(gaps.searches - total, 1.0)  # the most bought answers any search
    share = np.maximum([catalog.share(term, word) for word, term in number], popular) + _COMMON
    counts = _align(pair_of, gap_of, share[pair_of], weights, total)
    responsible = counts.each > _PART * weights[gap_of]
    queries: defaultdict[int, set[int]] = defaultdict(set)
    for place, gap in zip(pair_of[responsible].tolist(), gap_of[responsible].tolist(), strict=True):
        queries[place].add(gaps.gaps[gap].query)
    for (word, term), place in number.items():
        part = counts.by_pair[place] / (total[place] + _CAUTION)
        alike = are_spelled_similarly(word, term)
        least = config.least_similar if alike else config.least_queries
        if len(queries[place]) < least or (term in catalog.brands and not alike):
            continue
        if part < (
            config.least_share
            if alike or all(map(catalog.names_products, (word, term)))
            else config.least_share_of_traits
        ):
            continue
        weight = min(config.most_weight, config.base_weight + part)
        shown = len(queries[place])
        yield Synonym(gaps.written[word], catalog.wording(term), SynonymSource.SEARCHES, weight, shown, part)


@dataclass(frozen=True, slots=True)
class _Counts:
    """How often candidates answer words."""

    each: NDArray[np.float64]  # by candidate of a gap
    by_pair: NDArray[np.float64]


def _align(
    pair_of: NDArray[np.int64],
    gap_of: NDArray[np.intp],
    share: NDArray[np.float64],
    weight: NDArray[np.float64],
    total: NDArray[np.float64],
) -> _Counts:
    """Expectation maximization: what answers a word often elsewhere, and is rare in titles like it, answers it here."""
    answers, each, by_pair = np.full(len(total), 0.2), np.empty(len(pair_of)), np.empty(len(total))
    for turn in range(ROUNDS):
        lift = np.ones(len(pair_of)) if not turn else answers[pair_of] / share * 0.2
        whole = np.bincount(gap_of, lift, len(weight)) + _NONE
        each = lift / whole[gap_of] * weight[gap_of]
        by_pair = np.bincount(pair_of, each, len(total)).astype(np.float64)
        answers = by_pair / (total + 2 * _CAUTION)
    return _Counts(each, by_pair)
