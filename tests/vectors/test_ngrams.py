"""N-gram vectors against a slow, obvious version built on `text.tokenize`, and the laws of every vectorizer."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whybuy.errors import ArtifactError, InputError
from whybuy.text import tokenize
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer

SHOP = [
    "Women's slip-resistant work shoes, size 8.5",
    "Steel toe boots 2.5 in. heel",
    "steel wool pads",
    "Café chairs (set of 2) – weiß",
    "",
    "steel steel steel boots",
]
CONFIGS = [
    NgramConfig(),
    NgramConfig(words=1, characters=0),
    NgramConfig(words=0, characters=4),
    NgramConfig(words=5, characters=2),
]
odd_texts = st.text() | st.text(alphabet="abSsßÉｆ5５٣²2.,'`’ -_#\x00\n° \u0301", max_size=30)


def slow_ngrams(text: str, config: NgramConfig) -> Iterator[tuple[int, str]]:
    """Each n-gram as its set and its name."""
    words = tokenize(text)
    for length in range(1, config.words + 1):
        for start in range(len(words) - length + 1):
            yield length, '"' + " ".join(words[start : start + length]) + '"'
    for marked in [f"#{word}#" for word in words] if config.characters else []:
        runs = [marked[at : at + config.characters] for at in range(len(marked) - config.characters + 1)] or [marked]
        for run in runs:
            before, after = "" if run[0] == "#" else "-", "" if run[-1] == "#" else "-"
            yield 0, before + run.replace("#", "") + after


def slow_weights(fitted_on: Sequence[str], text: str, config: NgramConfig) -> dict[str, float]:
    """TF-IDF by name, as the class docstring defines it."""
    found_in = Counter(ngram for one in fitted_on for ngram in set(slow_ngrams(one, config)))
    known = [ngram for ngram in slow_ngrams(text, config) if ngram in found_in]
    weights = {
        ngram: count * (math.log((1 + len(fitted_on)) / (1 + found_in[ngram])) + 1)
        for ngram, count in Counter(known).items()
    }
    norms = Counter[int]()
    for (of_set, _), weight in weights.items():
        norms[of_set] += weight**2  # type: ignore[assignment] # a sum of squares by set
    sets = len(norms)
    return {name: weight / math.sqrt(norms[of_set] * sets) for (of_set, name), weight in weights.items()}


def named_weights(vectorizer: NgramVectorizer, text: str) -> dict[str, float]:
    names = vectorizer.names(text)
    columns, weights = vectorizer.vector(text)
    assert sorted(names) == columns.tolist()
    return {names[column]: weight for column, weight in zip(columns.tolist(), weights.tolist(), strict=True)}


@pytest.mark.parametrize("config", CONFIGS)
@settings(deadline=None)
@given(texts=st.lists(odd_texts, max_size=5), text=odd_texts)
def test_weights_equal_those_of_the_slow_version(config: NgramConfig, texts: list[str], text: str) -> None:
    fitted_on = [*texts, *SHOP]
    vectorizer = NgramVectorizer.fit(fitted_on, config)
    for asked in [text, *texts, text + SHOP[0]]:
        assert named_weights(vectorizer, asked) == pytest.approx(slow_weights(fitted_on, asked, config), rel=1e-5)


@settings(deadline=None)
@given(texts=st.lists(odd_texts, max_size=5))
def test_every_known_ngram_of_the_fitted_texts_is_a_feature(texts: list[str]) -> None:
    ngrams = {ngram for text in texts for ngram in slow_ngrams(text, NgramConfig())}
    assert NgramVectorizer.fit(texts).features == len(ngrams)


@pytest.mark.parametrize("config", [NgramConfig(), NgramConfig(hash_bits=10)])
@settings(deadline=None)
@given(texts=st.lists(odd_texts, max_size=8))
def test_a_row_of_a_batch_is_the_vector_of_its_text(config: NgramConfig, texts: list[str]) -> None:
    vectorizer = NgramVectorizer.fit(SHOP, config)
    rows = vectorizer.transform(texts, threads=2)
    assert rows.shape == (len(texts), vectorizer.features)
    assert (rows.dtype, rows.indices.dtype) == (np.float32, np.int32)
    for row, text in enumerate(texts):
        columns, weights = vectorizer.vector(text)
        assert np.all(np.diff(columns) > 0)
        assert float(weights @ weights) == pytest.approx(1.0 if len(columns) else 0.0, rel=1e-5)
        np.testing.assert_array_equal(rows[[row]].indices, columns)
        np.testing.assert_array_equal(rows[[row]].data, weights)


def test_arrow_columns_lists_and_threads_give_the_same() -> None:
    texts = [f"{text} {number}" for number in range(8_000) for text in SHOP]  # more than one block
    expected = NgramVectorizer.fit(texts)
    rows = expected.transform(texts)
    column = pa.chunked_array([pa.array(["unseen", *texts[:70]]).slice(1), pa.array(texts[70:])])
    for source in [column, column.cast(pa.large_string())]:
        vectorizer = NgramVectorizer.fit(source, threads=2)
        assert vectorizer.features == expected.features
        assert (vectorizer.transform(source, threads=2) != rows).nnz == 0


def test_a_null_is_an_empty_text() -> None:
    rows = NgramVectorizer.fit(SHOP).transform(pa.array(["steel", None, ""]))
    assert np.diff(rows.indptr).astype(bool).tolist() == [True, False, False]


def test_no_texts_give_no_features() -> None:
    vectorizer = NgramVectorizer.fit([])
    assert vectorizer.features == 0
    assert vectorizer.transform(["steel"]).nnz == 0
    assert vectorizer.names("steel") == {}


def test_unknown_ngrams_are_left_out() -> None:
    vectorizer = NgramVectorizer.fit(["steel toe"], NgramConfig(characters=0))
    assert named_weights(vectorizer, "steel boots toe").keys() == {'"steel"', '"toe"'}


def test_names_can_be_read() -> None:
    names = NgramVectorizer.fit(SHOP).names("Steel-toe")
    assert set(names.values()) == set('"steel"|"steel toe"|"toe"|st-|-ste-|-tee-|-eel-|-el|to-|-toe-|-oe'.split("|"))


def test_rare_ngrams_are_left_out() -> None:
    vectorizer = NgramVectorizer.fit(SHOP, NgramConfig(words=2, characters=0, least_texts=2))
    assert set(vectorizer.names(" ".join(SHOP)).values()) == {'"steel"', '"boots"'}


def test_the_most_frequent_of_each_set_stay() -> None:
    texts = ["steel toe boots", "steel toe", "steel"]
    vectorizer = NgramVectorizer.fit(texts, NgramConfig(words=2, characters=0, most_features=1))
    assert set(vectorizer.names("steel toe boots").values()) == {'"steel"', '"steel toe"'}


@pytest.mark.parametrize("config", [NgramConfig(words=0, characters=4), NgramConfig(characters=0)])
def test_hashes_are_spread_evenly(config: NgramConfig) -> None:
    texts = [f"product {number} of series {number % 977}" for number in range(2_000)]
    columns = NgramVectorizer.fit(texts, replace(config, hash_bits=22)).transform(texts).indices
    counts = np.histogram(np.unique(columns), bins=8, range=(0, 1 << 22))[0]
    assert np.ptp(counts) < 6 * math.sqrt(counts.mean())


# ---------------------------------------------------------------- hashing
def test_hashed_columns_add_up_what_meets_in_them() -> None:
    """The column among 2**8 is that among 2**20 without its lowest 12 bits; there, none meet."""
    wide = NgramVectorizer.fit(SHOP, NgramConfig(hash_bits=20))
    narrow = NgramVectorizer.fit(SHOP, NgramConfig(hash_bits=8))
    column_of = {name: column >> 12 for text in SHOP for column, name in wide.names(text).items()}
    found_in = Counter(
        column for text in SHOP for column in {column_of[name] for _, name in slow_ngrams(text, NgramConfig())}
    )
    text = SHOP[0]
    weights = {
        (of_set, name): count * (math.log((1 + len(SHOP)) / (1 + found_in[column_of[name]])) + 1)
        for (of_set, name), count in Counter(slow_ngrams(text, NgramConfig())).items()
    }
    expected = np.zeros(256)
    for (of_set, name), weight in weights.items():
        norm = math.hypot(*(other for (other_set, _), other in weights.items() if other_set == of_set))
        expected[column_of[name]] += weight / norm
    assert len(set(column_of.values())) < len(column_of)  # some do meet
    row = narrow.transform([text]).toarray()[0]
    np.testing.assert_allclose(row, expected / np.linalg.norm(expected), rtol=1e-5)
    assert narrow.features == 256
    assert any(" or " in name for name in narrow.names(" ".join(SHOP)).values())


def test_hashing_knows_ngrams_that_it_never_saw() -> None:
    vectorizer = NgramVectorizer.fit(SHOP, NgramConfig(hash_bits=20))
    assert '"umbrella"' in vectorizer.names("umbrella").values()
    assert len(vectorizer.vector("umbrella")[0]) == len(vectorizer.names("umbrella"))


# ---------------------------------------------------------------- folders
@pytest.mark.parametrize("config", [NgramConfig(words=2, least_texts=2), NgramConfig(hash_bits=12)])
def test_a_saved_vectorizer_comes_back_the_same(config: NgramConfig, tmp_path: Path) -> None:
    vectorizer = NgramVectorizer.fit(SHOP, config)
    vectorizer.save(tmp_path / "deep" / "model")
    loaded = NgramVectorizer.load(tmp_path / "deep" / "model")
    assert loaded.config == config
    assert loaded.features == vectorizer.features
    assert (loaded.transform(SHOP) != vectorizer.transform(SHOP)).nnz == 0
    assert loaded.names(SHOP[0]) == vectorizer.names(SHOP[0])


def test_an_empty_vocabulary_comes_back(tmp_path: Path) -> None:
    NgramVectorizer.fit([]).save(tmp_path)
    assert NgramVectorizer.load(tmp_path).features == 0


def test_loading_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no whole vectorizer: no .*vectorizer\.json"):
        NgramVectorizer.load(tmp_path)
    NgramVectorizer.fit(SHOP).save(tmp_path)
    about = tmp_path / "vectorizer.json"
    whole = about.read_text()
    about.write_text(whole.replace('"format_version": 1', '"format_version": 99'))
    with pytest.raises(ArtifactError, match="in format 99; this whybuy reads format 1"):
        NgramVectorizer.load(tmp_path)
    about.write_text("{")
    with pytest.raises(ArtifactError, match="is damaged"):
        NgramVectorizer.load(tmp_path)
    about.write_text(whole.replace('"words": 3', '"words": 77'))
    with pytest.raises(ArtifactError, match=r"is damaged \(NgramConfig.words is 77"):
        NgramVectorizer.load(tmp_path)
    about.write_text(whole)
    np.save(tmp_path / "idf.npy", np.ones(3, np.float32))
    with pytest.raises(ArtifactError, match=r"idf\.npy holds \(3,\) of float32; saved were"):
        NgramVectorizer.load(tmp_path)
    (tmp_path / "idf.npy").write_bytes(b"no array")
    with pytest.raises(ArtifactError, match="is damaged"):
        NgramVectorizer.load(tmp_path)
    (tmp_path / "idf.npy").unlink()
    with pytest.raises(ArtifactError, match=r"no .*idf\.npy"):
        NgramVectorizer.load(tmp_path)


# ---------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"words": 9}, "words is 9; allowed: 0 to 8"),
        ({"characters": 1}, "characters is 1; allowed: 0, or 2 to 8"),
        ({"hash_bits": 31}, "hash_bits is 31; allowed: 0, or 8 to 30"),
        ({"least_texts": 0}, "least_texts is 0; allowed: 1 and more"),
        ({"most_features": -1}, "most_features is -1; allowed: 0 and more"),
        ({"words": 0, "characters": 0}, "no features"),
        ({"hash_bits": 20, "least_texts": 2}, "hashing leaves no n-gram out"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        NgramConfig(**settings)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("steel toe", "came as one string, 'steel toe'"),
        (pa.array([1, 2]), "an Arrow column of int64"),
        ([1, 2], "must be strings of valid Unicode"),
        (["\ud800"], "must be strings of valid Unicode"),
    ],
)
def test_what_are_no_texts_is_refused(texts: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        NgramVectorizer.fit(texts)


def test_a_vectorizer_is_saved_over_the_folder_that_it_was_opened_from(tmp_path: Path) -> None:
    NgramVectorizer.fit(SHOP).save(tmp_path)
    opened = NgramVectorizer.load(tmp_path)
    before = opened.vector("steel boots")[1].tolist()
    opened.save(tmp_path)
    assert opened.vector("steel boots")[1].tolist() == before
    assert NgramVectorizer.load(tmp_path).vector("steel boots")[1].tolist() == before
