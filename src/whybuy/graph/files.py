"""The graph's files: Arrow tables and arrays, all memory-mapped, and small Parquet tables for reading."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.keys import SEPARATOR
from whybuy.records import CRITIC, READER, STATISTICS, HeadKind
from whybuy.relations import Relation

KIND = "graph"
FORMAT_VERSION = 4
INTENT = "intent"  # the kind of tail nodes, beside the `HeadKind` values

KINDS = (*(kind.value for kind in HeadKind), INTENT)
RELATIONS = tuple(sorted(relation.value for relation in Relation))
SCORERS = (STATISTICS, CRITIC, READER)
"""Who may have scored an edge; the score of the last one counts."""

CODE = pa.dictionary(pa.int8(), pa.string())  # one of a closed list
_STRINGS = pa.list_(pa.string())

NODE_SCHEMA = pa.schema(
    [
        pa.field("kind", CODE, nullable=False),  # of `KINDS`
        pa.field("key", _STRINGS, nullable=False),  # of an intent: its canonical words
        pa.field("label", pa.string(), nullable=False),  # of an intent: its most frequent wording
    ]
)
EDGE_SCHEMA = pa.schema(
    [
        pa.field("head", pa.int32(), nullable=False),  # row in nodes
        pa.field("relation", CODE, nullable=False),  # of `RELATIONS`
        pa.field("tail", pa.int32(), nullable=False),  # row in nodes
        pa.field("plausibility", pa.float32(), nullable=False),
        pa.field("typicality", pa.float32(), nullable=False),
        pa.field("lift", pa.float32(), nullable=False),
        pa.field("support", pa.int64(), nullable=False),
        pa.field("scored_by", CODE, nullable=False),  # of `SCORERS`
    ]
)
EVIDENCE_SCHEMA = pa.schema(
    [
        pa.field("tail", pa.string(), nullable=False),  # as worded
        pa.field("generator", pa.string(), nullable=False),
        pa.field("support", pa.int64(), nullable=False),
        pa.field("lift", pa.float64(), nullable=False),
        pa.field("plausibility", pa.float64(), nullable=False),
        pa.field("typicality", pa.float64(), nullable=False),
        pa.field("evidence", _STRINGS, nullable=False),
        pa.field("words", _STRINGS, nullable=False),
        pa.field("scored_by", CODE, nullable=False),  # of `SCORERS`
    ]
)
"""Hypotheses without the columns head and relation, which the edge has."""

MERGES_FILE = "merges.parquet"
MERGE_SCHEMA = pa.schema(
    [
        pa.field("wording", pa.string(), nullable=False),
        pa.field("node", pa.int32(), nullable=False),  # row in nodes: the intent that it went into
        pa.field("how", pa.string(), nullable=False),  # `words`, or by a person's correction: `joined` or `apart`
        pa.field("support", pa.int64(), nullable=False),
        pa.field("claims", pa.int64(), nullable=False),
    ]
)
HIERARCHY_FILE = "hierarchy.parquet"
HIERARCHY_SCHEMA = pa.schema(
    [
        pa.field("parent", pa.int32(), nullable=False),  # row in nodes
        pa.field("child", pa.int32(), nullable=False),  # row in nodes
        pa.field("score", pa.float32(), nullable=False),  # in (0, 1)
    ]
)
WITHDRAWN_SCHEMA = pa.schema(
    [
        pa.field("generator", pa.string(), nullable=False),
        pa.field("evidence", pa.string(), nullable=False),  # a pair id, a product id, or of a rejection its own
    ]
)


def join_key(kind: str, key: Iterable[str]) -> str:
    """The name of a node: its kind and key in one string."""
    return SEPARATOR.join([kind, *key])


def name_hash(name: str) -> int:
    """The 64-bit number under which a node is looked up."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def coded(codes: NDArray[np.integer], values: tuple[str, ...]) -> pa.DictionaryArray:
    """Numbers of a closed list as a column that reads as strings."""
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), pa.array(values, pa.string()))


def write_table(table: pa.Table, folder: Path, name: str) -> None:
    """Write one table as `name.arrow`, in one piece, so that each column of numbers is one mapped array."""
    with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_batch(one_batch(table))


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """The table in one piece, of no rows too."""
    columns = [column.combine_chunks() if column.num_chunks != 1 else column.chunk(0) for column in table.columns]
    return pa.record_batch(columns, schema=table.schema)


def map_table(folder: Path, name: str) -> pa.Table:
    """A table of `write_table`, memory-mapped."""
    return pa.ipc.open_file(pa.memory_map(str(folder / f"{name}.arrow"))).read_all()


def map_array(folder: Path, name: str) -> NDArray[Any]:
    """An array of the folder, memory-mapped."""
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))
