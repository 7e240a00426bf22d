"""Relevance models on an encoder that stays as it is: a small head reads what it makes of query and product."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import ArtifactError, InputError
from whybuy.language.encoder import Encoder, encode_distinct, open_encoder, reads_pairs, save_encoder
from whybuy.records import RelevancePair
from whybuy.relevance.head import Head
from whybuy.relevance.model import MADE_BY, SAVED
from whybuy.relevance.wording import Wording, matches, sides

_ENCODER = "encoder"  # folder within that of a model


class Architecture(StrEnum):
    """How an encoder reads a pair (COSMO, Yu et al., SIGMOD 2024)."""

    BI_ENCODER = "bi_encoder"  # query and product apart
    CROSS_ENCODER = "cross_encoder"  # together, each word in view of both


@dataclass(frozen=True, slots=True)
class PairReading:
    """What the head is given of a pair."""

    architecture: Architecture
    wording: Wording

    def blocks(self, encoder: Encoder, pairs: Sequence[RelevancePair]) -> list[NDArray[np.float32]]:
        """The vectors of both sides, how far they differ, their products by dimension, and their cosine.

        As InferSent compares sentences (Conneau et al., EMNLP 2017). That a cross-encoder's states are averaged by
        side is our design: an average over both hides what they have in common.

        Returns: each of shape (pairs, its features); last, with the wording that says so, `matches`.

        Raises:
            InputError: a cross-encoder is asked of an encoder that reads single texts.
        """
        both = [sides(pair, self.wording) for pair in pairs]
        ours, theirs = [query for query, _ in both], [product for _, product in both]
        if self.architecture is Architecture.BI_ENCODER:
            query, product = encode_distinct(encoder, ours, theirs)
        elif reads_pairs(encoder):
            query, product = encoder.together(ours, theirs)
        else:
            raise InputError(
                f"A cross-encoder reads two texts together, which {type(encoder).__name__} does not. "
                "Give a transformer or an ONNX folder."
            )
        compared = query * product
        found = [query, product, np.abs(query - product), compared, compared.sum(axis=1, keepdims=True)]
        return [*found, matches(pairs)] if self.wording.matches else found


class FrozenModel:
    """An encoder that stays as it is, with a head that was fitted."""

    def __init__(self, encoder: Encoder, reading: PairReading, head: Head, classes: Sequence[str]) -> None:
        """classes: their names, the best answer first, in the order of the head's outputs."""
        self._encoder, self.reading, self._head = encoder, reading, head
        self._classes = tuple(classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """See `RelevanceModel`."""
        return self._classes

    def probabilities(self, pairs: Sequence[RelevancePair]) -> NDArray[np.float64]:
        """See `RelevanceModel`."""
        if not pairs:
            return np.zeros((0, len(self._classes)))
        return self._head(np.hstack(self.reading.blocks(self._encoder, pairs)))

    def save(self, folder: Path) -> None:
        """See `RelevanceModel`."""
        save_encoder(self._encoder, folder / _ENCODER)
        SAVED.save(folder, self._head.arrays(), kind="frozen", classes=self._classes, reading=asdict(self.reading))

    @classmethod
    def of(cls, folder: Path, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> Self:
        """The model of a folder that was read.

        Raises:
            ArtifactError: it is damaged, or its encoder is gone.
            MissingExtraError: its encoder needs a package that is missing.
        """
        try:
            said = facts["reading"]
            reading = PairReading(Architecture(said["architecture"]), Wording(**said["wording"]))
            return cls(open_encoder(folder / _ENCODER), reading, Head.of(arrays), facts["classes"])
        except (ArtifactError, InputError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"The relevance model in {folder} is damaged ({error}). Run `{MADE_BY}`.") from error
