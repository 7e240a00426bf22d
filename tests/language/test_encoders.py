"""What every encoder promises, on each kind of them; and what each kind alone does."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from extras import needs_onnx
from tiny_onnx import write_tiny_onnx
from tiny_transformer import DIMENSIONS, write_tiny_transformer
from whybuy.errors import ArtifactError, InputError, MissingExtraError
from whybuy.language import pretrained
from whybuy.language.catalog_encoder import CatalogEncoder
from whybuy.language.encoder import (
    CachingEncoder,
    Encoder,
    KeepingEncoder,
    encode_distinct,
    open_encoder,
    open_pretrained_encoder,
    reads_pairs,
    save_encoder,
)
from whybuy.language.onnx_encoder import OnnxEncoder
from whybuy.language.transformer_encoder import BATCH, TransformerEncoder

TEXTS = [
    "slip-on shoe for pregnant women",
    "slip-resistant shoe, size 7",
    "winter camping tent with stove jack",
    "tent for two, with poles",
    "stove for winter camping",
    "shoe",
]


@pytest.fixture(
    scope="module", params=["catalog", "transformer", "caching", "keeping", pytest.param("onnx", marks=needs_onnx)]
)
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    if request.param == "onnx":
        return OnnxEncoder(str(write_tiny_onnx(tmp_path_factory.mktemp("model"), TEXTS)))
    if request.param == "transformer":
        return TransformerEncoder(str(write_tiny_transformer(tmp_path_factory.mktemp("model"), TEXTS)))
    fitted = CatalogEncoder.fit(TEXTS)
    if request.param == "keeping":
        model = write_tiny_transformer(tmp_path_factory.mktemp("model"), TEXTS)
        return KeepingEncoder(TransformerEncoder(str(model)), tmp_path_factory.mktemp("kept"))
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


def test_two_texts_are_read_in_view_of_each_other(encoder: Encoder) -> None:
    if not reads_pairs(encoder):
        pytest.skip("this encoder reads single texts")
    ours, theirs = encoder.together([TEXTS[0], TEXTS[0], ""], [TEXTS[2], TEXTS[3], TEXTS[3]])
    assert ours.shape == theirs.shape == (3, encoder(TEXTS).shape[1])
    np.testing.assert_allclose(np.linalg.norm([*ours[:2], *theirs], axis=1), 1, rtol=1e-5)
    assert not ours[2].any()
    alone = encoder.together([TEXTS[0]], [TEXTS[3]])
    np.testing.assert_allclose(alone, [ours[1:2], theirs[1:2]], atol=1e-5)
    assert [side.shape[0] for side in encoder.together([], [])] == [0, 0]


def test_a_word_is_seen_in_view_of_the_other_text(tmp_path: Path) -> None:
    encoder = TransformerEncoder(str(write_tiny_transformer(tmp_path, TEXTS)))
    ours, _ = encoder.together([TEXTS[0], TEXTS[0]], [TEXTS[2], TEXTS[3]])
    assert np.abs(ours[0] - ours[1]).max() > 1e-4


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
    with pytest.raises(TypeError, match="function is neither a transformer nor ONNX nor fitted"):
        save_encoder(lambda texts: np.zeros((len(texts), 1), np.float32), tmp_path)


# ---------------------------------------------------------------- kept on disk
class Counting:
    """Encodes a text by its length, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One number each."""
        self.asked.extend(texts)
        return np.array([[float(len(text))] for text in texts], np.float32)

    def together(self, first: Sequence[str], second: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Both lengths."""
        return self(first), self(second)


def test_what_was_kept_is_not_encoded_again(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    KeepingEncoder(first, tmp_path, at_once=2)(["a", "bb", "ccc", "a"])
    assert KeepingEncoder(second, tmp_path, at_once=2)(["ccc", "dddd", "a"]).tolist() == [[3], [4], [1]]
    assert (first.asked, second.asked) == (["a", "bb", "ccc"], ["dddd"])


def test_what_was_kept_of_pairs_is_not_encoded_again(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    KeepingEncoder(first, tmp_path).together(["a", "bb"], ["ccc", "a"])
    ours, theirs = KeepingEncoder(second, tmp_path).together(["bb", "a", "a"], ["a", "ccc", "bb"])
    assert (ours.tolist(), theirs.tolist()) == ([[2], [1], [1]], [[1], [3], [2]])
    assert second.asked == ["a", "bb"]


def test_a_part_that_was_being_written_is_encoded_again(tmp_path: Path) -> None:
    KeepingEncoder(Counting(), tmp_path, at_once=1)(["a", "bb", "ccc"])
    part = next(each for each in tmp_path.iterdir() if np.load(each / "vectors.npy") == [[2]])
    (part / "vectors.json").unlink()
    again, last = Counting(), Counting()
    assert KeepingEncoder(again, tmp_path)(["a", "bb", "ccc"]).tolist() == [[1], [2], [3]]
    assert KeepingEncoder(last, tmp_path)(["bb"]).tolist() == [[2]]
    assert (again.asked, last.asked) == (["bb"], [])


# ---------------------------------------------------------------- ONNX
@needs_onnx
def test_a_folder_with_onnx_is_opened_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny_onnx(tmp_path, TEXTS)
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None if name == "torch" else object())
    encoder = open_pretrained_encoder(str(tmp_path))
    assert isinstance(encoder, OnnxEncoder)
    camping, shoes = encoder(["winter camping", "shoe"]) @ encoder(["winter camping tent"])[0]
    assert camping > shoes


def test_a_folder_without_onnx_is_opened_as_a_transformer(tmp_path: Path) -> None:
    assert isinstance(open_pretrained_encoder(str(write_tiny_transformer(tmp_path, TEXTS))), TransformerEncoder)


@needs_onnx
@pytest.mark.parametrize("missing", ["tokenizer.json", "model.onnx"])
def test_an_onnx_folder_that_lacks_a_file_is_named(tmp_path: Path, missing: str) -> None:
    write_tiny_onnx(tmp_path, TEXTS)
    (tmp_path / missing).unlink()
    with pytest.raises(InputError, match=r"no encoder '.*' to open: it needs tokenizer\.json and a \.onnx file"):
        OnnxEncoder(str(tmp_path))


@needs_onnx
def test_a_damaged_onnx_file_is_named(tmp_path: Path) -> None:
    write_tiny_onnx(tmp_path, TEXTS)
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(InputError, match=r"cannot be opened: .* Get its files anew"):
        OnnxEncoder(str(tmp_path))


@needs_onnx
def test_an_onnx_model_of_something_else_is_named(tmp_path: Path) -> None:
    write_tiny_onnx(tmp_path, TEXTS, asks_for="pixels")
    with pytest.raises(InputError, match=r"asks for pixels; a text encoder asks for input_ids, attention_mask"):
        OnnxEncoder(str(tmp_path))


def test_without_the_runtime_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None if name == "onnxruntime" else object())
    with pytest.raises(MissingExtraError, match=r"needs onnxruntime\. .*pip install 'whybuy\[onnx\]'"):
        OnnxEncoder(str(tmp_path))
