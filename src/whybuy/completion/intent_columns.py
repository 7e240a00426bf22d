"""The intents that texts name, in columns beside them."""

from collections.abc import Callable, Sequence

import pyarrow as pa

from whybuy.records import VOCABULARY_SCHEMA, Intent
from whybuy.relations import Relation

INTENT_COLUMNS = ("relation", "tail", "words", "confidence")


def intent_columns(texts: Sequence[str], intent: Callable[[str], Intent | None]) -> dict[str, pa.Array]:
    """`INTENT_COLUMNS` of some texts, null where one names none."""
    intents = [intent(text) for text in texts]
    rows = [
        (None,) * 4 if one is None else (one.relation.value, one.tail, one.words, one.confidence) for one in intents
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(INTENT_COLUMNS)
    return {
        name: pa.array(column, VOCABULARY_SCHEMA.field(name).type)
        for name, column in zip(INTENT_COLUMNS, columns, strict=True)
    }


def intent_at(columns: dict[str, pa.Array], row: int) -> Intent | None:
    """The intent in one row of `INTENT_COLUMNS`, None where it is null."""
    tail = columns["tail"][row].as_py()
    if tail is None:
        return None
    relation, words, confidence = (columns[name][row].as_py() for name in ("relation", "words", "confidence"))
    return Intent(Relation(relation), tail, confidence, words)
