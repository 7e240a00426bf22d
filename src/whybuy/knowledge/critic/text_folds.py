"""Cross-validation by head: a statement is scored by models that were trained without its head."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.knowledge.critic.logistic import LogisticModel
from whybuy.knowledge.critic.text_judgments import QUESTIONS, JudgedStatements

MIN_ANSWERS = 20  # of yes and of no each; with fewer, a question is not trained
FOLDS = 5


def answered_rows(judged: JudgedStatements) -> dict[str, NDArray[np.int64]]:
    """By question, the rows with an answer, where there are enough of both answers."""
    rows = {question: np.flatnonzero(~np.isnan(judged.answers[question])) for question in QUESTIONS}
    counts = {
        question: np.bincount(judged.answers[question][each].astype(int), minlength=2)
        for question, each in rows.items()
    }
    if enough := {question: each for question, each in rows.items() if counts[question].min() >= MIN_ANSWERS}:
        return enough
    given = "; ".join(f"{question}: {yes} yes, {no} no" for question, (no, yes) in counts.items())
    raise InputError(
        f"The judgments are too few to train on ({given}). One question needs {MIN_ANSWERS} of each answer."
    )


def fold_by_name(names: Sequence[object]) -> NDArray[np.int64]:
    """A fold by row, in [0, FOLDS); rows of one name are in one fold."""
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    fold_of = np.random.default_rng(0).permutation(len(number)) % FOLDS
    return np.asarray(fold_of[[number[name] for name in names]], np.int64)


def splits(
    folds: NDArray[np.int64], rows: NDArray[np.int64], answers: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """For each fold: the answered rows outside it, if both answers are among them, and the answered rows in it."""
    for fold in range(FOLDS):
        unseen = folds[rows] == fold
        if unseen.any() and len(set(answers[rows[~unseen]].tolist())) == 2:
            yield rows[~unseen], rows[unseen]


def cross_validated(
    features: NDArray[np.float32], answers: NDArray[np.float32], folds: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probabilities of the answered rows, each by a regression that was trained on the other folds."""
    probabilities = np.full(len(folds), answers[rows].mean(), np.float64)
    for seen, unseen in splits(folds, rows, answers):
        probabilities[unseen] = fit_final(features[seen], answers[seen]).probabilities(features[unseen])
    return probabilities[rows]


def fit_final(features: NDArray[np.float32], answers: NDArray[np.float32]) -> LogisticModel:
    """A regression over all features whose last weight (of a wording's margin or a logit) is not negative.

    It would come out negative where each reason was judged equally often with "yes" and "no": then every other judgment
    of a reason makes the one at hand less likely, which is an artifact of the sampling.
    """
    model = LogisticModel.fit_scaled(features, answers)
    if model.weights[-1] >= 0:
        return model
    without = features.copy()
    without[:, -1] = 0
    return LogisticModel.fit_scaled(without, answers)
