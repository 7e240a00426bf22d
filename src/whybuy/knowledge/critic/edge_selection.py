"""Which edge to have judged next: where the critic is least certain and an answer decides most (our design)."""

import numpy as np
from numpy.typing import NDArray

from whybuy.knowledge.annotation.sampling import stratified_order


def select_edges(
    probabilities: NDArray[np.float64],
    intent: NDArray[np.int64],
    stratum: NDArray[np.int64],
    eligible: NDArray[np.bool_],
    count: int,
) -> NDArray[np.int64]:
    """Rows of the eligible edges to judge next, the most informative first, one of each intent, at most `count`.

    An answer counts for all edges of its intent, so uncertainty is weighed by the square root of their number. Strata
    take turns, so that those whose first answers happened to agree are judged again.
    probabilities, intent, stratum, eligible: shape (edges,).
    """
    uncertainty = np.minimum(probabilities, 1 - probabilities)
    edges_of_intent = np.bincount(intent[eligible], minlength=int(intent.max(initial=-1)) + 1)[intent]
    information = np.where(eligible, uncertainty * np.sqrt(edges_of_intent), -1.0)
    order = np.argsort(-information, kind="stable")[: int(eligible.sum())]
    _, first = np.unique(intent[order], return_index=True)
    chosen = order[np.sort(first)]
    if not len(chosen):
        return chosen
    return chosen[
        stratified_order(-information[chosen], [stratum[chosen]], np.maximum(information[chosen], 1e-9), size=count)
    ]
