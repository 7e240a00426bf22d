"""Each tail beside each text that its head says already, once: what makes the filters fast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.knowledge.numbering import Numbers, distinct, distinct_heads
from whybuy.records import Head, HeadKind


def types_of(head: Head, type_of: Mapping[str, str]) -> list[str]:
    """The product types that a head speaks about, each once; none for a query.

    type_of: product id → product type, empty where the shop has none.
    """
    if head.kind in (HeadKind.TYPE, HeadKind.TYPE_ATTRIBUTE):
        return [head.key[0]]
    if head.kind in (HeadKind.PRODUCT, HeadKind.PAIR):
        return list(dict.fromkeys(type_of[one] for one in head.key if type_of.get(one)))
    return []


class Said(Enum):
    """As what a text stands with a head."""

    TYPE = 0
    TITLE = 1
    OWN = 2  # a query, or a trait


@dataclass(frozen=True, slots=True)
class PairsOfTexts:
    """Each tail beside each text that its head says, once; `text`, `said` and `tail` are row by row."""

    texts: list[str]  # distinct
    text: Numbers  # place in `texts`
    said: Numbers  # `Said` value
    tail: Numbers  # number of the tail, as `distinct` gives them
    starts: Numbers  # the pairs of head and tail i are starts[i] up to starts[i + 1]
    row: Numbers  # number of the head and tail of each hypothesis

    def largest(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The largest value of each hypothesis, of those that are a number; nan where none is. Shape (hypotheses,)."""
        found = np.full(len(self.starts) - 1, -np.inf)
        of_pair = np.repeat(np.arange(len(found)), np.diff(self.starts))
        known = ~np.isnan(values)
        np.maximum.at(found, of_pair[known], values[known])
        return np.where(np.isinf(found), np.nan, found)[self.row]


def said_pairs(hypotheses: pa.Table, products: pa.Table) -> PairsOfTexts:
    """What heads say already: a query itself, types and titles of products, a trait alone and before its type.

    products: PRODUCT_SCHEMA. Products that are not among them say nothing.
    """
    ids = products["product_id"].to_pylist()
    title_of = dict(zip(ids, products["title"].to_pylist(), strict=True))
    type_of = dict(zip(ids, products["product_type"].to_pylist(), strict=True))
    heads, head = distinct_heads(hypotheses)
    tails, tail = distinct(hypotheses["tail"])
    numbers: dict[str, int] = {}
    said = [[(numbers.setdefault(text, len(numbers)), kind.value) for text, kind in _said(one, title_of, type_of)]
            for one in heads]  # fmt: skip
    judged, row = np.unique(head * max(len(tails), 1) + tail, return_inverse=True)
    counts = np.array([len(entries) for entries in said], np.int64)
    flat = np.array([entry for entries in said for entry in entries], np.int64).reshape(-1, 2)
    of_head = judged // max(len(tails), 1)
    starts = np.concatenate([[0], np.cumsum(counts[of_head])])
    place = np.arange(starts[-1]) + np.repeat((np.cumsum(counts) - counts)[of_head] - starts[:-1], counts[of_head])
    tail_of = np.repeat(judged % max(len(tails), 1), counts[of_head])
    return PairsOfTexts(list(numbers), flat[place, 0], flat[place, 1], tail_of, starts, row)


def _said(head: Head, title_of: Mapping[str, str], type_of: Mapping[str, str]) -> Sequence[tuple[str, Said]]:
    types = [(name, Said.TYPE) for name in types_of(head, type_of)]
    if head.kind is HeadKind.QUERY:
        return [(head.key[0], Said.OWN)]
    if head.kind is HeadKind.TYPE_ATTRIBUTE:
        product_type, _, value = head.key
        return [*types, (value, Said.OWN), (f"{value} {product_type}", Said.OWN)]
    return [*types, *((title_of[one], Said.TITLE) for one in head.key if one in title_of)]
