"""Tails that only say their head again."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.knowledge.filters.distinct import distinct, distinct_heads, types_of
from whybuy.records import Head, HeadKind
from whybuy.text import canonical, edit_distance


@dataclass(frozen=True, slots=True)
class Restates:
    """Rejects a tail that equals its head's query, title, product type or attribute, or nearly so.

    A tail that is one part of a query passes: that part is where needs come from. A tail made of nothing but words of
    the head's type does not pass. Queries have no type of their own; products and pairs have that of the catalog.
    """

    name: ClassVar[str] = "restates"
    products: pa.Table  # PRODUCT_SCHEMA
    language: str = "en"
    least_distance: float = 0.2  # edits per character of the longer canonical form, in [0, 1]

    def __call__(self, hypotheses: pa.Table) -> NDArray[np.bool_]:
        """True where the tail adds nothing to its head. Shape (n,)."""
        tails, tail = distinct(hypotheses["tail"])
        keys = [canonical(text, self.language) for text in tails]
        heads, head = distinct_heads(hypotheses)
        said = self._said(heads)
        pairs, pair = np.unique(head * len(tails) + tail, return_inverse=True)
        judged = zip((pairs // max(len(tails), 1)).tolist(), (pairs % max(len(tails), 1)).tolist(), strict=True)
        rejected = [said[of_head].is_said_by(keys[of_tail], self.least_distance) for of_head, of_tail in judged]
        return np.array(rejected, dtype=bool)[pair]

    def _said(self, heads: list[Head]) -> list["_Said"]:
        ids = self.products["product_id"].to_pylist()
        title_of = dict(zip(ids, self.products["title"].to_pylist(), strict=True))
        type_of = dict(zip(ids, self.products["product_type"].to_pylist(), strict=True))
        said = []
        for head in heads:
            types = [canonical(name, self.language) for name in types_of(head, type_of)]
            texts = [canonical(text, self.language) for text in _names(head, title_of)]
            said.append(_Said((*types, *texts), tuple(frozenset(name.split()) for name in types)))
        return said


@dataclass(frozen=True, slots=True)
class _Said:
    """What a head says already, in canonical form."""

    texts: tuple[str, ...]
    types: tuple[frozenset[str], ...]  # the words of each type

    def is_said_by(self, tail: str, least_distance: float) -> bool:
        words = frozenset(tail.split())
        if words and any(words <= kind for kind in self.types):
            return True
        return any(_is_near(tail, text, least_distance) for text in self.texts)


def _is_near(tail: str, text: str, least_distance: float) -> bool:
    allowed = least_distance * max(len(tail), len(text))
    if tail == text or abs(len(tail) - len(text)) >= allowed:
        return tail == text
    return edit_distance(tail, text) < allowed


def _names(head: Head, title_of: dict[str, str]) -> list[str]:
    """The texts of a head beside its types."""
    if head.kind is HeadKind.QUERY:
        return [head.key[0]]
    if head.kind is HeadKind.TYPE_ATTRIBUTE:
        product_type, _, value = head.key
        return [value, f"{value} {product_type}"]
    return [title_of[one] for one in head.key if one in title_of]
