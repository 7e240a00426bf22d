"""The hypotheses behind the edges, as they came: files that are written once, and shared by every later graph."""

import os
import shutil
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.graph.files import EVIDENCE_SCHEMA, SCORERS, map_array
from whybuy.records import Source

_SOURCE_COLUMNS = ("generator", "support", "evidence", "words")
CHUNK = 10_000  # edges whose sources are in memory at a time


def write_evidence(hypotheses: Iterable[pa.RecordBatch], path: Path) -> Iterator[pa.RecordBatch]:
    """Write each batch (HYPOTHESIS_SCHEMA) that passes, as EVIDENCE_SCHEMA."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, EVIDENCE_SCHEMA) as writer:
        for batch in hypotheses:
            columns = [batch[name] for name in EVIDENCE_SCHEMA.names[:-1]]
            scorer = pc.index_in(batch["scored_by"], value_set=pa.array(SCORERS)).cast(pa.int8())
            columns.append(pa.DictionaryArray.from_arrays(scorer, pa.array(SCORERS)))
            writer.write_batch(pa.record_batch(columns, schema=EVIDENCE_SCHEMA))
            yield batch


def evidence_file(folder: Path, number: int) -> Path:
    """The file of one build (0) or update (1, 2, …)."""
    return folder / f"evidence-{number}.arrow"


def share_evidence(source: Path, folder: Path) -> int:
    """Put the evidence files of one graph into another folder, no copy where the disk allows; returns how many."""
    number = 0
    while (path := evidence_file(source, number)).exists():
        target = evidence_file(folder, number)
        try:
            os.link(path, target)
        except OSError:
            shutil.copyfile(path, target)
        number += 1
    return number


class Evidence:
    """The rows of all evidence files of a folder, memory-mapped and numbered through."""

    def __init__(self, folder: Path) -> None:
        # all at once: a reader of Arrow files is not safe for many threads, what it has read is
        self._batches: list[pa.RecordBatch] = []
        number = 0
        while (path := evidence_file(folder, number)).exists():
            file = pa.ipc.open_file(pa.memory_map(str(path)))
            self._batches.extend(file.get_batch(one) for one in range(file.num_record_batches))
            number += 1
        self._starts: NDArray[np.int64] = np.cumsum([0, *(batch.num_rows for batch in self._batches)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def take(self, rows: NDArray[np.integer]) -> pa.Table:
        """These rows, in this order."""
        order = np.argsort(rows, kind="stable")
        batch = np.searchsorted(self._starts, rows[order], side="right") - 1
        pieces = [
            self._batches[number].take(pa.array(rows[order[batch == number]] - self._starts[number]))
            for number in np.unique(batch).tolist()
        ]
        return pa.Table.from_batches(pieces, EVIDENCE_SCHEMA).take(pa.array(np.argsort(order)))

    def column(self, name: str) -> NDArray[Any]:
        """All values of a column of numbers, or the codes of `scored_by`."""
        columns = (batch[name] for batch in self._batches)
        values = [(one.indices if name == "scored_by" else one).to_numpy() for one in columns]
        return np.concatenate(values) if values else np.empty(0)

    def resting_on(self, withdrawn: pa.Table) -> NDArray[np.bool_]:
        """Which rows rest on evidence that is taken away (WITHDRAWN_SCHEMA). Shape (rows,)."""
        generators = pc.unique(withdrawn["generator"]).to_pylist()
        gone = {name: withdrawn.filter(pc.equal(withdrawn["generator"], name))["evidence"] for name in generators}
        rests = np.zeros(len(self), bool)
        for batch, start in zip(self._batches, self._starts[:-1].tolist(), strict=True):
            for name, evidence in gone.items():
                named = pc.is_in(pc.list_flatten(batch["evidence"]), value_set=evidence.combine_chunks())
                rows = pc.list_parent_indices(batch["evidence"]).filter(named)
                rows = rows.filter(pc.equal(batch["generator"], name).take(rows))
                rests[start + rows.to_numpy()] = True
        return rests


class Sources:
    """The evidence of each edge of a graph."""

    def __init__(self, folder: Path) -> None:
        self._evidence = Evidence(folder)
        self._starts, self._rows = map_array(folder, "source_starts"), map_array(folder, "source_rows")

    def of(self, edges: NDArray[np.int64]) -> Iterator[tuple[Source, ...]]:
        """The sources of each of these edge rows."""
        for start in range(0, len(edges), CHUNK):
            chosen = edges[start : start + CHUNK]
            spans = [
                range(*span)
                for span in zip(self._starts[chosen].tolist(), self._starts[chosen + 1].tolist(), strict=True)
            ]
            taken = self._evidence.take(self._rows[np.fromiter(chain(*spans), np.int64)])
            sources = map(_source, taken.select(_SOURCE_COLUMNS).to_pylist())
            yield from (tuple(islice(sources, len(span))) for span in spans)


def _source(row: dict[str, Any]) -> Source:
    return Source(row["generator"], row["support"], tuple(row["evidence"]), tuple(row["words"]))
