"""What is refused before training starts."""

import numpy as np
from scipy.sparse import csr_matrix

from whybuy.errors import InputError


def check_rows(features: csr_matrix, labels: csr_matrix) -> None:
    """Raise InputError unless both have a row for each instance."""
    if features.shape[0] != labels.shape[0]:
        raise InputError(f"features have {features.shape[0]} rows and labels {labels.shape[0]}: one row per instance.")


def check_numbers(features: csr_matrix) -> None:
    """Raise InputError when a feature is not a finite number."""
    bad = np.flatnonzero(~np.isfinite(features.data))
    if len(bad):
        row = int(np.searchsorted(features.indptr, bad[0], side="right")) - 1
        raise InputError(f"Instance {row} has a feature that is {features.data[bad[0]]}. Give finite numbers.")
