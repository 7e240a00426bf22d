"""Dense vectors of norm 1, so that their dot products are cosines."""

import numpy as np
from numpy.typing import NDArray


def unit_vectors(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """The same directions with norm 1; zeros stay zeros. vectors: shape (rows, dimensions)."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)
