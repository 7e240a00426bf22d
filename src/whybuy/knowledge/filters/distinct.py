"""Judging each distinct text and head once: what makes the filters fast."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.records import Head, HeadKind

_SEPARATOR = "\x1f"


def distinct(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct strings of a column and, for each row, the number of its string. Shapes (m,) and (n,)."""
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)


def distinct_heads(hypotheses: pa.Table) -> tuple[list[Head], NDArray[np.int64]]:
    """The distinct heads of hypotheses (HYPOTHESIS_SCHEMA) and, for each row, the number of its head."""
    keys = pc.binary_join(hypotheses["head_key"], _SEPARATOR)
    joined, head = distinct(pc.binary_join_element_wise(hypotheses["head_kind"], keys, _SEPARATOR))
    split = (text.split(_SEPARATOR) for text in joined)
    return [Head(HeadKind(kind), tuple(key)) for kind, *key in split], head


def types_of(head: Head, type_of: dict[str, str]) -> list[str]:
    """The product types that a head speaks about, each once; none for a query.

    type_of: product id → product type, empty where the shop has none.
    """
    if head.kind in (HeadKind.TYPE, HeadKind.TYPE_ATTRIBUTE):
        return [head.key[0]]
    if head.kind in (HeadKind.PRODUCT, HeadKind.PAIR):
        return list(dict.fromkeys(type_of[one] for one in head.key if type_of.get(one)))
    return []
