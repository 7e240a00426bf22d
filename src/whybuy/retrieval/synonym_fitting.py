"""Learns from searches what products are called instead: who asks for a "fridge" is content with a "refrigerator".

A word of a query that a good product lacks is answered by some word of its title, or by none: IBM's first translation
model (Brown et al. 1993; for search Berger & Lafferty, SIGIR 1999). Words that the rest of the query explains count
little: a "leaf blower" is not found by "mph" since all blowers have that. What makes a synonym is our design.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import pairwise, takewhile

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.artifacts import digest
from whybuy.retrieval.spelling import edit_distances, letter_matrix
from whybuy.retrieval.synonyms import SYNONYM_SCHEMA
from whybuy.retrieval.terms import UNITS, is_function_word, stem, words
from whybuy.retrieval.training_set import TrainingSet

ROUNDS = 8
SHORTEST = 3  # letters
_COMMON = 0.005  # added to shares of titles
_FEW = 20  # titles without a term that are added to those with a word
_NONE = 1.0  # how much speaks for no word at all, against the lift of one
_CAUTION = 1.0  # searches without an answer that are added to those of each word
_PART = 0.02  # of a gap that a word answers where its query is counted
_NAMES = 0.15  # a word names products where so many of its titles are of a type that ends in it
_FIRST = 0.4  # a word is taken for a brand where so many of its titles begin with it


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
        self._catalog = _Catalog(products)
        self._gaps = _gaps(searches, self._catalog, spelled, self._config)

    def learn(self, chosen: NDArray[np.bool_] | None = None) -> pa.Table:
        """The synonyms that searches show, the surest first. chosen: shape (searches,), all by default.

        Returns: `SYNONYM_SCHEMA`.
        """
        gaps = [gap for gap in self._gaps.gaps if chosen is None or chosen[gap.query]]
        found = list(_synonyms(replace(self._gaps, gaps=gaps), self._catalog, self._config))
        found.sort(key=lambda one: (-one.share * one.searches, one.word, one.other))
        return pa.Table.from_pylist([asdict(one) for one in found], schema=SYNONYM_SCHEMA)


@dataclass(frozen=True, slots=True)
class _Synonym:
    """A row of `SYNONYM_SCHEMA`."""

    word: str
    other: str
    weight: float
    searches: int
    share: float


class _Catalog:
    """Words of products."""

    def __init__(self, products: pa.Table) -> None:
        self.titles = [list(map(stem, words(text))) for text in products["title"].to_pylist()]
        self._others = list(zip(*(products[name].to_pylist() for name in _OTHERS), strict=True))
        self.written = _Written()
        for text in products["title"].to_pylist():
            self.written.add(text)
        self.counts = Counter(term for title in self.titles for term in set(title))
        self._named = Counter(stem(word) for kind in products["product_type"].to_pylist() for word in words(kind)[-1:])
        first = Counter(title[0] for title in self.titles if title)
        branded = {stem(word) for brand in set(products["brand"].to_pylist()) for word in words(brand)}
        self.brands = {
            term
            for term, count in self.counts.items()
            if term in branded or (first[term] >= _FIRST * count and count > 2)
        }
        self.number = {term: number for number, term in enumerate(self.counts)}
        lengths = np.cumsum([0, *map(len, self.titles)])
        columns = np.array([self.number[term] for title in self.titles for term in title], np.int32)
        has = csr_matrix(
            (np.ones(len(columns), np.float32), columns, lengths), shape=(len(self.titles), len(self.number))
        )
        has.sum_duplicates()
        has.data[:] = 1
        self._has, self._by_term = has, csr_matrix(has.T)
        self._shares: dict[str, NDArray[np.float32]] = {}
        self.has = cache(self._words)

    def __len__(self) -> int:
        return len(self.titles)

    def _words(self, row: int) -> frozenset[str]:
        """Stems of all words of a product."""
        brand, kind, category, attributes, description = self._others[row]
        traits = (f"{entry['name']} {entry['value']}" for entry in attributes)
        texts = (brand, kind, *category, *traits, description)
        return frozenset((*self.titles[row], *(stem(word) for text in texts for word in words(text))))

    def both_name_products(self, word: str, term: str) -> bool:
        """Whether both name products: a good part of the titles that have them are of types that end in them."""
        return all(self._named[one] >= _NAMES * self.counts[one] > 0 for one in (word, term))

    def share(self, term: str, word: str) -> float:
        """How often titles have a term: all of them, or those with a word, whichever is more."""
        overall = self.counts[term] / max(1, len(self))
        both = term in self.number and word in self.number
        return max(overall, float(self._given(word)[self.number[term]])) if both else overall

    def wording(self, term: str) -> str:
        """How a term, or several, are written."""
        return " ".join(self.written[one] for one in term.split())

    def _given(self, term: str) -> NDArray[np.float32]:
        if term not in self._shares:
            rows = self._by_term[self.number[term]].indices
            self._shares[term] = (self._has[rows].sum(axis=0).A1 / (len(rows) + _FEW)).astype(np.float32)
        return self._shares[term]


_OTHERS = ("brand", "product_type", "category", "attributes", "description")


class _Written:
    """How a stem is written most often."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, text: str) -> None:
        for word in words(text):
            self._counts[stem(word)][word] += 1

    def __getitem__(self, term: str) -> str:
        counts = self._counts[term]
        return min(counts, key=lambda word: (-counts[word], word))


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
    written: _Written
    answered: Mapping[str, float]  # searches whose products have each term in their titles
    searches: int


def _gaps(searches: TrainingSet, catalog: _Catalog, spelled: Callable[[str], str], config: SynonymThresholds) -> _Gaps:
    gaps: list[_Gap] = []
    written, top = _Written(), float(searches.products.data.max(initial=0))
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
            others = [] if joined & has else sorted(filter(_is_word, title - {*asked}))
            for word in dict.fromkeys(named):  # what follows "for" is a need, which the graph knows
                if word not in has and _is_word(word):
                    long_form = abbreviated(word, catalog.titles[row])
                    gaps.append(_Gap(word, query, 1 / len(rows), [long_form] if long_form else others))
    return _Gaps(gaps, written, counts, min(len(searches), config.most_queries))


def abbreviated(word: str, title: Sequence[str]) -> str:
    """The words of a title, one after the other, whose first letters are a word: "grand theft auto" for "gta"."""
    for start in range(len(title) - len(word) + 1):
        run = title[start : start + len(word)]
        if "".join(term[0] for term in run) == word:
            return " ".join(run)
    return ""


def _is_word(term: str) -> bool:
    return len(term) >= SHORTEST and term.isalpha() and term not in UNITS and not is_function_word(term)


def _synonyms(gaps: _Gaps, catalog: _Catalog, config: SynonymThresholds) -> Iterator[_Synonym]:
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
        alike = _are_spelled_similarly(word, term)
        least = config.least_similar if alike else config.least_queries
        if len(queries[place]) < least or (term in catalog.brands and not alike):
            continue
        if part < (
            config.least_share if alike or catalog.both_name_products(word, term) else config.least_share_of_traits
        ):
            continue
        weight = min(config.most_weight, config.base_weight + part)
        yield _Synonym(gaps.written[word], catalog.wording(term), weight, len(queries[place]), part)


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


def _are_spelled_similarly(left: str, right: str) -> bool:
    """One begins with the other or abbreviates it, or few letters differ."""
    if left.startswith(right) or right.startswith(left) or " " in right:
        return True
    (edits,) = edit_distances(left, letter_matrix([right]), np.array([len(right)], np.int16)).tolist()
    return bool(edits <= (1 if min(len(left), len(right)) < 6 else 2))
