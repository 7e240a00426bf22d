"""Cosine retrieval through postings: equal to the plain matrix product."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, random_array

from whybuy.errors import ArtifactError, InputError
from whybuy.retrieval.ngram_index import NgramIndex


def vectors(products: int = 40, features: int = 60, *, seed: int = 0) -> csr_matrix:
    entries = random_array((products, features), density=0.1, rng=np.random.default_rng(seed), dtype=np.float32)
    return csr_matrix(entries)


def query(by_product: csr_matrix, row: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    span = slice(by_product.indptr[row], by_product.indptr[row + 1])
    return by_product.indices[span].astype(np.int32), by_product.data[span]


@settings(deadline=None)  # the first call compiles
@given(seed=st.integers(0, 1000), limit=st.integers(0, 50))
def test_ranks_as_the_plain_product_does(seed: int, limit: int) -> None:
    by_product = vectors(seed=seed)
    columns, weights = query(vectors(1, seed=seed + 1), 0)
    dense = np.zeros(60, np.float32)
    dense[columns] = weights
    expected = by_product @ dense
    index = NgramIndex.build(by_product)
    np.testing.assert_allclose(index.scores(columns, weights), expected, rtol=1e-5)
    ranked = index.rank(columns, weights, limit)
    scores = index.scores(columns, weights)
    order = np.lexsort((np.arange(40), -scores))
    assert ranked.rows.tolist() == [row for row in order.tolist() if scores[row] > 0][:limit]


def test_a_saved_index_answers_the_same(tmp_path: Path) -> None:
    by_product = vectors()
    index = NgramIndex.build(by_product)
    index.save(tmp_path)
    loaded = NgramIndex.load(tmp_path)
    asked = query(by_product, 7)
    assert len(loaded) == 40
    assert loaded.rank(*asked, 10).rows.tolist() == index.rank(*asked, 10).rows.tolist()


def test_columns_of_another_vectorizer_are_refused() -> None:
    with pytest.raises(InputError, match="columns 3 to 60, the index 60"):
        NgramIndex.build(vectors()).scores(np.array([3, 60], np.int32), np.ones(2, np.float32))


def test_a_cut_array_is_noticed(tmp_path: Path) -> None:
    NgramIndex.build(vectors()).save(tmp_path)
    np.save(tmp_path / "rows.npy", np.zeros(3, np.int32))
    with pytest.raises(ArtifactError, match="arrays are cut"):
        NgramIndex.load(tmp_path)


def test_a_folder_without_an_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds no readable n-gram index"):
        NgramIndex.load(tmp_path)
