"""What was bought or judged good for past queries that are similar to a query by their n-grams."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.artifacts import ArrayFolder
from whybuy.errors import InputError
from whybuy.kernels import kernel
from whybuy.retrieval.hash_table import empty_table, slot
from whybuy.retrieval.ngram_index import NgramIndex
from whybuy.retrieval.ranked import Ranked
from whybuy.text import bag_of_words

SIMILAR = 15  # past queries that are looked at
SHARPNESS = 3  # a product counts by similarity to this power
_SAVED = ArrayFolder("past queries", 2, "past_queries.json")
_MARGIN = 30  # further queries fetched, since those of the same words may be left out


class GoodProducts(NamedTuple):
    """Products by past query: those of query q are entries starts[q] up to starts[q + 1]."""

    starts: NDArray[np.int64]  # shape (queries + 1,)
    rows: NDArray[np.int32]  # shape (entries,)
    weights: NDArray[np.float32]  # shape (entries,), > 0


class PastProducts(NamedTuple):
    """Products that were good for queries similar to one query, with the similarity of the closest."""

    products: Ranked  # scores: sum over similar queries of similarity**3 x weight
    similarity: float  # of the most similar past query, in [0, 1]: how much is known about this query


class PastQueries:
    """Past queries with the products that were good for them; memory-mapped, safe for many threads."""

    def __init__(self, index: NgramIndex, bags: NDArray[np.int64], good: GoodProducts) -> None:
        """bags: shape (queries,): queries with the same words in any order have the same number."""
        self._index, self._bags, self._good = index, bags, good

    @classmethod
    def build(cls, queries: Sequence[str], ngrams_by_query: csr_matrix, product_by_query: csr_matrix) -> Self:
        """Store queries with their good products.

        ngrams_by_query: shape (queries, features), rows of norm 1. product_by_query: shape (queries, products): how
        good each bought or judged product was, > 0.

        Raises:
            InputError: the lengths differ.
        """
        lengths = len(queries), ngrams_by_query.shape[0], product_by_query.shape[0]
        if len(set(lengths)) > 1:
            raise InputError(f"Past queries need a text, a vector and products each, not {lengths} of them.")
        number: dict[tuple[str, ...], int] = {}
        bags = [number.setdefault(bag_of_words(query), len(number)) for query in queries]
        starts, rows = product_by_query.indptr.astype(np.int64), product_by_query.indices.astype(np.int32)
        good = GoodProducts(starts, rows, product_by_query.data.astype(np.float32))
        return cls(NgramIndex.build(ngrams_by_query), np.array(bags, np.int64), good)

    def __len__(self) -> int:
        return len(self._bags)

    def good_for(
        self, columns: NDArray[np.int32], weights: NDArray[np.float32], *, without: int | None = None
    ) -> PastProducts:
        """What was good for the queries most like a query vector.

        without: number of a past query that is left out, with all of the same words: so a reranker is trained on
        what it will see for new queries.
        """
        similar = self._index.rank(columns, weights, SIMILAR + (0 if without is None else _MARGIN))
        if without is not None:
            similar = similar.only(self._bags[similar.rows] != self._bags[without])
        similar = similar.first(SIMILAR)
        similarity = float(min(1.0, similar.scores[0])) if len(similar) else 0.0
        return PastProducts(Ranked(*_good_products(similar.rows, similar.scores, self._good)), similarity)

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        self._index.save(folder / "index")
        _SAVED.save(folder, self._good._asdict() | {"bags": self._bags})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved folder, memory-mapped.

        Raises:
            ArtifactError: the folder holds no past queries, those of another format version, or damaged ones.
        """
        arrays, _ = _SAVED.load(folder)
        bags = arrays.pop("bags")
        return cls(NgramIndex.load(folder / "index"), bags, GoodProducts(**arrays))


@kernel
def _good_products(
    queries: NDArray[np.int32], similarity: NDArray[np.float32], good: GoodProducts
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The products of some past queries, best first, ties by row."""
    entries = 0
    for query in queries:
        entries += good.starts[query + 1] - good.starts[query]
    keys, _ = empty_table(entries)
    number, rows, scores, count = np.empty(len(keys), np.int64), np.empty(entries, np.int32), np.zeros(entries), 0
    for at, query in enumerate(queries):
        for entry in range(good.starts[query], good.starts[query + 1]):
            place = slot(keys, good.rows[entry])
            if keys[place] != good.rows[entry]:
                keys[place], number[place], rows[count] = good.rows[entry], count, good.rows[entry]
                count += 1
            scores[number[place]] += similarity[at] ** SHARPNESS * good.weights[entry]
    rounded = scores[:count].astype(np.float32)
    order = np.argsort(rows[:count])
    order = order[np.argsort(-rounded[order], kind="mergesort")]
    return rows[:count][order], rounded[order]
