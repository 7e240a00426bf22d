"""A tiny ONNX encoder, written byte by byte: each token is a row of a table (the format is ONNX's protobuf)."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tiny_transformer import write_tokenizer

DIMENSIONS = 16
_FLOAT, _INT64 = 1, 7


def write_tiny_onnx(folder: Path, texts: Sequence[str], *, asks_for: str = "attention_mask") -> Path:
    """Train a tokenizer on texts, save it beside a model that looks up tokens; `asks_for` is its second input."""
    size = write_tokenizer(folder, texts)
    table = np.random.default_rng(0).standard_normal((size, DIMENSIONS)).astype(np.float32)
    look_up = b"".join([_text(1, "table"), _text(1, "input_ids"), _text(2, "states"), _text(4, "Gather")])
    shape = _number(1, size) + _number(1, DIMENSIONS)
    weights = shape + _number(2, _FLOAT) + _text(8, "table") + _bytes(9, table.tobytes())
    inputs = [_bytes(11, _value(name, _INT64, ["texts", "tokens"])) for name in ("input_ids", asks_for)]
    output = _bytes(12, _value("states", _FLOAT, ["texts", "tokens", DIMENSIONS]))
    graph = b"".join([_bytes(1, look_up), _text(2, "encoder"), _bytes(5, weights), *inputs, output])
    model = _number(1, 8) + _bytes(8, _text(1, "") + _number(2, 13)) + _bytes(7, graph)
    (folder / "model.onnx").write_bytes(model)
    return folder


def _value(name: str, kind: int, dimensions: Sequence[str | int]) -> bytes:
    sizes = [_bytes(1, _number(1, each) if isinstance(each, int) else _text(2, each)) for each in dimensions]
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, b"".join(sizes))))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return struct.pack(f"{len(parts) + 1}B", *parts, value)
