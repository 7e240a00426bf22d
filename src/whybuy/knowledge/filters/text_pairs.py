"""Distinct pairs of a tail and a text of its head (query, title, type, trait), so that filters compare each once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.knowledge.numbering import Numbers, distinct, distinct_heads
from whybuy.records import Head, HeadKind


def types_of(head: Head, type_of: Mapping[str, str]) -> list[str]:
    """The product types of a head, each once; none for a query.

    type_of: product id → product type, empty where the shop has none.
    """
    if head.kind in (HeadKind.TYPE, HeadKind.TYPE_ATTRIBUTE):
        return [head.key[0]]
    if head.kind in (HeadKind.PRODUCT, HeadKind.PAIR):
        return list(dict.fromkeys(type_of[one] for one in head.key if type_of.get(one)))
    return []


class TextRole(Enum):
    """Relation of a text to its head."""

    TYPE = 0
    TITLE = 1
    OWN = 2  # a query, or a trait


@dataclass(frozen=True, slots=True)
class TextPairs:
    """Distinct pairs of tail and text, in columns: `text`, `role` and `tail` have the shape (pairs,)."""

    texts: list[str]  # distinct
    text: Numbers  # place in `texts`
    role: Numbers  # `TextRole` value
    tail: Numbers  # number of the tail, as `distinct` gives them
    starts: Numbers  # the pairs of head and tail i are starts[i] up to starts[i + 1]
    row: Numbers  # number of the head and tail of each hypothesis

    def largest(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The largest value among the pairs of each hypothesis, nan ignored; nan if all are. Shape (hypotheses,)."""
        largest = np.full(len(self.starts) - 1, -np.inf)
        of_pair = np.repeat(np.arange(len(largest)), np.diff(self.starts))
        known = ~np.isnan(values)
        np.maximum.at(largest, of_pair[known], values[known])
        return np.where(np.isinf(largest), np.nan, largest)[self.row]


def head_texts(hypotheses: pa.Table, products: pa.Table) -> TextPairs:
    """Pair each tail with the texts of its head: query, types and titles of products, a trait alone and with its type.

    products: PRODUCT_SCHEMA; those that are not among them have no texts.
    """
    ids = products["product_id"].to_pylist()
    title_of = dict(zip(ids, products["title"].to_pylist(), strict=True))
    type_of = dict(zip(ids, products["product_type"].to_pylist(), strict=True))
    heads, head = distinct_heads(hypotheses)
    tails, tail = distinct(hypotheses["tail"])
    numbers: dict[str, int] = {}
    texts_of = [_texts_of(one, title_of, type_of) for one in heads]
    entries_of = [[(numbers.setdefault(text, len(numbers)), role.value) for text, role in each] for each in texts_of]
    head_tail, row = np.unique(head * max(len(tails), 1) + tail, return_inverse=True)
    counts = np.array([len(entries) for entries in entries_of], np.int64)
    flat = np.array([entry for entries in entries_of for entry in entries], np.int64).reshape(-1, 2)
    of_head = head_tail // max(len(tails), 1)
    starts = np.concatenate([[0], np.cumsum(counts[of_head])])
    place = np.arange(starts[-1]) + np.repeat((np.cumsum(counts) - counts)[of_head] - starts[:-1], counts[of_head])
    tail_of = np.repeat(head_tail % max(len(tails), 1), counts[of_head])
    return TextPairs(list(numbers), flat[place, 0], flat[place, 1], tail_of, starts, row)


def _texts_of(head: Head, title_of: Mapping[str, str], type_of: Mapping[str, str]) -> Sequence[tuple[str, TextRole]]:
    types = [(name, TextRole.TYPE) for name in types_of(head, type_of)]
    if head.kind is HeadKind.QUERY:
        return [(head.key[0], TextRole.OWN)]
    if head.kind is HeadKind.TYPE_ATTRIBUTE:
        product_type, _, value = head.key
        return [*types, (value, TextRole.OWN), (f"{value} {product_type}", TextRole.OWN)]
    return [*types, *((title_of[one], TextRole.TITLE) for one in head.key if one in title_of)]
