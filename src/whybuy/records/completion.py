"""Completions of what a shopper types, and the Arrow schema of the vocabulary that they come from."""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from whybuy.records.intents import Intent


class CompletionSource(StrEnum):
    """Where a completion comes from."""

    QUERY_LOG = "asked"  # shoppers have searched for it; the value stays as stored vocabularies and clients have it
    CATALOG = "catalog"  # a phrase of product texts
    COMPOSED = "composed"  # a head and a suffix, each searched for by others


VOCABULARY_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),  # folded; rising, all different
        pa.field("text", pa.string(), nullable=False),  # as most shoppers write it
        pa.field("weight", pa.float32(), nullable=False),
        pa.field("source", pa.string(), nullable=False),  # of `CompletionSource`
        pa.field("word_key", pa.int64(), nullable=False),  # the same for the same words in other orders and inflections
        pa.field("relation", pa.string()),  # of the intent that the query names; null where it names none
        pa.field("tail", pa.string()),
        pa.field("words", pa.string()),  # of the query that name it
        pa.field("confidence", pa.float32()),
        pa.field("category", pa.string()),  # where it leads; null where that is not known
    ]
)


class Fit(StrEnum):
    """How a completion matches what was typed, the closest kind first."""

    PREFIX = "prefix"  # begins with it, apart from case, accents and punctuation
    WORDS = "words"  # has all its words, the last one begun, in whatever order
    TYPO = "typo"  # begins with it but for one mistyped letter
    SHORTER = "shorter"  # begins with its first letters only


@dataclass(frozen=True, slots=True)
class Completion:
    """A query that the shopper may be about to type."""

    text: str
    score: float  # searches for it, old ones less; below 1 of what only the catalog names, and of what is composed
    fit: Fit = Fit.PREFIX
    source: CompletionSource = CompletionSource.QUERY_LOG
    typed: tuple[tuple[int, int], ...] = ()  # spans of letters of the text that were typed: start, end
    session_score: float | None = None  # how well it follows the previous queries, in [0, 1]; no probability
    intent: Intent | None = None  # that the text names
    category: str = ""  # where what was bought for it stands


@dataclass(frozen=True, slots=True)
class Completions:
    """The completions of a prefix, best first; as JSON it is the body of `/v1/complete`."""

    prefix: str
    completions: tuple[Completion, ...]
    took_ms: float = 0.0
