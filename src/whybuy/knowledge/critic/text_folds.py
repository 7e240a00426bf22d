"""Which judgments may teach what: whatever is judged of a head comes from models that have not seen it."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.knowledge.critic.logistic import Line
from whybuy.knowledge.critic.text_judgments import QUESTIONS, Judged

LEAST_ANSWERS = 20  # of yes and of no each: with fewer, a question is not learned
FOLDS = 5


def answered(judged: Judged) -> dict[str, NDArray[np.int64]]:
    """By question, the rows with an answer, where there are enough of both answers."""
    rows = {question: np.flatnonzero(~np.isnan(judged.answers[question])) for question in QUESTIONS}
    counts = {
        question: np.bincount(judged.answers[question][each].astype(int), minlength=2)
        for question, each in rows.items()
    }
    if learned := {question: each for question, each in rows.items() if counts[question].min() >= LEAST_ANSWERS}:
        return learned
    said = "; ".join(f"{question}: {yes} yes, {no} no" for question, (no, yes) in counts.items())
    raise InputError(
        f"The judgments are too few to learn from ({said}). One question needs {LEAST_ANSWERS} of each answer."
    )


def fold_by_name(names: Sequence[object]) -> NDArray[np.int64]:
    """A fold by row; rows of one name share theirs."""
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    fold_of = np.random.default_rng(0).permutation(len(number)) % FOLDS
    return np.asarray(fold_of[[number[name] for name in names]], np.int64)


def splits(
    folds: NDArray[np.int64], rows: NDArray[np.int64], answers: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """By fold, the rows to learn from, with both answers among them, and the rows that these say nothing of."""
    for fold in range(FOLDS):
        unseen = folds[rows] == fold
        if unseen.any() and len(set(answers[rows[~unseen]].tolist())) == 2:
            yield rows[~unseen], rows[unseen]


def judge_unseen(
    signs: NDArray[np.float32], answers: NDArray[np.float32], folds: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probabilities of the answered rows, each by a line over the signs that others of its fold did not teach."""
    found = np.full(len(folds), answers[rows].mean(), np.float64)
    for seen, unseen in splits(folds, rows, answers):
        found[unseen] = weigh(signs[seen], answers[seen]).probabilities(signs[unseen])
    return found[rows]


def weigh(signs: NDArray[np.float32], answers: NDArray[np.float32]) -> Line:
    """What all signs say together; the last, a wording's margin or a logit, may not count against a reason.

    A wording that was typical elsewhere would, where each reason was judged equally often with "yes" and "no": then
    every other judgment of a reason makes the one at hand less likely, which tells of the sampling alone.
    """
    line = Line.learn_scaled(signs, answers)
    if line.weights[-1] >= 0:
        return line
    without = signs.copy()
    without[:, -1] = 0
    return Line.learn_scaled(without, answers)
