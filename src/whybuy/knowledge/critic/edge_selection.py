"""What to ask next: where a critic is least sure and an answer decides most (active selection; our design)."""

import numpy as np
from numpy.typing import NDArray

from whybuy.knowledge.annotation.sampling import seated


def ask_next(
    probabilities: NDArray[np.float64],
    need: NDArray[np.int64],
    stratum: NDArray[np.int64],
    may_be_asked: NDArray[np.bool_],
    count: int,
) -> NDArray[np.int64]:
    """Edges to ask about, the most telling first, one for each need, at most `count`.

    An answer speaks for its need, so doubt counts with the square root of the number of edges that hang on it. Strata
    take turns, so that a kind of edges whose first answers were lucky is heard again.
    probabilities, need, stratum, may_be_asked: shape (edges,).
    """
    doubt = np.minimum(probabilities, 1 - probabilities)
    hanging = np.bincount(need[may_be_asked], minlength=int(need.max(initial=-1)) + 1)[need]
    telling = np.where(may_be_asked, doubt * np.sqrt(hanging), -1.0)
    order = np.argsort(-telling, kind="stable")[: int(may_be_asked.sum())]
    _, first = np.unique(need[order], return_index=True)
    chosen = order[np.sort(first)]
    if not len(chosen):
        return chosen
    return chosen[seated(-telling[chosen], [stratum[chosen]], np.maximum(telling[chosen], 1e-9), size=count)]
