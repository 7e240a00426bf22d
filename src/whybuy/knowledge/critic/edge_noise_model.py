"""From some judgments to what people would say of all edges: signs for the unjudged, witnesses for the judged needs.

A need is right or wrong for nearly all its heads, and people slip. So the signs give each need a probability that its
own judgments have not taught, and each judgment then shifts the odds by what one slip-prone witness is worth
(our design).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

PENALTY = 1.0  # on the weights of signs; by simulation on the looked-at categories of the demo shop
FOLDS = 5
LEAST_ANSWERS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Answers to one question."""

    edges: NDArray[np.int64]  # that were asked, shape (answers,); an edge may be asked several times
    answers: NDArray[np.bool_]  # shape (answers,)

    @property
    def enough(self) -> bool:
        """Whether there is something to learn from: `LEAST_ANSWERS` of yes and of no."""
        return bool(min(np.count_nonzero(self.answers), np.count_nonzero(~self.answers)) >= LEAST_ANSWERS)

    @property
    def both(self) -> bool:
        """Whether there is a yes and a no."""
        return bool(0 < np.count_nonzero(self.answers) < len(self.answers))

    def only(self, rows: NDArray[np.bool_]) -> "Heard":
        """Some of the answers."""
        return Heard(self.edges[rows], self.answers[rows])


@dataclass(frozen=True, slots=True)
class Doubt:
    """How far a judgment is to be trusted."""

    slips: float = 0.1  # share of answers that are not what the person would say at a second look
    own_way: float = 0.05  # share of edges that are not right or wrong as the other edges of their need are

    @property
    def of_edge(self) -> float:
        """What one answer adds to the log odds of its edge, or takes from it."""
        return float(np.log((1 - self.slips) / self.slips))

    @property
    def of_need(self) -> float:
        """The same for other edges of the need."""
        misled = self.slips * (1 - self.own_way) + (1 - self.slips) * self.own_way
        return float(np.log((1 - misled) / misled))


def believe(signs: csr_matrix, need: NDArray[np.int64], heard: Heard, doubt: Doubt) -> NDArray[np.float64]:
    """Probabilities that an edge holds, for all edges.

    signs: shape (edges, signs). Returns: shape (edges,).
    """
    foreseen = foresee(signs, need, heard)
    meant = np.clip((foreseen - doubt.slips) / (1 - 2 * doubt.slips), 0.01, 0.99)
    return _probability(np.log(meant / (1 - meant)) + _witnessed(need, heard, doubt))


def foresee(signs: csr_matrix, need: NDArray[np.int64], heard: Heard) -> NDArray[np.float64]:
    """Probabilities that a person would say yes, slips included, by the signs alone.

    Of judged needs without what their own judgments have taught. Shape (edges,).
    """
    margins = _margins(signs, heard, signs)
    fold = need % FOLDS
    judged = np.isin(need, need[heard.edges])
    for one in range(FOLDS):
        others = heard.only(fold[heard.edges] != one)
        rows = np.flatnonzero(judged & (fold == one))
        if others.both and len(rows):
            margins[rows] = _margins(signs, others, signs[rows])
    return _probability(margins)


def _margins(signs: csr_matrix, heard: Heard, asked: csr_matrix) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow, and only training needs it

    fitted = LogisticRegression(C=1 / PENALTY, max_iter=300).fit(signs[heard.edges], heard.answers)
    return np.asarray(fitted.decision_function(asked), np.float64)


def _witnessed(need: NDArray[np.int64], heard: Heard, doubt: Doubt) -> NDArray[np.float64]:
    """What the answers add to the log odds of each edge. Shape (edges,)."""
    votes = np.where(heard.answers, 1.0, -1.0)
    of_edge = np.bincount(heard.edges, votes, len(need))
    of_need = np.bincount(need[heard.edges], votes, int(need.max(initial=-1)) + 1)[need] - of_edge
    return of_edge * doubt.of_edge + of_need * doubt.of_need


def _probability(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -50, 50))), np.float64)
