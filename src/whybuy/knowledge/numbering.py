"""Distinct strings, heads and tails of a table by number: so that each is looked at once."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.keys import SEPARATOR
from whybuy.records import Head, HeadKind
from whybuy.text import canonical

Numbers = NDArray[np.int64]


def distinct(column: pa.ChunkedArray) -> tuple[list[str], Numbers]:
    """The distinct strings of a column, sorted, and, for each row, the number of its string. Shapes (m,) and (n,)."""
    encoded = column.combine_chunks().dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    numbers = np.empty(len(order), np.int64)
    numbers[order.to_numpy()] = np.arange(len(order))
    return encoded.dictionary.take(order).to_pylist(), numbers[encoded.indices.to_numpy()]


def canonical_tails(hypotheses: pa.Table, language: str) -> tuple[list[str], Numbers]:
    """The distinct canonical tails and, for each row, the number of its tail. Shapes (m,) and (n,)."""
    wordings, wording = distinct(hypotheses["tail"])
    numbers: dict[str, int] = {}
    of_wording = [numbers.setdefault(canonical(text, language), len(numbers)) for text in wordings]
    return list(numbers), np.array(of_wording, dtype=np.int64)[wording]


def distinct_heads(hypotheses: pa.Table) -> tuple[list[Head], Numbers]:
    """The distinct heads of hypotheses (HYPOTHESIS_SCHEMA) and, for each row, the number of its head."""
    joined, head = distinct(joined_heads(hypotheses))
    kinds = {kind.value: kind for kind in HeadKind}
    split = (text.split(SEPARATOR) for text in joined)
    return [Head(kinds[kind], tuple(key)) for kind, *key in split], head


def joined_heads(hypotheses: pa.Table) -> pa.ChunkedArray:
    """Kind and key of each head, of hypotheses or judgments, as one string."""
    keys = pc.binary_join(hypotheses["head_key"], SEPARATOR)
    return pc.binary_join_element_wise(hypotheses["head_kind"], keys, SEPARATOR)
