"""A pretrained encoder in ONNX, without torch: the mean of its token vectors (Reimers & Gurevych 2019)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.language.pretrained import batches_by_length, require, sides_of
from whybuy.vectors.unit import unit_vectors

LONGEST = 256  # tokens; of longer texts, the first
BATCH = 64
_TOKENIZER = "tokenizer.json"
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def has_onnx(folder: Path) -> bool:
    """Whether a folder, or its folder `onnx`, holds an ONNX model."""
    return folder.is_dir() and bool(_models(folder))


class OnnxEncoder:
    """A folder with `tokenizer.json` and a `.onnx` file that gives a vector for each token."""

    def __init__(self, model: str) -> None:
        """model: the folder; of several `.onnx` files in it or in its folder `onnx`, `model.onnx`, else the first.

        Raises:
            MissingExtraError: onnxruntime or tokenizers is missing.
            InputError: there is no such model, its files are damaged, or it is no text encoder.
        """
        require("onnxruntime", "tokenizers", asker=f"The encoder {model}", extra="onnx")
        import onnxruntime  # noqa: PLC0415 - an extra
        from tokenizers import Tokenizer  # noqa: PLC0415

        self.model = model
        folder = Path(model)
        found = _models(folder)
        if not found or not (folder / _TOKENIZER).is_file():
            raise InputError(
                f"There is no encoder {model!r} to open: it needs {_TOKENIZER} and a .onnx file. Give a folder that "
                "has both."
            )
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(folder / _TOKENIZER))
            self._session: Any = onnxruntime.InferenceSession(str(found[0]), providers=["CPUExecutionProvider"])
        except Exception as error:
            raise InputError(
                f"The encoder {model!r} cannot be opened: {str(error).splitlines()[0]} Get its files anew."
            ) from error
        self._names = [each.name for each in self._session.get_inputs()]
        if unknown := [name for name in self._names if name not in _INPUTS]:
            raise InputError(
                f"{found[0]} asks for {', '.join(unknown)}; a text encoder asks for {', '.join(_INPUTS)}. Give another."
            )
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.enable_padding()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        vectors: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(texts)
        for rows in batches_by_length(texts, BATCH):
            tokens = self._tokenizer.encode_batch([texts[row] for row in rows])
            means = _means(self._states(tokens), np.array([each.attention_mask for each in tokens]))
            for row, vector in zip(rows, means, strict=True):
                vectors[row] = vector
        return np.array(vectors, np.float32)

    def together(self, first: Sequence[str], second: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `PairEncoder`."""
        ours: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(first)
        theirs = list(ours)
        whole = [" ".join(both) for both in zip(first, second, strict=True)]
        for rows in batches_by_length(whole, BATCH):
            tokens = self._tokenizer.encode_batch([(first[row], second[row]) for row in rows])
            states, side = self._states(tokens), sides_of([each.sequence_ids for each in tokens])
            for row, one, other in zip(rows, _means(states, side == 0), _means(states, side == 1), strict=True):
                ours[row], theirs[row] = one, other
        return np.array(ours, np.float32), np.array(theirs, np.float32)

    def _states(self, tokens: Sequence[Any]) -> NDArray[np.float32]:
        """The vector of each token. Shape (texts, tokens, dimensions)."""
        named = {
            "input_ids": [each.ids for each in tokens],
            "attention_mask": [each.attention_mask for each in tokens],
            "token_type_ids": [each.type_ids for each in tokens],
        }
        asked = {name: np.array(named[name], np.int64) for name in self._names}
        return np.asarray(self._session.run(None, asked)[0], np.float32)


def _means(states: NDArray[np.float32], counted: NDArray[np.bool_] | NDArray[np.int64]) -> NDArray[np.float32]:
    """Of the counted tokens of each text, with norm 1. counted: shape (texts, tokens)."""
    return unit_vectors((states * counted[..., None]).sum(axis=1) / np.maximum(counted.sum(axis=1, keepdims=True), 1))


def _models(folder: Path) -> list[Path]:
    """The ONNX files, `model.onnx` first."""
    found = sorted([*folder.glob("*.onnx"), *folder.glob("onnx/*.onnx")])
    return sorted(found, key=lambda path: path.name != "model.onnx")
