"""Trains the default text critic by cross-fitting: features of a statement come from models without its head."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.knowledge.critic.logistic import LogisticModel, quality
from whybuy.knowledge.critic.text_critic import TextFitReport
from whybuy.knowledge.critic.text_features import FIT_FEATURES, HeadReasonFit, Vectors, shared_words, vectors_of
from whybuy.knowledge.critic.text_fitted import FEATURES, FittedCritic, QuestionModel
from whybuy.knowledge.critic.text_folds import answered_rows, cross_validated, fit_final, fold_by_name, splits
from whybuy.knowledge.critic.text_judgments import JudgedStatements
from whybuy.language.encoder import Encoder
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer

CURVE = (100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600)  # judgments
WORDING = NgramConfig(words=2, characters=0)


def train_critic(judged: JudgedStatements, encoder: Encoder) -> FittedCritic:
    """Train on judgments.

    Raises:
        InputError: no question has enough answers of both kinds.
    """
    rows_of, reasons = answered_rows(judged), list(judged.statements.reasons)
    vectors, shared = vectors_of(judged.statements, encoder), shared_words(judged.statements)
    vectorizer = NgramVectorizer.fit(reasons, WORDING)
    wordings = vectorizer.transform(reasons)
    by_head = fold_by_name(judged.statements.heads)
    models, out_of_fold = dict[str, QuestionModel](), dict[str, dict[str, float]]()
    for question, rows in rows_of.items():
        answers = judged.answers[question]
        features = np.zeros((len(judged), len(FEATURES)), np.float32)
        features[:, len(FIT_FEATURES)] = shared
        features[:, : len(FIT_FEATURES)] = _fit_out_of_fold(vectors, answers, by_head, rows)
        features[:, len(FIT_FEATURES) + 1] = _wording_out_of_fold(wordings, answers, by_head, rows)
        out_of_fold[question] = quality(cross_validated(features, answers, by_head, rows), answers[rows])
        fit, wording = (
            HeadReasonFit.fit(vectors, rows[answers[rows] > 0.5]),
            LogisticModel.fit(wordings[rows], answers[rows]),
        )
        models[question] = QuestionModel(fit, wording, fit_final(features[rows], answers[rows]))
    return FittedCritic(encoder, vectorizer, models, TextFitReport(len(judged), out_of_fold))


def texts_of(judged: JudgedStatements) -> list[str]:
    """All heads and reasons, one after the other."""
    items = [text for head in judged.statements.heads for text in head]
    return [*items, *judged.statements.reasons]


def learning_curve(judged: JudgedStatements, encoder: Encoder) -> list[dict[str, float]]:
    """Quality of critics trained on 100, 200, 400, ... judgments, on a fifth of the heads that none is trained on.

    Returns: one row for each size, with the figures of `quality` for the last question that was trained.
    """
    by_head = fold_by_name(judged.statements.heads)
    held = judged.only(np.flatnonzero(by_head == 0))
    others = np.random.default_rng(0).permutation(np.flatnonzero(by_head != 0))
    curve = []
    for size in [*(size for size in CURVE if size < len(others)), len(others)]:
        try:
            critic = train_critic(judged.only(others[:size]), encoder)
        except InputError:  # too few of one answer yet
            continue
        question = critic.questions[-1]
        answered = ~np.isnan(held.answers[question])
        scores = critic.score(held.statements)[question][answered]
        curve.append({"judgments": float(size), **quality(scores, held.answers[question][answered])})
    return curve


def _fit_out_of_fold(
    vectors: Vectors, answers: NDArray[np.float32], folds: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    features = np.zeros((len(folds), len(FIT_FEATURES)), np.float32)
    for seen, unseen in splits(folds, rows, answers):
        features[unseen] = HeadReasonFit.fit(vectors, seen[answers[seen] > 0.5]).features(vectors.only(unseen))
    return features


def _wording_out_of_fold(
    wordings: csr_matrix, answers: NDArray[np.float32], folds: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    margins = np.zeros(len(folds), np.float32)
    for seen, unseen in splits(folds, rows, answers):
        margins[unseen] = LogisticModel.fit(wordings[seen], answers[seen]).margins(wordings[unseen])
    return margins
