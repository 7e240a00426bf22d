"""Other words for a word of a query, which the lexical index looks up beside it, at less weight."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Self

import pyarrow as pa

from whybuy.records import BulkTable
from whybuy.retrieval.terms import OtherWords, stem, words

FORMAT_VERSION = 1
MOST = 4  # synonyms of one word that are looked up

SYNONYM_SCHEMA = pa.schema(
    [
        pa.field("word", pa.string(), nullable=False),  # of queries
        pa.field("other", pa.string(), nullable=False),  # of products, which lack the word
        pa.field("weight", pa.float32(), nullable=False),  # in (0, 1], against that of the word itself
        pa.field("searches", pa.int64(), nullable=False),  # different queries that show it
        pa.field("share", pa.float32(), nullable=False),  # of what answers the word without having it
    ]
)
SYNONYMS = BulkTable("synonyms", "synonyms.parquet", SYNONYM_SCHEMA)


class Synonyms:
    """Synonyms by the stem of a word; immutable."""

    def __init__(self, others: Mapping[str, Sequence[OtherWords]]) -> None:
        """others: by stem, of falling weight."""
        self._others = {term: tuple(some[:MOST]) for term, some in others.items()}

    @classmethod
    def of_table(cls, table: pa.Table) -> Self:
        """table: `SYNONYM_SCHEMA`."""
        others: defaultdict[str, list[OtherWords]] = defaultdict(list)
        for row in sorted(table.to_pylist(), key=lambda row: (-row["weight"], row["other"])):
            terms = tuple(map(stem, words(row["other"])))
            if terms:
                others[stem(row["word"])].append(OtherWords(terms, row["weight"]))
        return cls(others)

    def __len__(self) -> int:
        return len(self._others)

    def of(self, term: str) -> tuple[OtherWords, ...]:
        """What products may say instead of a word, best first. term: its stem."""
        return self._others.get(term, ())
