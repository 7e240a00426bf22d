"""Sparse matrices row by row, as kernels read them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.errors import InputError

_LAST_ID = 2**31 - 1


class SparseRows(NamedTuple):
    """Ids with their values for each row, one row after the other: the arrays of a CSR matrix."""

    starts: NDArray[np.int64]  # shape (rows + 1,): entries of row r are starts[r] up to starts[r + 1]
    ids: NDArray[np.int32]  # of columns
    values: NDArray[np.float32]

    def part(self, first: int, last: int) -> "SparseRows":
        """The rows from `first` up to `last`, in the same memory."""
        return self._replace(starts=self.starts[first : last + 1])


def sparse_rows(matrix: csr_matrix) -> SparseRows:
    """The rows of a matrix of any kind, sparse or dense; nothing is copied that has the right types already."""
    rows = csr_matrix(matrix)
    return SparseRows(
        rows.indptr.astype(np.int64, copy=False),
        rows.indices.astype(np.int32, copy=False),
        rows.data.astype(np.float32, copy=False),
    )


def single_row(ids: NDArray[np.int32], values: NDArray[np.float32]) -> SparseRows:
    """One row.

    Raises:
        InputError: there are more or fewer values than ids.
    """
    ids, values = query_arrays(ids, values)
    return SparseRows(np.array([0, len(ids)]), ids, values)


def query_arrays(ids: NDArray[np.int32], values: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The features of one query in the types that kernels take; an id that is no int32 becomes -1, which is unknown.

    Raises:
        InputError: there are more or fewer values than ids.
    """
    if len(ids) != len(values):
        raise InputError(f"The query has {len(ids)} features, but {len(values)} values; each feature needs one.")
    if ids.dtype != np.int32:
        ids = np.where((ids >= 0) & (ids <= _LAST_ID), ids, -1).astype(np.int32)  # a cast alone would wrap around
    return ids, np.asarray(values, np.float32)
