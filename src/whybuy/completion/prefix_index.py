"""An index of sorted, weighted texts: the heaviest that begin with a prefix, exactly or but for one typing error."""

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
    """Sorted texts, each with the row that it stands for; several may share a row. Prefixes are codes, see `encode`."""

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
        """Index texts. texts: sorted. rows: of the texts. weights: by row. alphabet: of at least these texts."""
        alphabet = alphabet or Alphabet.of(texts)
        return cls(alphabet, sort_texts(texts, alphabet), rows.astype(np.int32), index_weights(weights[rows]))

    def span(self, prefix: NDArray[np.uint16]) -> tuple[int, int]:
        """The texts that begin with a prefix: from the first up to the second number."""
        return _span(*self.texts, prefix)

    def row(self, text: NDArray[np.uint16]) -> int | None:
        """The row of a text, None when it is not in the index."""
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
        """The heaviest rows of texts that begin with a prefix but for one error; see `sorted_texts.nearly`."""
        return _nearly_beginning(*self.texts, *self.weights, self.rows, prefix, limit)

    def known(self, prefix: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """The longest part of a prefix, from its start, that some text begins with."""
        return prefix[: shared(self.texts, prefix)]

    def leave_out(self, blocked: NDArray[np.bool_]) -> None:
        """Never return some rows again. blocked: by row."""
        self.weights = _read_only(index_weights(np.where(blocked[self.rows], -np.inf, self.weights.weights)))

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The arrays of the index, from which `of` makes it again; their names begin with `name`."""
        parts = {"letters": self.alphabet.letters, **self.texts._asdict(), "rows": self.rows, **self.weights._asdict()}
        return {f"{name}_{part}": array for part, array in parts.items()}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], name: str) -> Self:
        """The index of some `arrays`."""
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
    heaviest: NDArray[np.int32] = rows[best_first(Weights(weights, best), spans, limit)]
    return heaviest


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
    heaviest: NDArray[np.int32] = rows[best_first(Weights(weights, best), spans, limit)]
    return heaviest
