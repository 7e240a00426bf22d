"""Sorted texts with weights: the heaviest that begin with a prefix, or nearly so."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.completion.best_first import Weights, best_first, index_weights
from whybuy.completion.sorted_texts import END, Alphabet, SortedTexts, beginning, nearly, shared, sort_texts
from whybuy.kernels import kernel
from whybuy.xmr.weights import read_only

FIRM = 1  # letters at the start that are never mistyped


class PrefixIndex:
    """Sorted texts, each a way to a row; several may lead to one. Prefixes come as codes, see `encode`."""

    def __init__(self, alphabet: Alphabet, texts: SortedTexts, rows: NDArray[np.int32], weights: Weights) -> None:
        """rows: shape (texts,). weights: of the texts."""
        self.alphabet, self.encode = alphabet, alphabet.encode
        codes, starts, firsts = read_only(texts.codes), read_only(texts.starts), read_only(texts.firsts)
        self.texts, self.rows, self.weights = SortedTexts(codes, starts, firsts), read_only(rows), _read_only(weights)

    @classmethod
    def build(
        cls,
        texts: Sequence[str],
        rows: NDArray[np.integer],
        weights: NDArray[np.float32],
        alphabet: Alphabet | None = None,
    ) -> Self:
        """texts: sorted. rows: where each leads. weights: by row. alphabet: of these texts and others."""
        alphabet = alphabet or Alphabet.of(texts)
        return cls(alphabet, sort_texts(texts, alphabet), rows.astype(np.int32), index_weights(weights[rows]))

    def span(self, prefix: NDArray[np.uint16]) -> tuple[int, int]:
        """The texts that begin with a prefix: from which up to which."""
        return _span(*self.texts, prefix)

    def row(self, text: NDArray[np.uint16]) -> int | None:
        """Where the text itself leads, None when it is not there."""
        low, high = self.span(text)
        codes, starts, _ = self.texts
        return int(self.rows[low]) if low < high and codes[starts[low] + len(text)] == END else None

    def heaviest(self, span: tuple[int, int], limit: int) -> NDArray[np.int32]:
        """The heaviest rows of the texts of a span, heaviest first."""
        return _heaviest(*self.weights, self.rows, *span, limit)

    def beginning(self, prefix: NDArray[np.uint16], limit: int) -> NDArray[np.int32]:
        """The heaviest rows of texts that begin with a prefix, heaviest first."""
        return self.heaviest(self.span(prefix), limit)

    def nearly_beginning(self, prefix: NDArray[np.uint16], limit: int) -> NDArray[np.int32]:
        """The same where one letter of the prefix is wrong."""
        return _nearly_beginning(*self.texts, *self.weights, self.rows, prefix, limit)

    def known(self, prefix: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """As much of a prefix as some text begins with."""
        return prefix[: shared(self.texts, prefix)]

    def leave_out(self, blocked: NDArray[np.bool_]) -> None:
        """Find some rows no more. blocked: by row."""
        self.weights = _read_only(index_weights(np.where(blocked[self.rows], -np.inf, self.weights.weights)))

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """What `of` needs, each array named for this index."""
        parts = {"letters": self.alphabet.letters, **self.texts._asdict(), "rows": self.rows, **self.weights._asdict()}
        return {f"{name}_{part}": array for part, array in parts.items()}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], name: str) -> Self:
        """The index that `arrays` took apart."""
        texts, weights = (tuple(arrays[f"{name}_{part}"] for part in kind._fields) for kind in (SortedTexts, Weights))
        alphabet, rows = Alphabet(arrays[f"{name}_letters"]), arrays[f"{name}_rows"]
        return cls(alphabet, SortedTexts(*texts), rows, Weights(*weights))


def _read_only(weights: Weights) -> Weights:
    return Weights(read_only(weights.weights), read_only(weights.best))


# Kernels take named tuples apart: within, they cost nothing, on the way in a microsecond for each array.
@kernel
def _span(
    codes: NDArray[np.uint16], starts: NDArray[np.int32], firsts: NDArray[np.int32], prefix: NDArray[np.uint16]
) -> tuple[int, int]:
    return beginning(SortedTexts(codes, starts, firsts), prefix)


@kernel
def _heaviest(
    weights: NDArray[np.float32], best: NDArray[np.int32], rows: NDArray[np.int32], low: int, high: int, limit: int
) -> NDArray[np.int32]:
    spans = np.array([[low, high]], np.int64)
    found: NDArray[np.int32] = rows[best_first(Weights(weights, best), spans, limit)]
    return found


@kernel
def _nearly_beginning(  # noqa: PLR0913, PLR0917 - see above
    codes: NDArray[np.uint16],
    starts: NDArray[np.int32],
    firsts: NDArray[np.int32],
    weights: NDArray[np.float32],
    best: NDArray[np.int32],
    rows: NDArray[np.int32],
    prefix: NDArray[np.uint16],
    limit: int,
) -> NDArray[np.int32]:
    spans = nearly(SortedTexts(codes, starts, firsts), prefix, FIRM)
    found: NDArray[np.int32] = rows[best_first(Weights(weights, best), spans, limit)]
    return found
