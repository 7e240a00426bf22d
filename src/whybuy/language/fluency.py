"""The interface of models that score how unnatural a text is."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Fluency(Protocol):
    """Scores how unnatural texts are, on a scale of the model."""

    @property
    def limit(self) -> float:
        """Score above which a text is rejected by default; judgments can set a better one."""
        ...

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Score of each text, higher is worse; NaN where it is too short to be scored. Shape (n,)."""
        ...
