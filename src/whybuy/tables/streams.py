"""Bytes of files, plain or compressed, and their text."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from whybuy.errors import InputError

BLOCK_BYTES = 8 << 20  # of text read at once
_HEAD = 64 << 10
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """The content of a file, decompressed; UTF-16 comes as UTF-8, a byte order mark is dropped.

    Raises:
        InputError: the file is missing, empty, truncated, or an office document.
    """
    try:
        with path.open("rb") as raw:
            yield _without_mark(path, _decompressed(path, raw))
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(f"{path} cannot be read: {error.strerror}. Correct its path where you name it.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile, OSError) as error:
        raise InputError(
            f"{path} is truncated or damaged: its compressed content ends too early ({error}). Copy it again."
        ) from error


def read_head(path: Path) -> bytes:
    """The first bytes of a file, decompressed.

    Raises:
        InputError: as `open_bytes`; also when the content is empty or binary.
    """
    with open_bytes(path) as stream:
        head = stream.read(_HEAD)
    if not head.strip():
        raise InputError(f"{path} is empty. Export it again, or take it out of store.toml.")
    if b"\0" in head and not head.startswith(b"PAR1"):
        raise InputError(
            f"{path} is binary, which cannot be read as a table. Allowed: CSV, TSV, JSON, JSONL and Parquet, "
            "plain, .gz or .zst. Export it as one of these."
        )
    return head


def is_compressed(path: Path) -> bool:
    """Whether the file is gzip or Zstandard, by its first bytes."""
    with path.open("rb") as raw:
        return raw.read(4).startswith((_GZIP, _ZSTD))


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The content in pieces of about `BLOCK_BYTES` that end where a line ends."""
    while lines := stream.readlines(BLOCK_BYTES):
        yield b"".join(lines)


def to_text(content: bytes) -> tuple[str, bool]:
    """Text of bytes, and whether some were no UTF-8 and were read as Windows-1252."""
    try:
        return content.decode("utf-8"), False
    except UnicodeDecodeError:
        text = content.decode("utf-8", errors="surrogateescape")
        return text.translate(_WINDOWS), True


_WINDOWS = {
    0xDC00 + byte: bytes([byte]).decode("cp1252", errors="replace").replace("\ufffd", chr(byte))
    for byte in range(0x80, 0x100)
}


def _decompressed(path: Path, raw: BinaryIO) -> BinaryIO:
    magic = raw.read(4)
    raw.seek(0)
    if magic.startswith(_ZIP):
        raise InputError(f"{path} is a zip archive or an office workbook. Unpack it, or save the sheet as CSV.")
    if magic.startswith(_GZIP):
        return cast(BinaryIO, io.BufferedReader(gzip.GzipFile(fileobj=raw), BLOCK_BYTES))
    if magic.startswith(_ZSTD):
        return cast(BinaryIO, io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(raw), "zstd"), BLOCK_BYTES))
    return raw


def _without_mark(path: Path, stream: BinaryIO) -> BinaryIO:
    mark = cast(io.BufferedReader, stream).peek(3)[:3]
    if mark.startswith(_UTF16):
        return _utf16_as_utf8(path, stream.read())
    if mark == b"\xef\xbb\xbf":
        stream.read(3)
    return stream


def _utf16_as_utf8(path: Path, content: bytes) -> BinaryIO:
    try:
        return io.BytesIO(content.decode("utf-16").encode())
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} begins as UTF-16, but is truncated or damaged at byte {error.start} of {len(content)} "
            f"({error.reason}). Copy it again, or export it as UTF-8."
        ) from error
