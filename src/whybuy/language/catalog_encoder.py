"""An encoder fitted on a shop's own texts: TF-IDF over words, then the leading singular vectors (Deerwester 1990)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from whybuy.artifacts import ArrayFolder
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer
from whybuy.vectors.unit import unit_vectors

WORDS = NgramConfig(words=1, characters=3)
_SAVED = ArrayFolder("catalog encoder", 1, "catalog_encoder.json", made_by="whybuy critic train")


class CatalogEncoder:
    """Latent semantic analysis of a shop's own texts: texts with the same or co-occurring words get close vectors."""

    def __init__(self, vectorizer: NgramVectorizer, directions: NDArray[np.float32]) -> None:
        """directions: shape (features, dimensions)."""
        self._vectorizer, self._directions = vectorizer, directions

    @classmethod
    def fit(cls, texts: Sequence[str], *, dimensions: int = 256, threads: int = 1) -> Self:
        """Fit on texts. dimensions: of a vector; fewer when there are fewer texts or features than that."""
        vectorizer = NgramVectorizer.fit(texts, WORDS, threads=threads)
        by_text: csr_matrix = vectorizer.transform(texts, threads=threads)
        rank = min(dimensions, min(by_text.shape) - 1)
        if rank < 1:
            return cls(vectorizer, np.zeros((vectorizer.features, 1), np.float32))
        start = np.random.default_rng(0).standard_normal(min(by_text.shape))
        _, _, rows = svds(by_text.astype(np.float64), k=rank, v0=start)
        return cls(vectorizer, np.ascontiguousarray(rows[::-1].T, np.float32))

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        return unit_vectors(self._vectorizer.transform(texts) @ self._directions)

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        self._vectorizer.save(folder / "vectors")
        _SAVED.save(folder, {"directions": self._directions})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved folder.

        Raises:
            ArtifactError: the folder holds no encoder, one of another format version, or a damaged one.
        """
        arrays, _ = _SAVED.load(folder)
        return cls(NgramVectorizer.load(folder / "vectors"), arrays["directions"])
