"""The interface of text encoders, and how a saved model stores and reopens the encoder that it was trained with."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder, digest, write_json
from whybuy.errors import ArtifactError
from whybuy.language.catalog_encoder import CatalogEncoder
from whybuy.language.onnx_encoder import OnnxEncoder, has_onnx
from whybuy.language.transformer_encoder import TransformerEncoder

_ABOUT = "encoder.json"
_Read = TypeVar("_Read", str, tuple[str, str])
_KEPT = ArrayFolder("text vectors", 1, "vectors.json", made_by="whybuy evaluate relevance")


class Encoder(Protocol):
    """Turns texts into vectors whose dot products are the similarity of their meanings, in [-1, 1]."""

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns: shape (texts, dimensions), rows of norm 1, or of 0 where nothing is known of a text."""
        ...


class PairEncoder(Encoder, Protocol):
    """An encoder that can read two texts together, each word in view of both."""

    def together(self, first: Sequence[str], second: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The vector of each first and of each second text beside the other one of its pair.

        Returns: two of shape (pairs, dimensions), rows of norm 1, or of 0 for an empty text.
        """
        ...


def reads_pairs(encoder: Encoder) -> TypeGuard[PairEncoder]:
    """Whether an encoder can read two texts together."""
    return hasattr(encoder, "together")


class CachingEncoder:
    """An encoder that encodes each text once."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self.encoder(new) if new else (), strict=True))
        return np.array([self._known[text] for text in texts], np.float32)


class KeepingEncoder:
    """An encoder that keeps what it made of each text or pair in a folder, so that a stopped run goes on."""

    def __init__(self, encoder: PairEncoder, folder: Path, *, at_once: int = 512) -> None:
        """folder: of this encoder alone; it is made when missing. at_once: texts encoded before they are kept."""
        self.encoder, self._folder, self._at_once = encoder, folder, at_once
        self._known: dict[str, NDArray[np.float32]] = {}
        for part in sorted(folder.glob("part-*")):
            self._read(part)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        return self._kept(texts, digest, self.encoder)

    def together(self, first: Sequence[str], second: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `PairEncoder`."""
        pairs = list(zip(first, second, strict=True))
        both = self._kept(pairs, lambda pair: digest(*pair), self._side_by_side)
        one, other = np.hsplit(both.reshape(len(pairs), -1), 2) if pairs else (both, both)
        return one, other

    def _side_by_side(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        return np.hstack(self.encoder.together([one for one, _ in pairs], [other for _, other in pairs]))

    def _kept(
        self, read: Sequence[_Read], name: Callable[[_Read], str], encode: Callable[[list[_Read]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        names = {one: name(one) for one in read}
        new = [one for one, name_of in names.items() if name_of not in self._known]
        for start in range(0, len(new), self._at_once):
            some = new[start : start + self._at_once]
            self._keep([names[one] for one in some], encode(some))
        return np.array([self._known[names[one]] for one in read], np.float32)

    def _keep(self, names: list[str], vectors: NDArray[np.float32]) -> None:
        part = self._folder / f"part-{digest(*names)}"  # two processes that write the same one write the same
        _KEPT.save(part, {"names": np.array(names, "S16"), "vectors": vectors})
        self._known.update(zip(names, vectors, strict=True))

    def _read(self, part: Path) -> None:
        try:
            arrays, _ = _KEPT.load(part)
        except ArtifactError:  # a run was stopped while it wrote this part; it is written again
            return
        self._known.update(zip(arrays["names"].astype(str).tolist(), arrays["vectors"], strict=True))


def open_pretrained_encoder(model: str) -> PairEncoder:
    """The encoder of a folder or a name on the hub: ONNX where the folder has a `.onnx` file, else a transformer.

    Raises:
        MissingExtraError: a package that it needs is missing.
        InputError: there is no such model.
    """
    return OnnxEncoder(model) if has_onnx(Path(model)) else TransformerEncoder(model)


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write a folder for `open_encoder`: a fitted encoder itself; of a pretrained one only its folder or hub name."""
    if isinstance(encoder, CachingEncoder | KeepingEncoder):
        save_encoder(encoder.encoder, folder)
        return
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(encoder, TransformerEncoder | OnnxEncoder):
        kind = "transformer" if isinstance(encoder, TransformerEncoder) else "onnx"
        write_json(folder / _ABOUT, {"kind": kind, "model": encoder.model})
    elif isinstance(encoder, CatalogEncoder):
        encoder.save(folder)
        write_json(folder / _ABOUT, {"kind": "catalog"})
    else:
        raise TypeError(f"{type(encoder).__name__} is neither a transformer nor ONNX nor fitted on a catalog.")


def open_encoder(folder: Path) -> Encoder:
    """The encoder that was saved.

    Raises:
        ArtifactError: the folder holds none, or its pretrained model is gone.
        MissingExtraError: it is a transformer, and torch is missing, or of ONNX, and its runtime is.
    """
    opening: Mapping[str, Callable[[], Encoder]] = {
        "transformer": lambda: TransformerEncoder(about["model"]),
        "onnx": lambda: OnnxEncoder(about["model"]),
        "catalog": lambda: CatalogEncoder.load(folder),
    }
    try:
        about = json.loads((folder / _ABOUT).read_text())
        return opening[about["kind"]]()
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(
            f"{folder} holds no encoder that can be opened ({error}). Train its model again."
        ) from error


def encode_distinct(encoder: Encoder, *columns: Sequence[str]) -> list[NDArray[np.float32]]:
    """The vectors of several columns of texts, each text encoded once. Returns: shape (rows, dimensions) by column."""
    distinct = {text: None for column in columns for text in column}
    number = {text: place for place, text in enumerate(distinct)}
    vectors = encoder(list(distinct))
    return [vectors[[number[text] for text in column]] for column in columns]
