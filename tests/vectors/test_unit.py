import numpy as np
import pytest
from scipy.sparse import csr_matrix

from whybuy.vectors.unit import unit_rows, unit_vectors

ROWS = csr_matrix(np.array([[3, 0, 4], [0, 2, 0], [0, 0, 0], [1, 1, 0]], np.float32))


def test_sparse_rows_are_those_of_the_dense_matrix() -> None:
    np.testing.assert_allclose(unit_rows(ROWS).toarray(), unit_vectors(ROWS.toarray()), rtol=1e-6)


def test_unit_rows_leaves_its_input() -> None:
    before = ROWS.toarray().copy()
    assert np.linalg.norm(unit_rows(ROWS).toarray(), axis=1) == pytest.approx([1, 1, 0, 1])
    np.testing.assert_array_equal(ROWS.toarray(), before)
