"""Words that a product type implies: a product of the type answers them without saying them, at less weight."""

from collections import defaultdict
from collections.abc import Mapping

import pyarrow as pa

from whybuy.records import BulkTable

FORMAT_VERSION = 2
LEVELS = 4  # weights are told apart so finely
MOST_TYPES = 64  # of one word that are looked up, the surest

IMPLIED_SCHEMA = pa.schema(
    [
        pa.field("word", pa.string(), nullable=False),  # a stem
        pa.field("product_type", pa.string(), nullable=False),
        pa.field("weight", pa.float32(), nullable=False),  # in (0, 1], against that of the word itself
        pa.field("relation", pa.string(), nullable=False),  # of the reason that says so; "" where none does
        pa.field("searches", pa.int64(), nullable=False),  # different queries that show it
    ]
)
IMPLIED = BulkTable("implied", "implied.parquet", IMPLIED_SCHEMA)  # by texts and reasons
ASKED = BulkTable("asked", "asked.parquet", IMPLIED_SCHEMA)  # the same and by searches


class ImpliedWords:
    """The types that imply a word; immutable."""

    def __init__(self, table: pa.Table | None = None) -> None:
        """table: `IMPLIED_SCHEMA`, none by default; of several weights of a word and type the highest counts."""
        self.table = IMPLIED_SCHEMA.empty_table() if table is None else table
        weights: defaultdict[str, dict[str, float]] = defaultdict(dict)
        columns = (self.table[name].to_pylist() for name in ("word", "product_type", "weight"))
        for word, kind, weight in zip(*columns, strict=True):
            weights[word][kind] = max(weight, weights[word].get(kind, 0.0))
        self._levels = {word: _levels(types) for word, types in weights.items()}

    def __len__(self) -> int:
        return len(self._levels)

    def of(self, term: str) -> tuple[tuple[float, tuple[str, ...]], ...]:
        """Weights and the types that imply a word by them, the highest first. term: its stem."""
        return self._levels.get(term, ())


def _levels(types: Mapping[str, float]) -> tuple[tuple[float, tuple[str, ...]], ...]:
    by_level: defaultdict[float, list[str]] = defaultdict(list)
    for kind in sorted(types, key=lambda kind: (-types[kind], kind))[:MOST_TYPES]:
        by_level[round(types[kind] * LEVELS) / LEVELS].append(kind)
    return tuple((level, tuple(kinds)) for level, kinds in by_level.items() if level > 0)
