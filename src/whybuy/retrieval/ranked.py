"""What every ranker returns: rows of the catalog with scores, best first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Products found by one stage, best first."""

    rows: NDArray[np.int32]  # shape (n,), row numbers in the catalog's products.parquet, distinct
    scores: NDArray[np.float32]  # shape (n,), non-increasing; comparable within one query only

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def empty(cls) -> "Ranked":
        """Nothing found."""
        return cls(np.empty(0, np.int32), np.empty(0, np.float32))
