"""Sorted texts with weights: the heaviest that begin with a prefix, or nearly so."""

from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.completion.best_first import Weights, best_first, index_weights
from whybuy.completion.sorted_texts import SortedTexts, have_words, narrow, nearly, shared, sort_texts

FIRM = 1  # letters at the start that are never mistyped


class PrefixIndex:
    """Sorted texts, each a way to a row; several may lead to one."""

    def __init__(self, texts: SortedTexts, rows: NDArray[np.int32], weights: Weights) -> None:
        """rows: shape (texts,). weights: of the texts."""
        self._texts, self._rows, self._weights = texts, rows, weights
        self._encode = texts.encoder()

    @classmethod
    def build(cls, texts: Sequence[str], rows: NDArray[np.integer], weights: NDArray[np.float32]) -> Self:
        """texts: sorted. rows: where each leads. weights: by row."""
        return cls(sort_texts(texts), rows.astype(np.int32), index_weights(weights[rows]))

    def encode(self, text: str) -> NDArray[np.uint16]:
        """A text in the codes of this index, one for each letter."""
        return self._encode(text)

    def span(self, prefix: str | NDArray[np.uint16]) -> tuple[int, int]:
        """The texts that begin with a prefix: from which up to which. prefix: a text or its codes."""
        codes = self._encode(prefix) if isinstance(prefix, str) else prefix
        return narrow(self._texts, 0, len(self._rows), 0, codes, 0)

    def row(self, text: str | NDArray[np.uint16]) -> int | None:
        """Where the text itself leads, None when it is not there. text: a text or its codes."""
        low, high = self.span(text)
        starts = self._texts.starts
        return int(self._rows[low]) if low < high and starts[low + 1] - starts[low] == len(text) else None

    def heaviest(self, span: tuple[int, int], limit: int) -> list[int]:
        """The heaviest rows of the texts of a span, heaviest first."""
        return self._best(np.array([span], np.int64), limit)

    def beginning(self, prefix: str, limit: int) -> list[int]:
        """The heaviest rows of texts that begin with a prefix, heaviest first."""
        return self.heaviest(self.span(prefix), limit)

    def nearly_beginning(self, prefix: str, limit: int) -> list[int]:
        """The same where one letter of the prefix is wrong."""
        return self._best(nearly(self._texts, self._encode(prefix), FIRM), limit)

    def having(self, words: NDArray[np.uint16], rows: Sequence[int], *, begun: bool) -> Iterator[int]:
        """Those of some rows that have all of some words, where text t leads to row t. words: codes, a space between.

        begun: whether the last word is still being typed.
        """
        space, among = int(self._encode(" ")[0]), np.array(rows, np.int32)
        return compress(rows, have_words(self._texts, among, words, space, begun).tolist())

    def known(self, prefix: str) -> str:
        """As much of a prefix as some text begins with."""
        return prefix[: shared(self._texts, self._encode(prefix))]

    def leave_out(self, blocked: NDArray[np.bool_]) -> None:
        """Find some rows no more. blocked: by row."""
        self._weights = index_weights(np.where(blocked[self._rows], -np.inf, self._weights.weights))

    def weight(self, row: int) -> float:
        """The weight of a row, where text t leads to row t."""
        return float(self._weights.weights[row])

    def weights(self, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """The same of several rows; -inf of those left out."""
        return self._weights.weights[rows]

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """What `of` needs, each array named for this index."""
        parts = {**self._texts._asdict(), "rows": self._rows, **self._weights._asdict()}
        return {f"{name}_{part}": array for part, array in parts.items()}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], name: str) -> Self:
        """The index that `arrays` took apart."""
        texts, weights = (tuple(arrays[f"{name}_{part}"] for part in kind._fields) for kind in (SortedTexts, Weights))
        return cls(SortedTexts(*texts), arrays[f"{name}_rows"], Weights(*weights))

    def _best(self, spans: NDArray[np.int64], limit: int) -> list[int]:
        found: list[int] = self._rows[best_first(self._weights, spans, limit)].tolist()
        return found
