"""The interface of text encoders, and how a saved model stores and reopens the encoder that it was trained with."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import write_json
from whybuy.errors import ArtifactError
from whybuy.language.catalog_encoder import CatalogEncoder
from whybuy.language.transformer_encoder import TransformerEncoder

_ABOUT = "encoder.json"


class Encoder(Protocol):
    """Turns texts into vectors whose dot products are the similarity of their meanings, in [-1, 1]."""

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns: shape (texts, dimensions), rows of norm 1, or of 0 where nothing is known of a text."""
        ...


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


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write a folder for `open_encoder`: a fitted encoder itself; of a pretrained one only its folder or hub name."""
    if isinstance(encoder, CachingEncoder):
        save_encoder(encoder.encoder, folder)
        return
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(encoder, TransformerEncoder):
        write_json(folder / _ABOUT, {"kind": "transformer", "model": encoder.model})
    elif isinstance(encoder, CatalogEncoder):
        encoder.save(folder)
        write_json(folder / _ABOUT, {"kind": "catalog"})
    else:
        raise TypeError(f"{type(encoder).__name__} is neither a transformer nor fitted on a catalog.")


def open_encoder(folder: Path) -> Encoder:
    """The encoder that was saved.

    Raises:
        ArtifactError: the folder holds none, or its pretrained model is gone.
        MissingExtraError: it is a transformer, and torch is missing.
    """
    opening: Mapping[str, Callable[[], Encoder]] = {
        "transformer": lambda: TransformerEncoder(about["model"]),
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
