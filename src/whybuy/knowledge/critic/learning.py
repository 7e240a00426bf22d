"""Teaches a critic: every sign of a judged reason comes from models that have not seen its head."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.knowledge.critic.critic import SIGNS, Critic, Judge, Lesson
from whybuy.knowledge.critic.judged import QUESTIONS, Judged
from whybuy.knowledge.critic.logistic import Line, quality
from whybuy.knowledge.critic.signs import FIT, Fit, Vectors, shared_words, vectors_of
from whybuy.language.encoder import Encoder
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer

LEAST_ANSWERS = 20  # of yes and of no each: with fewer, a question is not learned
FOLDS = 5
CURVE = (100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600)  # judgments
WORDING = NgramConfig(words=2, characters=0)


def learn_critic(judged: Judged, encoder: Encoder) -> Critic:
    """Learn from judgments.

    Raises:
        InputError: no question has enough answers of both kinds.
    """
    answered, reasons = _answered(judged), list(judged.statements.reasons)
    vectors, shared = vectors_of(judged.statements, encoder), shared_words(judged.statements)
    vectorizer = NgramVectorizer.fit(reasons, WORDING)
    wordings = vectorizer.transform(reasons)
    by_head = _folds(judged.statements.heads)
    judges, out_of_fold = dict[str, Judge](), dict[str, dict[str, float]]()
    for question, rows in answered.items():
        answers = judged.answers[question]
        signs = np.zeros((len(judged), len(SIGNS)), np.float32)
        signs[:, len(FIT)] = shared
        signs[:, : len(FIT)] = _fit_unseen(vectors, answers, by_head, rows)
        signs[:, len(FIT) + 1] = _wording_unseen(wordings, answers, by_head, rows)
        out_of_fold[question] = quality(_judge_unseen(signs, answers, by_head, rows), answers[rows])
        fit, wording = Fit.learn(vectors, rows[answers[rows] > 0.5]), Line.learn(wordings[rows], answers[rows])
        judges[question] = Judge(fit, wording, _weigh(signs[rows], answers[rows]))
    return Critic(encoder, vectorizer, judges, Lesson(len(judged), out_of_fold))


def texts_of(judged: Judged) -> list[str]:
    """All heads and reasons, one after the other."""
    items = [text for head in judged.statements.heads for text in head]
    return [*items, *judged.statements.reasons]


def learning_curve(judged: Judged, encoder: Encoder) -> list[dict[str, float]]:
    """How good critics of ever more judgments are, on the heads of a fifth of them that none of them sees.

    Returns: one for each size, with what `quality` says of the question that is learned last.
    """
    by_head = _folds(judged.statements.heads)
    held = judged.only(np.flatnonzero(by_head == 0))
    others = np.random.default_rng(0).permutation(np.flatnonzero(by_head != 0))
    curve = []
    for size in [*(size for size in CURVE if size < len(others)), len(others)]:
        try:
            critic = learn_critic(judged.only(others[:size]), encoder)
        except InputError:  # too few of one answer yet
            continue
        question = critic.questions[-1]
        said = ~np.isnan(held.answers[question])
        found = critic.score(held.statements)[question][said]
        curve.append({"judgments": float(size), **quality(found, held.answers[question][said])})
    return curve


def _answered(judged: Judged) -> dict[str, NDArray[np.int64]]:
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


def _folds(names: Sequence[object]) -> NDArray[np.int64]:
    """A fold by row; rows of one name share theirs."""
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    fold_of = np.random.default_rng(0).permutation(len(number)) % FOLDS
    return np.asarray(fold_of[[number[name] for name in names]], np.int64)


def _splits(
    folds: NDArray[np.int64], rows: NDArray[np.int64], answers: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """By fold, the rows to learn from, with both answers among them, and the rows that these say nothing of."""
    for fold in range(FOLDS):
        unseen = folds[rows] == fold
        if unseen.any() and len(set(answers[rows[~unseen]].tolist())) == 2:
            yield rows[~unseen], rows[unseen]


def _fit_unseen(
    vectors: Vectors, answers: NDArray[np.float32], folds: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    found = np.zeros((len(folds), len(FIT)), np.float32)
    for seen, unseen in _splits(folds, rows, answers):
        found[unseen] = Fit.learn(vectors, seen[answers[seen] > 0.5]).features(vectors.only(unseen))
    return found


def _wording_unseen(
    wordings: csr_matrix, answers: NDArray[np.float32], folds: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    found = np.zeros(len(folds), np.float32)
    for seen, unseen in _splits(folds, rows, answers):
        found[unseen] = Line.learn(wordings[seen], answers[seen]).margins(wordings[unseen])
    return found


def _judge_unseen(
    signs: NDArray[np.float32], answers: NDArray[np.float32], folds: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probabilities of the answered rows."""
    found = np.full(len(folds), answers[rows].mean(), np.float64)
    for seen, unseen in _splits(folds, rows, answers):
        found[unseen] = _weigh(signs[seen], answers[seen]).probabilities(signs[unseen])
    return found[rows]


def _weigh(signs: NDArray[np.float32], answers: NDArray[np.float32]) -> Line:
    """What all signs say together; a wording that was typical elsewhere may not count against a reason.

    It would, where each reason was judged equally often with "yes" and "no": then every other judgment of a reason
    makes the one at hand less likely, which tells of the sampling alone.
    """
    line = Line.learn_scaled(signs, answers)
    if line.weights[-1] >= 0:
        return line
    without = signs.copy()
    without[:, -1] = 0
    return Line.learn_scaled(without, answers)
