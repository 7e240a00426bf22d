"""The tasks of annotation: proposed reasons with the texts that a person needs, in a file that only grows."""

import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.errors import InputError
from whybuy.journal.judgments import Item
from whybuy.records import Head, HeadKind
from whybuy.relations import Relation

QUEUE_FILE = "judging.parquet"
QUEUE_SCHEMA = pa.schema(
    [
        pa.field("head_kind", pa.string(), nullable=False),
        pa.field("head_key", pa.list_(pa.string()), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("tail", pa.string(), nullable=False),
        pa.field("heads", pa.list_(pa.string()), nullable=False),  # in words; of a pair two titles
        pa.field("category", pa.string(), nullable=False),
        pa.field("behavior", pa.string(), nullable=False),
        pa.field("examples", pa.list_(pa.string()), nullable=False),  # evidence, in words
        pa.field("plausible", pa.float64()),  # probability by a critic or a language model
        pa.field("typical", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Task:
    """One reason to judge."""

    number: int  # place in the queue, from 0
    item: Item
    heads: tuple[str, ...]
    category: str
    behavior: str
    examples: tuple[str, ...]
    plausible: float | None
    typical: float | None

    @property
    def relation(self) -> Relation:
        """The relation in words, between head and tail."""
        return self.item[1]

    @property
    def tail(self) -> str:
        """What the head is bought for."""
        return self.item[2]


class Queue:
    """Tasks in the order in which they are assigned."""

    def __init__(self, table: pa.Table) -> None:
        """table: QUEUE_SCHEMA."""
        self.table = table
        self.tasks = tuple(_task(number, row) for number, row in enumerate(table.to_pylist()))
        self.by_item = {task.item: task for task in self.tasks}

    def __len__(self) -> int:
        return len(self.tasks)

    def grown(self, more: pa.Table, size: int) -> "Queue":
        """The queue with new tasks added in their order, until there are `size`."""
        new = [task.number for task in Queue(more).tasks if task.item not in self.by_item]
        return Queue(pa.concat_tables([self.table, more.take(pa.array(new[: size - len(self)], pa.int64()))]))


def read_queue(store: Path) -> Queue:
    """The queue of a store; an empty one where there is none.

    Raises:
        InputError: the file is damaged, or of another schema.
    """
    path = store / QUEUE_FILE
    if not path.exists():
        return Queue(QUEUE_SCHEMA.empty_table())
    try:
        return Queue(pq.read_table(path).cast(QUEUE_SCHEMA))
    except (pa.ArrowException, ValueError) as error:
        raise InputError(f"{path} is no readable queue ({error}). Delete it to draw a new one.") from error


def write_queue(store: Path, queue: Queue) -> None:
    """Write the queue in place of the old one, in one step."""
    draft = store / f".{QUEUE_FILE}.{uuid.uuid4().hex[:8]}"
    try:
        pq.write_table(queue.table, draft, compression="zstd")
        os.replace(draft, store / QUEUE_FILE)
    finally:
        draft.unlink(missing_ok=True)


def queue_table(rows: Iterable[dict[str, object]]) -> pa.Table:
    """Tasks as columns, in QUEUE_SCHEMA."""
    return pa.Table.from_pylist(list(rows), QUEUE_SCHEMA)


def _task(number: int, row: dict[str, Any]) -> Task:
    head = Head(HeadKind(row["head_kind"]), tuple(row["head_key"]))
    return Task(
        number,
        (head, Relation(row["relation"]), row["tail"]),
        tuple(row["heads"]),
        row["category"],
        row["behavior"],
        tuple(row["examples"]),
        row["plausible"],
        row["typical"],
    )
