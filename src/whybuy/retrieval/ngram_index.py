"""Cosine retrieval: products by their n-gram vectors, all scored through the postings of the query's n-grams."""

from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.artifacts import ArrayFolder
from whybuy.errors import InputError
from whybuy.kernels import kernel
from whybuy.retrieval.ranked import Ranked, best_of

_SAVED = ArrayFolder("n-gram index", 1, "ngram_index.json")


class Postings(NamedTuple):
    """The products of each n-gram: those of column f are entries starts[f] up to starts[f + 1]."""

    starts: NDArray[np.int64]  # shape (features + 1,)
    rows: NDArray[np.int32]  # shape (entries,), ascending within a column
    weights: NDArray[np.float32]  # shape (entries,)


class NgramIndex:
    """An inverted index over sparse product vectors; memory-mapped, safe for many threads."""

    def __init__(self, products: int, postings: Postings) -> None:
        self._products = products
        self._postings = postings

    def __len__(self) -> int:
        return self._products

    @classmethod
    def build(cls, ngrams_by_product: csr_matrix) -> Self:
        """Turn vectors around. ngrams_by_product: shape (products, features), rows of norm 1 for cosines."""
        turned = ngrams_by_product.tocsc()
        turned.sort_indices()
        starts, rows = turned.indptr.astype(np.int64), turned.indices.astype(np.int32)
        return cls(ngrams_by_product.shape[0], Postings(starts, rows, turned.data.astype(np.float32)))

    def scores(self, columns: NDArray[np.int32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """The dot product of a query vector with every product. Returns: shape (products,).

        Raises:
            InputError: a column is beyond those of the index.
        """
        features = len(self._postings.starts) - 1
        if len(columns) and not 0 <= int(columns.min()) <= int(columns.max()) < features:
            raise InputError(
                f"The query has columns {columns.min()} to {columns.max()}, the index {features}. "
                "Make its vector with the vectorizer that the index was built with."
            )
        return _accumulate(columns, weights, self._postings, self._products)

    def rank(self, columns: NDArray[np.int32], weights: NDArray[np.float32], limit: int) -> Ranked:
        """The products most like a query vector, best first, ties by row; none that shares no n-gram with it."""
        return best_of(self.scores(columns, weights), limit)

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        _SAVED.save(folder, self._postings._asdict(), products=self._products)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved folder, memory-mapped.

        Raises:
            ArtifactError: the folder holds no index, one of another format version, or a damaged one.
        """
        arrays, facts = _SAVED.load(folder)
        return cls(int(facts["products"]), Postings(**arrays))


@kernel
def _accumulate(
    columns: NDArray[np.int32], weights: NDArray[np.float32], postings: Postings, products: int
) -> NDArray[np.float32]:
    starts, rows, values = postings
    scores = np.zeros(products, np.float32)
    for at in range(len(columns)):
        for entry in range(starts[columns[at]], starts[columns[at] + 1]):
            scores[rows[entry]] += weights[at] * values[entry]
    return scores
