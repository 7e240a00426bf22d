"""The port to models that say how badly a text reads."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Fluency(Protocol):
    """Says how badly texts read, on a scale of its own."""

    @property
    def limit(self) -> float:
        """From where a text reads too badly to be one, unless judgments tell better."""
        ...

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """How surprising each text is, the more the worse; nan where it is too short to tell. Shape (n,)."""
        ...
