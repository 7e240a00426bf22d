"""Fits what a reranker's features rest on: the words of the catalog, and which of them answer which query words."""

import functools
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array

from whybuy.retrieval.ranking.product_terms import ProductTerms, QueryTerms, TermTable, word_hash
from whybuy.retrieval.ranking.translations import Answers, Translations
from whybuy.retrieval.terms import UNITS, stem, words

CAUTION = 3  # queries without a good product that are added to those of each word
SMOOTHING = 0.002  # added to shares before they are compared
MIN_LIFT = 0.5  # natural logarithm: terms that are hardly more frequent than in the whole catalog are left out


# ---------------------------------------------------------------- product terms
def fit_terms(products: pa.Table) -> ProductTerms:
    """Number the words of products. products: `records.PRODUCT_SCHEMA`."""
    titles = [_stems(text) for text in products["title"].to_pylist()]
    types = products["product_type"].to_pylist()
    kinds = list(map(functools.lru_cache(_stems), types))
    others = [sorted(set(_stems(text)), key=word_hash) for text in _other_texts(products)]
    fields = titles, kinds, others
    vocabulary = sorted(set(chain.from_iterable(chain.from_iterable(fields))), key=word_hash)
    number = {word: term for term, word in enumerate(vocabulary)}
    owners = [set().union(*own) for own in zip(*fields, strict=True)]
    counts = np.bincount([number[word] for own in owners for word in own], minlength=len(vocabulary))
    table = TermTable(
        *_flat(titles, number),
        *_flat(kinds, number),
        *_flat(others, number),
        type_of=np.unique(np.array(types, dtype=object), return_inverse=True)[1].astype(np.int32),
        rarity=np.log(1 + (len(titles) - counts + 0.5) / (counts + 0.5)).astype(np.float32),
        is_number=np.array([word[:1].isdigit() for word in vocabulary], np.bool_),
        is_unit=np.array([word in UNITS for word in vocabulary], np.bool_),
    )
    return ProductTerms(np.array(list(map(word_hash, vocabulary)), np.uint64), table)


def _stems(text: str) -> list[str]:
    return [stem(word) for word in words(text)]


def _other_texts(products: pa.Table) -> Iterable[str]:
    columns = (products[name].to_pylist() for name in ("brand", "category", "attributes"))
    for brand, category, attributes in zip(*columns, strict=True):
        yield " ".join([brand, *category, *(f"{entry['name']} {entry['value']}" for entry in attributes)])


def _flat(field: Sequence[Sequence[str]], number: dict[str, int]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    lengths = np.array([0, *map(len, field)], np.int64)
    return np.array([number[word] for own in field for word in own], np.int32), np.cumsum(lengths)


# ---------------------------------------------------------------- translations
def fit_translations(queries: Sequence[QueryTerms], good: csr_matrix, table: TermTable) -> Translations:
    """Count which terms the titles of good products have. good: queries x products, > 0 where one was good."""
    products, terms = len(table.type_of), len(table.rarity)
    stems, query_words = _query_words(queries)
    titles = _ones(table.title, table.title_start, terms)
    good = csr_matrix((np.ones(good.nnz), good.indices, good.indptr), shape=good.shape)
    per_query = np.diff(good.indptr)
    weighed = diags_array(1 / np.maximum(per_query, 1)) @ good @ titles
    answered = query_words.T @ (per_query > 0)
    counted = csr_matrix(diags_array(1 / (answered + CAUTION)) @ (query_words.T @ weighed)).tocoo()
    overall = np.asarray(titles.sum(axis=0)).ravel() / max(products, 1)
    lifts = np.log((counted.data + SMOOTHING) / (overall[counted.col] + SMOOTHING))
    kept = lifts > MIN_LIFT
    words_of, shares = counted.row[kept], counted.data[kept]
    order = np.lexsort((counted.col[kept], words_of))
    starts = np.searchsorted(words_of[order], np.arange(len(stems) + 1)).astype(np.int64)
    columns = (
        counted.col[kept].astype(np.int32),
        shares.astype(np.float32),
        (shares * lifts[kept]).astype(np.float32),
    )
    return Translations(stems, Answers(starts, *(column[order] for column in columns)))


def _query_words(queries: Sequence[QueryTerms]) -> tuple[NDArray[np.uint64], csr_matrix]:
    """The distinct words of queries, and which query has which: queries x words, ones."""
    lengths = [len(query.stems) for query in queries]
    every = np.concatenate([query.stems for query in queries]) if queries else np.empty(0, np.uint64)
    stems, columns = np.unique(every, return_inverse=True)
    return stems, _ones(columns, np.cumsum([0, *lengths]), len(stems))


def _ones(columns: NDArray[np.integer], starts: NDArray[np.integer], width: int) -> csr_matrix:
    """Rows of ones, however often a column is named."""
    matrix = csr_matrix((np.ones(len(columns)), np.array(columns), np.array(starts)), shape=(len(starts) - 1, width))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
