"""From judgments of some edges to probabilities for all: a regression over features, corrected by votes (our design).

An intent (a relation with a tail) is right or wrong for nearly all its heads, and annotators err. So the regression
gives each intent a prior that its own judgments did not train, and each judgment then shifts the log odds by what one
vote of an annotator with a known error rate is worth.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

PENALTY = 1.0  # on the weights of features; by simulation on the looked-at categories of the demo shop
FOLDS = 5
MIN_ANSWERS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers of annotators to one question about edges."""

    edges: NDArray[np.int64]  # edge of each answer, shape (answers,); an edge may be judged several times
    answers: NDArray[np.bool_]  # shape (answers,)

    @property
    def enough(self) -> bool:
        """Whether there are enough to train on: `MIN_ANSWERS` of yes and of no."""
        return bool(min(np.count_nonzero(self.answers), np.count_nonzero(~self.answers)) >= MIN_ANSWERS)

    @property
    def both(self) -> bool:
        """Whether there is a yes and a no."""
        return bool(0 < np.count_nonzero(self.answers) < len(self.answers))

    def only(self, rows: NDArray[np.bool_]) -> "Answers":
        """Some of the answers. rows: shape (answers,)."""
        return Answers(self.edges[rows], self.answers[rows])


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Error rates of annotators, and the log odds that one answer is worth."""

    error_rate: float = 0.1  # share of answers that the annotator would take back at a second look, in (0, 0.5)
    exceptions: float = 0.05  # share of edges that are not right or wrong as the other edges of their intent are

    @property
    def edge_vote(self) -> float:
        """What one answer adds to the log odds of its edge, or takes from it."""
        return float(np.log((1 - self.error_rate) / self.error_rate))

    @property
    def intent_vote(self) -> float:
        """The same for the other edges of its intent."""
        misled = self.error_rate * (1 - self.exceptions) + (1 - self.error_rate) * self.exceptions
        return float(np.log((1 - misled) / misled))


def posterior(
    features: csr_matrix, intent: NDArray[np.int64], answers: Answers, noise: NoiseModel
) -> NDArray[np.float64]:
    """Probability that each edge holds: what the features predict, with the votes for the edge and its intent.

    Args:
        features: Shape (edges, features).
        intent: Number of each edge's intent, shape (edges,).
        answers: With a yes and a no among them.
        noise: By which predicted answers become predicted truth, and by which votes count.

    Returns: shape (edges,).
    """
    predicted = predict_answers(features, intent, answers)
    true = np.clip((predicted - noise.error_rate) / (1 - 2 * noise.error_rate), 0.01, 0.99)
    return _probability(np.log(true / (1 - true)) + _votes(intent, answers, noise))


def predict_answers(features: csr_matrix, intent: NDArray[np.int64], answers: Answers) -> NDArray[np.float64]:
    """Probability that an annotator would say yes, errors included, by the features alone.

    Edges of judged intents are predicted by a model that was trained without the answers on their intent (5-fold
    cross-fitting by intent). Arguments as of `posterior`. Returns: shape (edges,).
    """
    margins = _margins(features, answers, features)
    fold = intent % FOLDS
    judged = np.isin(intent, intent[answers.edges])
    for one in range(FOLDS):
        others = answers.only(fold[answers.edges] != one)
        rows = np.flatnonzero(judged & (fold == one))
        if others.both and len(rows):
            margins[rows] = _margins(features, others, features[rows])
    return _probability(margins)


def _margins(features: csr_matrix, answers: Answers, predicted: csr_matrix) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow, and only training needs it

    fitted = LogisticRegression(C=1 / PENALTY, max_iter=300).fit(features[answers.edges], answers.answers)
    return np.asarray(fitted.decision_function(predicted), np.float64)


def _votes(intent: NDArray[np.int64], answers: Answers, noise: NoiseModel) -> NDArray[np.float64]:
    """What the answers add to the log odds of each edge. Shape (edges,)."""
    votes = np.where(answers.answers, 1.0, -1.0)
    of_edge = np.bincount(answers.edges, votes, len(intent))
    of_intent = np.bincount(intent[answers.edges], votes, int(intent.max(initial=-1)) + 1)[intent] - of_edge
    return of_edge * noise.edge_vote + of_intent * noise.intent_vote


def _probability(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -50, 50))), np.float64)
