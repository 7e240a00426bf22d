"""Finds the words that product types imply: in the texts of their products, in the graph, and in searches."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.behavior.asked import AskedWord, asked_words
from whybuy.graph import KnowledgeGraph
from whybuy.records import HeadKind
from whybuy.retrieval.implied import IMPLIED_SCHEMA
from whybuy.retrieval.lexical import LexicalIndex
from whybuy.retrieval.terms import field_texts, is_function_word, stem, words
from whybuy.retrieval.training_set import TrainingSet
from whybuy.retrieval.word_documents import read_products

LEAST_PRODUCTS = 3  # of a type that say a word
LEAST_SHARE = 0.2  # of the products of a type that say it
GOOD_FROM = 0.5  # of the best gain: products that answer a query


@dataclass(frozen=True, slots=True)
class _Implied:
    """A row of `IMPLIED_SCHEMA`."""

    word: str
    product_type: str
    weight: float
    relation: str = ""
    searches: int = 0


def known_words(products: pa.Table, graph: KnowledgeGraph) -> pa.Table:
    """The words that types imply by what their products say and by the reasons of the graph.

    products: `records.PRODUCT_SCHEMA`. Returns: `IMPLIED_SCHEMA`, by word and type.
    """
    surest_last = sorted(_words_of_reasons(graph), key=lambda one: one.weight)
    claimed = {(one.word, one.product_type): one for one in surest_last}
    said = [one for one in _words_of_texts(products) if (one.word, one.product_type) not in claimed]
    return _table(sorted([*said, *claimed.values()], key=lambda one: (one.word, one.product_type)))


def words_as_reasons(graph: KnowledgeGraph) -> dict[str, str]:
    """The words that are reasons by themselves, "kitchen", by stem, and the relation that most edges to them have."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for triple in graph.triples(range(graph.edges.num_rows)):
        terms = [stem(word) for word in words(triple.tail) if not is_function_word(word)]
        if len(terms) == 1:
            counts[terms[0]][triple.relation.value] += 1
    return {word: min(by, key=lambda relation: (-by[relation], relation)) for word, by in counts.items()}


def with_asked(known: pa.Table, asked: Iterable[AskedWord], reasons: Mapping[str, str]) -> pa.Table:
    """What is known and what searches show; a word that both have keeps its relation, and the weight of the searches.

    known: `IMPLIED_SCHEMA`, as the result. reasons: of `words_as_reasons`, for words that searches alone show: a place
    is one for the types of which no text says it, too.
    """
    relations = dict(zip(_keys(known), known["relation"].to_pylist(), strict=True))
    shown = {(one.word, one.product_type): one for one in asked}
    unshown = pa.array([key not in shown for key in relations], pa.bool_())
    rows = [
        _Implied(*key, one.weight, relations.get(key) or reasons.get(one.word, ""), len(one.searches))
        for key, one in shown.items()
    ]
    return pa.concat_tables([known.filter(unshown), _table(rows)])


def shown_again(implied: pa.Table, asked: Iterable[AskedWord]) -> pa.Table:
    """The same without what searches showed and these do not show. implied: of `with_asked`."""
    shown = {(one.word, one.product_type): one for one in asked}
    of_searches = pc.greater(implied["searches"], 0)
    before = implied.filter(of_searches)
    rows = [
        _Implied(*key, shown[key].weight, relation, len(shown[key].searches))
        for key, relation in zip(_keys(before), before["relation"].to_pylist(), strict=True)
        if key in shown
    ]
    return pa.concat_tables([implied.filter(pc.invert(of_searches)), _table(rows)])


class AskedWords:
    """Reads searches once and finds the words that all of them, or some, ask of types unsaid."""

    def __init__(self, searches: TrainingSet, products: pa.Table, lexical: LexicalIndex) -> None:
        """products: `records.PRODUCT_SCHEMA`. lexical: their index, which corrects spelling."""
        self._types = np.array(products["product_type"].to_pylist(), dtype=object)
        self._searches, self._lexical = _answered(searches), lexical
        self._terms = [_terms(lexical, text) for text in searches.texts]

    def __call__(self, chosen: NDArray[np.bool_] | None = None) -> Iterator[AskedWord]:
        """chosen: searches to learn from, shape (searches,), all by default."""
        rows = np.arange(len(self._terms)) if chosen is None else np.flatnonzero(chosen)
        terms = [self._terms[row] for row in rows.tolist()]
        return asked_words(terms, self._searches[rows], self._types, self._lexical.owners)


def _keys(table: pa.Table) -> list[tuple[str, str]]:
    return list(zip(table["word"].to_pylist(), table["product_type"].to_pylist(), strict=True))


def _table(rows: Iterable[_Implied]) -> pa.Table:
    return pa.Table.from_pylist([asdict(one) for one in rows], schema=IMPLIED_SCHEMA)


def _answered(searches: TrainingSet) -> csr_matrix:
    """The products that answered searches best. Returns: searches x products, > 0 for these."""
    products = searches.relative().products
    products.data[products.data < GOOD_FROM] = 0
    products.eliminate_zeros()
    return products


def _terms(lexical: LexicalIndex, text: str) -> list[str]:
    """Stems of the words of a query that name something, spelling corrected."""
    return [one.term for one in lexical.analyze(text).terms if one.term.isalpha() and not is_function_word(one.word)]


def _words_of_texts(products: pa.Table) -> Iterator[_Implied]:
    """Words that many products of a type say."""
    sizes: Counter[str] = Counter()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for product in read_products(products):
        if product.product_type:
            sizes[product.product_type] += 1
            said = {word for text in field_texts(product) for word in words(text)}
            counts[product.product_type].update({stem(word) for word in said if not is_function_word(word)})
    for kind, said_by in counts.items():
        for word, count in said_by.items():
            share = count / sizes[kind]
            if LEAST_PRODUCTS <= count < sizes[kind] and share >= LEAST_SHARE and word.isalpha():
                yield _Implied(word, kind, share)


def _words_of_reasons(graph: KnowledgeGraph) -> Iterator[_Implied]:
    """Words of the reasons of types."""
    for triple in graph.triples(range(graph.edges.num_rows)):
        if triple.head.kind is HeadKind.TYPE:
            for word in words(triple.tail):
                if not is_function_word(word):
                    yield _Implied(stem(word), triple.head.key[0], triple.plausibility, triple.relation.value)
