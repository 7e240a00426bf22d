"""Vectors of labels in the space of features, from their instances (PIFA), from their own texts, or from both."""

from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.vectors.unit import unit_rows
from whybuy.xmr.training.checks import check_rows


def pifa(features: csr_matrix, labels: csr_matrix) -> csr_matrix:
    """Positive instance feature aggregation: each label as the weighted sum of the instances that it is right for.

    features: instances x features. labels: instances x labels, weights; a row counts as a whole, however many labels
    it has. Returns: labels x features, rows of length 1; a label without instances has an empty row.
    """
    check_rows(features, labels)
    return unit_rows((unit_rows(labels).T.tocsr() @ features).tocsr())


def pifa_with_text(
    features: csr_matrix, labels: csr_matrix, label_texts: csr_matrix, *, share: float = 0.5
) -> csr_matrix:
    """PIFA and the labels' own texts together.

    label_texts: labels x features. share: of the text, in [0, 1]; 0 is PIFA alone. Returns: labels x features, rows of
    length 1; a label without instances stands where its text does.
    """
    if label_texts.shape != (labels.shape[1], features.shape[1]):
        raise InputError(
            f"label_texts is {label_texts.shape[0]} x {label_texts.shape[1]}, "
            f"but there are {labels.shape[1]} labels and {features.shape[1]} features."
        )
    return unit_rows((pifa(features, labels) * (1 - share) + unit_rows(label_texts) * share).tocsr())
