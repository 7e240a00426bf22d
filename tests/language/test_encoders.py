"""What every encoder promises, on each kind of them; and what each kind alone does."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tiny_transformer import DIMENSIONS, write_tiny_transformer
from whybuy.errors import ArtifactError
from whybuy.language.catalog_encoder import CatalogEncoder
from whybuy.language.encoder import CachingEncoder, Encoder, encode_distinct, open_encoder, save_encoder
from whybuy.language.transformer_encoder import BATCH, TransformerEncoder

TEXTS = [
    "slip-on shoe for pregnant women",
    "slip-resistant shoe, size 7",
    "winter camping tent with stove jack",
    "tent for two, with poles",
    "stove for winter camping",
    "shoe",
]


@pytest.fixture(scope="module", params=["catalog", "transformer", "caching"])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    if request.param == "transformer":
        return TransformerEncoder(str(write_tiny_transformer(tmp_path_factory.mktemp("model"), TEXTS)))
    fitted = CatalogEncoder.fit(TEXTS)
    return CachingEncoder(fitted) if request.param == "caching" else fitted


def test_vectors_have_norm_one_and_do_not_depend_on_their_company(encoder: Encoder) -> None:
    vectors = encoder(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_allclose(encoder([text])[0], vector, atol=1e-5)
    np.testing.assert_allclose(encoder([*TEXTS, *TEXTS])[len(TEXTS) :], vectors, atol=1e-5)


@pytest.mark.parametrize("text", ["", "   ", "zzyx", "women " * 2000, "\x00", "鞋"])
def test_any_text_has_a_vector(encoder: Encoder, text: str) -> None:
    vector = encoder([text, "shoe"])
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector[0]) <= 1 + 1e-5


def test_a_saved_encoder_gives_the_same(encoder: Encoder, tmp_path: Path) -> None:
    save_encoder(encoder, tmp_path / "encoder")
    np.testing.assert_array_equal(open_encoder(tmp_path / "encoder")(TEXTS), encoder(TEXTS))


def test_columns_are_encoded_text_by_text(encoder: Encoder) -> None:
    heads, reasons = encode_distinct(encoder, [TEXTS[0], TEXTS[0]], [TEXTS[2], TEXTS[0]])
    np.testing.assert_array_equal(heads[0], heads[1])
    np.testing.assert_array_equal(heads[0], reasons[1])


def test_each_text_is_encoded_once() -> None:
    asked: list[str] = []

    def counting(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        return np.array([[float(len(text))] for text in texts], np.float32)

    caching = CachingEncoder(counting)
    assert caching(["a", "bb", "a"]).tolist() == [[1], [2], [1]]
    assert caching(["bb", "ccc"]).tolist() == [[2], [3]]
    assert asked == ["a", "bb", "ccc"]


def test_words_that_stand_in_the_same_texts_are_alike() -> None:
    encoder = CatalogEncoder.fit(TEXTS * 3, dimensions=3)
    near, far = (
        encoder(["camping tent", "camping stove", "pregnant women"])[0] @ encoder(["camping stove", "pregnant women"]).T
    )
    assert near > far


@pytest.mark.parametrize("texts", [["shoe"], ["", ""], []])
def test_few_texts_give_few_dimensions(texts: list[str]) -> None:
    assert CatalogEncoder.fit(texts)(["shoe"]).shape[0] == 1


def test_a_batch_of_different_lengths_is_that_of_single_texts(tmp_path: Path) -> None:
    encoder = TransformerEncoder(str(write_tiny_transformer(tmp_path, TEXTS)))
    many = [" ".join(TEXTS[: 1 + number % len(TEXTS)]) for number in range(BATCH + 5)]
    vectors = encoder(many)
    assert vectors.shape == (BATCH + 5, DIMENSIONS)
    np.testing.assert_allclose(vectors[7], encoder([many[7]])[0], atol=1e-5)


@pytest.mark.parametrize("about", [None, "{", "{}", json.dumps({"kind": "oracle"})])
def test_a_damaged_folder_is_no_encoder(tmp_path: Path, about: str | None) -> None:
    if about is not None:
        (tmp_path / "encoder.json").write_text(about)
    with pytest.raises(ArtifactError, match=r"holds no encoder that can be opened .* Train its model again"):
        open_encoder(tmp_path)


def test_an_encoder_of_no_known_kind_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="function is neither a transformer nor fitted"):
        save_encoder(lambda texts: np.zeros((len(texts), 1), np.float32), tmp_path)
