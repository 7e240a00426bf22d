"""Vectors of norm 1, dense or sparse, so that their dot products are cosines."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix


def unit_vectors(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """The same directions with norm 1; zeros stay zeros. vectors: shape (rows, dimensions)."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


def unit_rows(matrix: csr_matrix) -> csr_matrix:
    """A copy in float32 whose rows have length 1; empty rows stay empty."""
    scaled = csr_matrix(matrix, dtype=np.float32, copy=True)
    lengths = np.sqrt(np.asarray(scaled.multiply(scaled).sum(axis=1), np.float64)).ravel()
    scaled.data /= np.repeat(np.maximum(lengths, np.finfo(np.float32).tiny), np.diff(scaled.indptr))
    scaled.sort_indices()
    return scaled
