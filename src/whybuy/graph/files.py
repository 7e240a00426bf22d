"""The graph's files: Parquet as truth, and beside it arrays and Arrow tables that are memory-mapped online."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

KIND = "graph"
FORMAT_VERSION = 1
INTENT = "intent"  # the kind of tail nodes, beside the `HeadKind` values

NODE_SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),  # a `HeadKind` value or "intent"
        pa.field("key", pa.list_(pa.string()), nullable=False),  # of an intent: its canonical words
        pa.field("label", pa.string(), nullable=False),  # of an intent: its most frequent wording
    ]
)
SOURCE_TYPE = pa.list_(
    pa.struct(
        [
            ("generator", pa.string()),
            ("support", pa.int64()),
            ("evidence", pa.list_(pa.string())),
            ("words", pa.list_(pa.string())),
        ]
    )
)
EDGE_SCHEMA = pa.schema(
    [
        pa.field("head", pa.int32(), nullable=False),  # row in nodes
        pa.field("relation", pa.string(), nullable=False),
        pa.field("tail", pa.int32(), nullable=False),  # row in nodes
        pa.field("plausibility", pa.float32(), nullable=False),
        pa.field("typicality", pa.float32(), nullable=False),
        pa.field("lift", pa.float32(), nullable=False),
        pa.field("support", pa.int64(), nullable=False),
        pa.field("scored_by", pa.string(), nullable=False),  # "statistics" until a critic has judged
        pa.field("sources", SOURCE_TYPE, nullable=False),
    ]
)
SEPARATOR = "\x1f"


def key_hash(kind: str, key: Iterable[str]) -> int:
    """The 64-bit number under which a node is looked up."""
    joined = SEPARATOR.join([kind, *key]).encode()
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8).digest(), "little")


def write_table(table: pa.Table, folder: Path, name: str) -> None:
    """Write one table twice: `name.parquet` to keep and exchange, `name.arrow` to memory-map."""
    pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
    with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())


def map_table(folder: Path, name: str) -> pa.Table:
    """A table of `write_table`, memory-mapped."""
    return pa.ipc.open_file(pa.memory_map(str(folder / f"{name}.arrow"))).read_all()


def map_array(folder: Path, name: str) -> NDArray[np.generic]:
    """An array of the folder, memory-mapped."""
    array: NDArray[np.generic] = np.load(folder / f"{name}.npy", mmap_mode="r")
    return array
