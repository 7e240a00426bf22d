"""Other words for a word of a query, which the lexical index looks up beside it, at less weight."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from whybuy.records import BulkTable
from whybuy.retrieval.terms import OtherWords, stem, words

FORMAT_VERSION = 2
MOST = 4  # synonyms of one word that are looked up


class SynonymSource(StrEnum):
    """What shows that a word is another for one."""

    SEARCHES = "searches"
    COMPOUNDS = "compounds"  # titles that write one word as two
    ABBREVIATIONS = "abbreviations"  # texts that spell one out
    WORDNET = "wordnet"


SYNONYM_SCHEMA = pa.schema(
    [
        pa.field("word", pa.string(), nullable=False),  # of queries
        pa.field("other", pa.string(), nullable=False),  # of products, which lack the word
        pa.field("source", pa.string(), nullable=False),  # of `SynonymSource`
        pa.field("weight", pa.float32(), nullable=False),  # in (0, 1], against that of the word itself
        pa.field("searches", pa.int64(), nullable=False),  # different queries that show it
        pa.field("share", pa.float32(), nullable=False),  # of what answers the word without having it
    ]
)


@dataclass(frozen=True, slots=True)
class Synonym:
    """A row of `SYNONYM_SCHEMA`."""

    word: str
    other: str
    source: SynonymSource
    weight: float
    searches: int = 0
    share: float = 0.0


def to_table(synonyms: Iterable[Synonym]) -> pa.Table:
    """Synonyms as `SYNONYM_SCHEMA`, in their order."""
    return pa.Table.from_pylist([asdict(one) for one in synonyms], schema=SYNONYM_SCHEMA)


NAMED = BulkTable("named", "named.parquet", SYNONYM_SCHEMA)
"""Of the catalog and of WordNet."""
SYNONYMS = BulkTable("synonyms", "synonyms.parquet", SYNONYM_SCHEMA)
"""Of searches, and those of `NAMED` that stay beside them."""


class Synonyms:
    """Synonyms by the stem of a word; immutable."""

    def __init__(self, table: pa.Table | None = None) -> None:
        """table: `SYNONYM_SCHEMA`, none by default."""
        self.table = SYNONYM_SCHEMA.empty_table() if table is None else table
        others: defaultdict[str, list[OtherWords]] = defaultdict(list)
        for row in sorted(self.table.to_pylist(), key=lambda row: (-row["weight"], row["other"])):
            terms = tuple(map(stem, words(row["other"])))
            if terms:
                others[stem(row["word"])].append(OtherWords(terms, row["weight"]))
        self._others = {term: tuple(some[:MOST]) for term, some in others.items()}

    def __len__(self) -> int:
        return len(self._others)

    def of(self, term: str) -> tuple[OtherWords, ...]:
        """What products may say instead of a word, best first. term: its stem."""
        return self._others.get(term, ())


def with_named(named: pa.Table, learned: pa.Table) -> pa.Table:
    """Synonyms of searches, and those of a catalog. Both: `SYNONYM_SCHEMA`."""
    return pa.concat_tables([learned, named.filter(pc.not_equal(named["source"], SynonymSource.SEARCHES))])
