import numpy as np
import pytest
from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.xmr.training.embeddings import pifa, pifa_with_text

INSTANCES = csr_matrix(np.array([[3, 0, 4], [0, 2, 0], [1, 1, 0]], np.float32))
LABELS = csr_matrix(np.array([[1, 0, 0], [1, 1, 0], [0, 3, 0]], np.float32))


def slow_pifa(features: csr_matrix, labels: csr_matrix) -> np.ndarray:
    sums = np.zeros((labels.shape[1], features.shape[1]))
    for row, weights in zip(features.toarray(), labels.toarray(), strict=True):
        sums += np.outer(weights / np.linalg.norm(weights), row)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return sums / np.where(lengths > 0, lengths, 1)


def test_a_label_is_the_direction_of_its_instances() -> None:
    np.testing.assert_allclose(pifa(INSTANCES, LABELS).toarray(), slow_pifa(INSTANCES, LABELS), atol=1e-6)


def test_a_label_without_instances_is_empty_unless_it_has_a_text() -> None:
    texts = csr_matrix(np.array([[0, 0, 1], [1, 0, 0], [0, 5, 0]], np.float32))
    assert pifa(INSTANCES, LABELS)[2].nnz == 0
    both = pifa_with_text(INSTANCES, LABELS, texts, share=0.25).toarray()
    np.testing.assert_allclose(both[2], [0, 1, 0])
    expected = 0.75 * slow_pifa(INSTANCES, LABELS)[0] + 0.25 * np.array([0, 0, 1])
    np.testing.assert_allclose(both[0], expected / np.linalg.norm(expected), atol=1e-6)


def test_no_share_of_text_is_pifa() -> None:
    texts = csr_matrix(np.eye(3, dtype=np.float32))
    np.testing.assert_allclose(
        pifa_with_text(INSTANCES, LABELS, texts, share=0).toarray(), pifa(INSTANCES, LABELS).toarray(), atol=1e-6
    )


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(InputError, match="features have 2 rows and labels 3"):
        pifa(INSTANCES[:2], LABELS)
    with pytest.raises(InputError, match="label_texts is 2 x 3, but there are 3 labels and 3 features"):
        pifa_with_text(INSTANCES, LABELS, INSTANCES[:2])
