"""Hypotheses as columns of numbers with each name kept once, so that millions fit in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.graph.files import INTENT, RELATIONS, SCORERS, join_key, name_hash
from whybuy.graph.node_merging import NodeMerger
from whybuy.keys import SEPARATOR

MEASURES: dict[str, type[np.generic]] = {
    "plausibility": np.float64,
    "typicality": np.float64,
    "lift": np.float64,
    "support": np.int64,
    "scored_by": np.int8,  # place in `SCORERS`
}
"""The columns by which claims are weighed, and their types."""
_COLUMNS: dict[str, type[np.generic]] = {"head": np.int32, "relation": np.int8, "wording": np.int32, **MEASURES}
Column = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Wordings:
    """Distinct tails as they were worded; columns of equal length, in no order."""

    text: pa.StringArray
    intent: NDArray[np.int32]  # number of its name
    support: NDArray[np.int64]  # of all claims that use it
    claims: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Claims:
    """Hypotheses as numbers, a claim each; claim columns have the shape (claims,), in the order of the evidence."""

    names: pa.StringArray  # `join_key` of each head and intent; some may be used by no claim
    hashes: NDArray[np.uint64]  # `name_hash` of each
    order: NDArray[np.int64]  # the numbers of all names, in the order of the names
    wordings: Wordings
    head: NDArray[np.int32]  # number of its name
    relation: NDArray[np.int8]  # place in `RELATIONS`
    tail: NDArray[np.int32]  # number of its name
    row: NDArray[np.int32]  # in the evidence
    measures: Mapping[str, Column]  # `MEASURES`


class Numbers:
    """Distinct strings, numbered as they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, strings: pa.Array) -> NDArray[np.int32]:
        """The number of each string; a new one gets the next."""
        encoded, numbers = strings.dictionary_encode(), self._numbers
        distinct = encoded.dictionary.to_pylist()
        codes = np.fromiter((numbers.setdefault(one, len(numbers)) for one in distinct), np.int32, len(distinct))
        return np.asarray(codes[encoded.indices.to_numpy()])

    def strings(self) -> pa.StringArray:
        """All strings by number."""
        return pa.array(iter(self._numbers), pa.string(), size=len(self._numbers))

    def hashes(self) -> NDArray[np.uint64]:
        """`name_hash` of all strings by number."""
        return np.fromiter(map(name_hash, self._numbers), np.uint64, len(self._numbers))


def read_claims(hypotheses: Iterable[pa.RecordBatch], merger: NodeMerger, first_row: int = 0) -> Claims:
    """The claims of hypotheses (HYPOTHESIS_SCHEMA), read batch by batch. first_row: of the evidence."""
    names, wordings = Numbers(), Numbers()
    batches = [_read(batch, names, wordings) for batch in hypotheses]
    columns = {name: _joined([batch[name] for batch in batches], kind) for name, kind in _COLUMNS.items()}
    text, wording = wordings.strings(), columns["wording"]
    keys = [join_key(INTENT, [merger.key(one)]) for one in text.to_pylist()]
    intent = names.of(pa.array(keys, pa.string()))
    return Claims(
        names=(named := names.strings()),
        order=pc.array_sort_indices(named).to_numpy().astype(np.int64),
        hashes=names.hashes(),
        wordings=Wordings(text, intent, *_weighed(wording, columns["support"], len(text))),
        head=columns["head"],
        relation=columns["relation"],
        tail=intent[wording],
        row=np.arange(first_row, first_row + len(wording), dtype=np.int32),
        measures={name: columns[name] for name in MEASURES},
    )


def _read(batch: pa.RecordBatch, names: Numbers, wordings: Numbers) -> dict[str, Column]:
    keys = pc.binary_join(batch["head_key"], SEPARATOR)
    return {
        "head": names.of(pc.binary_join_element_wise(batch["head_kind"], keys, SEPARATOR)),
        "relation": _codes(batch["relation"], RELATIONS),
        "wording": wordings.of(batch["tail"]),
        "scored_by": _codes(batch["scored_by"], SCORERS),
        **{name: batch[name].to_numpy() for name in ("plausibility", "typicality", "lift", "support")},
    }


def _codes(strings: pa.Array, values: tuple[str, ...]) -> NDArray[np.int8]:
    codes: NDArray[np.int8] = pc.index_in(strings, value_set=pa.array(values)).to_numpy().astype(np.int8)
    return codes


def _joined(pieces: list[Column], kind: type[np.generic]) -> Column:
    return np.concatenate([np.empty(0, kind), *pieces])


def _weighed(wording: NDArray[np.int32], support: Column, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    weight = np.bincount(wording, weights=support, minlength=count)
    return weight.astype(np.int64), np.bincount(wording, minlength=count).astype(np.int64)
