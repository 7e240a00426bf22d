"""What was good for similar queries is remembered, and a query can be left out of its own training example."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from whybuy.errors import ArtifactError, InputError
from whybuy.retrieval.ranking.past_queries import SHARPNESS, PastQueries
from whybuy.vectors.ngrams import NgramVectorizer

QUERIES = ["angle bracket", "bracket angle", "angle brackets steel", "garden hose"]
GOOD = csr_matrix(np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]], np.float32))


@pytest.fixture(scope="module")
def vectorizer() -> NgramVectorizer:
    return NgramVectorizer.fit(QUERIES)


@pytest.fixture(scope="module")
def past(vectorizer: NgramVectorizer) -> PastQueries:
    return PastQueries.build(QUERIES, vectorizer.transform(QUERIES), GOOD)


def test_the_same_query_brings_back_its_products(past: PastQueries, vectorizer: NgramVectorizer) -> None:
    good = past.good_for(*vectorizer.vector("garden hose"))
    assert good.similarity == pytest.approx(1)
    assert good.products.rows[0] == 3


def test_a_product_counts_by_similarity_times_weight(past: PastQueries, vectorizer: NgramVectorizer) -> None:
    asked = vectorizer.vector("steel angle")
    dense = np.zeros(vectorizer.features, np.float32)
    dense[asked[0]] = asked[1]
    similarity = vectorizer.transform(QUERIES) @ dense
    expected = (similarity**SHARPNESS) @ GOOD.toarray()
    found = past.good_for(*asked).products
    assert dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True)) == pytest.approx(
        {row: score for row, score in enumerate(expected.tolist()) if score > 0}
    )


def test_left_out_are_the_query_and_those_of_the_same_words(past: PastQueries, vectorizer: NgramVectorizer) -> None:
    good = past.good_for(*vectorizer.vector(QUERIES[0]), without=0)
    assert set(good.products.rows.tolist()) == {2}
    assert good.similarity < 1


def test_nothing_is_known_of_foreign_words(past: PastQueries, vectorizer: NgramVectorizer) -> None:
    good = past.good_for(*vectorizer.vector("xylophone"))
    assert (len(good.products), good.similarity) == (0, 0.0)


def test_saved_and_loaded_it_remembers_the_same(past: PastQueries, vectorizer: NgramVectorizer, tmp_path: Path) -> None:
    past.save(tmp_path)
    asked = vectorizer.vector("angle")
    loaded = PastQueries.load(tmp_path)
    assert len(loaded) == len(QUERIES)
    assert loaded.good_for(*asked).products.scores.tolist() == past.good_for(*asked).products.scores.tolist()


def test_texts_without_vectors_are_refused(vectorizer: NgramVectorizer) -> None:
    with pytest.raises(InputError, match="not \\(3, 4, 4\\)"):
        PastQueries.build(QUERIES[:3], vectorizer.transform(QUERIES), GOOD)


def test_a_damaged_folder_is_named(past: PastQueries, tmp_path: Path) -> None:
    past.save(tmp_path)
    np.save(tmp_path / "weights.npy", np.zeros(1, np.float32))
    with pytest.raises(ArtifactError, match="arrays are cut"):
        PastQueries.load(tmp_path)
