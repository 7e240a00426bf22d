"""Teaches a critic: every sign of a judged reason comes from models that have not seen its head."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.knowledge.critic.logistic import Line, quality
from whybuy.knowledge.critic.text_critic import Lesson
from whybuy.knowledge.critic.text_features import FIT, Fit, Vectors, shared_words, vectors_of
from whybuy.knowledge.critic.text_fitted import SIGNS, Critic, Judge
from whybuy.knowledge.critic.text_folds import answered, fold_by_name, judge_unseen, splits, weigh
from whybuy.knowledge.critic.text_judgments import Judged
from whybuy.language.encoder import Encoder
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer

CURVE = (100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600)  # judgments
WORDING = NgramConfig(words=2, characters=0)


def learn_critic(judged: Judged, encoder: Encoder) -> Critic:
    """Learn from judgments.

    Raises:
        InputError: no question has enough answers of both kinds.
    """
    rows_of, reasons = answered(judged), list(judged.statements.reasons)
    vectors, shared = vectors_of(judged.statements, encoder), shared_words(judged.statements)
    vectorizer = NgramVectorizer.fit(reasons, WORDING)
    wordings = vectorizer.transform(reasons)
    by_head = fold_by_name(judged.statements.heads)
    judges, out_of_fold = dict[str, Judge](), dict[str, dict[str, float]]()
    for question, rows in rows_of.items():
        answers = judged.answers[question]
        signs = np.zeros((len(judged), len(SIGNS)), np.float32)
        signs[:, len(FIT)] = shared
        signs[:, : len(FIT)] = _fit_unseen(vectors, answers, by_head, rows)
        signs[:, len(FIT) + 1] = _wording_unseen(wordings, answers, by_head, rows)
        out_of_fold[question] = quality(judge_unseen(signs, answers, by_head, rows), answers[rows])
        fit, wording = Fit.learn(vectors, rows[answers[rows] > 0.5]), Line.learn(wordings[rows], answers[rows])
        judges[question] = Judge(fit, wording, weigh(signs[rows], answers[rows]))
    return Critic(encoder, vectorizer, judges, Lesson(len(judged), out_of_fold))


def texts_of(judged: Judged) -> list[str]:
    """All heads and reasons, one after the other."""
    items = [text for head in judged.statements.heads for text in head]
    return [*items, *judged.statements.reasons]


def learning_curve(judged: Judged, encoder: Encoder) -> list[dict[str, float]]:
    """How good critics of ever more judgments are, on the heads of a fifth of them that none of them sees.

    Returns: one for each size, with what `quality` says of the question that is learned last.
    """
    by_head = fold_by_name(judged.statements.heads)
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


def _fit_unseen(
    vectors: Vectors, answers: NDArray[np.float32], folds: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    found = np.zeros((len(folds), len(FIT)), np.float32)
    for seen, unseen in splits(folds, rows, answers):
        found[unseen] = Fit.learn(vectors, seen[answers[seen] > 0.5]).features(vectors.only(unseen))
    return found


def _wording_unseen(
    wordings: csr_matrix, answers: NDArray[np.float32], folds: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    found = np.zeros(len(folds), np.float32)
    for seen, unseen in splits(folds, rows, answers):
        found[unseen] = Line.learn(wordings[seen], answers[seen]).margins(wordings[unseen])
    return found
