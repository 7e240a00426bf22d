"""How words of past queries translate into those of titles, against the slow obvious way to count it."""

import math
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from tiny_shop import product_table
from whybuy.errors import ArtifactError
from whybuy.records import Product
from whybuy.retrieval.ranking.fitting import CAUTION, MIN_LIFT, SMOOTHING, fit_terms, fit_translations
from whybuy.retrieval.ranking.match_features import word_weights
from whybuy.retrieval.ranking.translations import Translated, Translations

TITLES = [
    "White Refrigerator",
    "Black Refrigerator",
    "White Paint",
    "Garden Hose",
    "Garden Spade",
    "Brush Set, Brush 5 x 5",
]
PRODUCTS = [Product(str(number), title) for number, title in enumerate(TITLES)]
TERMS = fit_terms(product_table(PRODUCTS))
ALL = np.arange(len(TITLES), dtype=np.int32)
WORDS = st.sampled_from(["fridge", "white", "paint", "garden", "tool", "refrigerator"])
PAST = st.lists(st.tuples(st.lists(WORDS, min_size=1, max_size=3), st.sets(st.integers(0, 5), max_size=3)), max_size=8)
Past = list[tuple[list[str], set[int]]]


def fitted(past: Past) -> Translations:
    good = np.array([[product in found for product in range(len(TITLES))] for _, found in past], float)
    words = [TERMS.query(asked) for asked, _ in past]
    return fit_translations(words, csr_matrix(good.reshape(len(past), len(TITLES))), TERMS.table)


def titles() -> list[list[int]]:
    starts = TERMS.table.title_start
    return [TERMS.table.title[low:high].tolist() for low, high in pairwise(starts)]


def slow_answers(past: Past, stem: int) -> dict[int, tuple[float, float]]:
    """Share and lift by term for one word of queries."""
    told, counted = 0, defaultdict[int, float](float)
    for asked, found in past:
        if stem in TERMS.query(asked).stems.tolist() and found:
            told += 1
            for product in found:
                for term in set(titles()[product]):
                    counted[term] += 1 / len(found)
    answers = {}
    for term, count in counted.items():
        share = count / (told + CAUTION)
        usual = sum(term in title for title in titles()) / len(TITLES)
        log_lift = math.log((share + SMOOTHING) / (usual + SMOOTHING))
        if log_lift > MIN_LIFT:
            answers[term] = share, share * log_lift
    return answers


@given(past=PAST, asked=st.lists(WORDS, min_size=1, max_size=4))
def test_features_are_what_the_slow_version_says(past: Past, asked: list[str]) -> None:
    query = TERMS.query(asked)
    weights = word_weights(query, TERMS.table.rarity)
    answers = [slow_answers(past, stem) for stem in query.stems.tolist()]
    expected = defaultdict[int, float](float)
    for weight, found in zip(weights.tolist(), answers, strict=True):
        for term, (_, lift) in found.items():
            expected[term] += weight * lift
    features = fitted(past).features(query, TERMS.table, ALL)
    for row, title in zip(features, map(list, map(dict.fromkeys, titles())), strict=True):
        covered = otherwise = 0.0
        for weight, term, found in zip(weights.tolist(), query.terms.tolist(), answers, strict=True):
            best = max((found.get(word, (0.0, 0.0))[0] for word in title), default=0.0)
            covered += weight if term in title else weight * best
            otherwise += 0.0 if term in title else weight * best
        rarity = TERMS.table.rarity[title]
        both = sum(expected[term] * TERMS.table.rarity[term] for term in title)
        norms = math.sqrt(sum(value**2 for value in expected.values())) * float(np.sqrt((rarity**2).sum()))
        whole = float(weights.sum())
        met = sum(expected[term] for term in title) / whole
        slow = [covered / whole, otherwise / whole, met, both / norms if both else 0.0]
        np.testing.assert_allclose(row, slow, rtol=1e-4, atol=1e-6)


def test_another_word_for_the_same_thing_is_a_translation() -> None:
    past: Past = [(["fridge"], {0, 1})] * 8 + [(["white", "fridge"], {0}), (["garden", "hose"], {3})]
    features = fitted(past).features(TERMS.query(["fridge"]), TERMS.table, ALL)
    assert features[0, Translated.OTHERWISE] > 0.3
    assert features[0, Translated.SIMILARITY] > features[2, Translated.SIMILARITY]
    assert (features[3:] == 0).all()


def test_a_query_of_nothing_and_a_past_of_nothing_say_nothing() -> None:
    assert not fitted([]).features(TERMS.query(["fridge"]), TERMS.table, ALL).any()
    assert not fitted([(["fridge"], {0})]).features(TERMS.query([]), TERMS.table, ALL).any()


def test_saved_translations_are_the_same(tmp_path: Path) -> None:
    translations, query = fitted([(["fridge"], {0, 1})]), TERMS.query(["white", "fridge"])
    translations.save(tmp_path)
    loaded = Translations.load(tmp_path)
    assert len(loaded) == len(translations)
    np.testing.assert_array_equal(
        loaded.features(query, TERMS.table, ALL), translations.features(query, TERMS.table, ALL)
    )
    (tmp_path / "translations.json").unlink()
    with pytest.raises(ArtifactError, match=r"no readable translations.*whybuy build"):
        Translations.load(tmp_path)
