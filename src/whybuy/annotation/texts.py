"""What annotators read about a hypothesis: its head in words, its category, and the behavior that supports it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import pyarrow as pa

from whybuy.records import TITLE_WORD, Behavior, Head, HeadKind
from whybuy.text import normalize

EXAMPLES_SHOWN = 3
_TAKEN = {
    "purchases": ("Searched for “{}”, bought {}", "Bought together"),
    "carts": ("Searched for “{}”, put in the cart {}", "Put in one cart"),
    "clicks": ("Searched for “{}”, looked at {}", ""),
}
"""What a search and two products of a session led to, by the strongest action that a pair counts."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")

Row = Mapping[str, object]  # of HYPOTHESIS_SCHEMA


class ShopTexts:
    """The texts of one built shop."""

    def __init__(self, products: pa.Table, pairs: pa.Table) -> None:
        """products: PRODUCT_SCHEMA. pairs: PAIR_SCHEMA; empty for a shop without logs."""
        ids = products["product_id"].to_pylist()
        self._titles: dict[str, str] = dict(zip(ids, products["title"].to_pylist(), strict=True))
        self._descriptions: dict[str, str] = dict(zip(ids, products["description"].to_pylist(), strict=True))
        self._types: dict[str, str] = dict(zip(ids, products["product_type"].to_pylist(), strict=True))
        paths = products["category"].to_pylist()
        self._roots: dict[str, str] = {one: path[0] if path else "" for one, path in zip(ids, paths, strict=True)}
        columns = (pairs[name].to_pylist() for name in ("pair_id", "kind", "left", "right", "sessions", *_TAKEN))
        self._pairs = {pair: each for pair, *each in zip(*columns, strict=True)}

    def heads(self, head: Head) -> tuple[str, ...]:
        """A head in words; of two products bought together, both titles."""
        match head.kind:
            case HeadKind.PRODUCT | HeadKind.PAIR:
                return tuple(self._titles.get(one, one) for one in head.key)
            case HeadKind.TYPE_ATTRIBUTE:
                kind, name, value = head.key
                return (f"{kind}, “{value}”" if name == TITLE_WORD else f"{kind}, {name} {value}",)
        return head.key

    def category(self, head: Head, evidence: Sequence[str]) -> str:
        """The first category of what a head is about; of a query, of what was bought for it; "" where none is known."""
        match head.kind:
            case HeadKind.PRODUCT | HeadKind.PAIR:
                return self._roots.get(head.key[0], "")
            case HeadKind.QUERY:
                bought = (self._pairs[one][2] for one in evidence if one in self._pairs)
                return next((self._roots[one] for one in bought if one in self._roots), "")
        return self._root_of_type.get(head.key[0], "")

    def examples(self, row: Row) -> list[str]:
        """The evidence of a hypothesis in words: what searches led to, products bought together, sentences."""
        evidence, words = row["evidence"], row["words"]
        assert isinstance(evidence, list)
        assert isinstance(words, list)
        examples = (text for one in evidence for text in self._examples(one, words))
        return list(dict.fromkeys(examples))[:EXAMPLES_SHOWN]

    def _examples(self, evidence: str, words: Sequence[str]) -> Iterator[str]:
        """evidence: a pair id or a product id."""
        if evidence not in self._pairs:
            yield from self._sentences(evidence, words)
            return
        kind, left, right, sessions, *counts = self._pairs[evidence]
        taken = next((name for name, count in zip(_TAKEN, counts, strict=True) if count), "clicks")
        if kind == Behavior.SEARCH_BUY:
            yield _TAKEN[taken][0].format(left, self._titles.get(right, right))
            return
        yield from self._sentences(left, words)
        yield from self._sentences(right, words)
        times = "once" if sessions == 1 else f"{sessions:,} times"
        yield f"{_TAKEN[taken][1]} {times}: {self._titles.get(left, left)}, and {self._titles.get(right, right)}"

    def _sentences(self, product_id: str, words: Sequence[str]) -> Iterator[str]:
        """The sentences of a description that have some of the words."""
        for sentence in _SENTENCE.split(self._descriptions.get(product_id, "")):
            if any(normalize(word) in normalize(sentence) for word in words):
                yield f"{self._titles[product_id]}: “{sentence}”"

    @cached_property
    def _root_of_type(self) -> dict[str, str]:
        counts: dict[str, Counter[str]] = {}
        for product_id, kind in self._types.items():
            counts.setdefault(kind, Counter())[self._roots[product_id]] += 1
        return {kind: roots.most_common(1)[0][0] for kind, roots in counts.items()}
