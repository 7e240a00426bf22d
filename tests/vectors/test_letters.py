"""Runs of letters as features, beside scikit-learn and beside counting them one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from whybuy.vectors.letters import MAX_LENGTH, LetterVectorizer

TEXTS = ["ip", "iphone", "nike ip", "", "日本語", "aaaa"]


def test_plain_runs_are_those_of_scikit_learn() -> None:
    ours = LetterVectorizer.fit(TEXTS, by_position=False)
    theirs = TfidfVectorizer(analyzer="char", ngram_range=(1, MAX_LENGTH)).fit(TEXTS)
    assert ours.features == len(theirs.vocabulary_)
    asked = [*TEXTS, "phone", "ipx"]
    left, right = ours.transform(asked), theirs.transform(asked)
    np.testing.assert_allclose((left @ left.T).toarray(), (right @ right.T).toarray(), atol=1e-5)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=1, max_size=8))
def test_early_ngrams_count_more(texts: list[str]) -> None:
    vectors = LetterVectorizer.fit(texts, by_position=True).transform(texts).toarray()
    ngrams = sorted({text[at : at + size] for text in texts for at in range(len(text)) for size in (1, 2, 3)})
    counts = np.zeros((len(texts), len(ngrams)))
    for row, text in enumerate(texts):
        for column, ngram in enumerate(ngrams):
            counts[row, column] = sum(1 / (at + 1) for at in range(len(text)) if text[at:].startswith(ngram))
    had = (counts > 0).sum(axis=0)
    slow = counts * (np.log((1 + len(texts)) / (1 + had)) + 1)
    slow /= np.maximum(np.linalg.norm(slow, axis=1, keepdims=True), 1e-12)
    np.testing.assert_allclose(vectors @ vectors.T, slow @ slow.T, atol=1e-5)


def test_what_was_not_fitted_is_left_out() -> None:
    letters = LetterVectorizer.fit(["ab"], by_position=True)
    assert letters.transform(["xyz", "b"]).toarray().tolist()[0] == [0.0] * letters.features
    assert np.linalg.norm(letters.transform(["b"]).toarray()) == pytest.approx(1.0)
