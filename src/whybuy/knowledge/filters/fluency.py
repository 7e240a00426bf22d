"""The filter of tails that are not fluent."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.knowledge.numbering import distinct
from whybuy.language.fluency import Fluency


@dataclass(frozen=True, slots=True)
class Disfluent:
    """Rejects tails that a language model finds unlikely: cut off, or words in a wrong order.

    Abstains where a text is too short to be scored. COSMO (SIGMOD 2024) takes the perplexity of GPT-2.
    """

    name: ClassVar[str] = "disfluent"
    model: Fluency

    @property
    def limit(self) -> float:
        """That of the model."""
        return self.model.limit

    def __call__(self, hypotheses: pa.Table) -> NDArray[np.float64]:
        """See `HypothesisFilter`; on the scale of the model."""
        tails, tail = distinct(hypotheses["tail"])
        return self.model(tails)[tail]
