"""Tails that only say their head again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist

from whybuy.knowledge.filters.text_pairs import PairsOfTexts, Said, said_pairs
from whybuy.knowledge.numbering import distinct
from whybuy.text import canonical

_CONNECTING = frozenset("for in on as to".split())
_LEAST_SIMILARITY = 0.5  # below it a pair counts as 0, which no limit reaches


@dataclass(frozen=True, slots=True)
class Restates:
    """Rejects a tail that equals its head's query, title, type or trait, or nearly so, or that is a part of the title.

    Scored is 1 - edits per letter of the longer, in canonical form. Nothing but words of the type, or a run of words of
    the title, counts as 1; what a title says behind a connecting word ("for nurses") and parts of a query pass: they
    are where needs come from. Queries have no type of their own; products and pairs have that of the catalog. COSMO
    (SIGMOD 2024) names exact matches and small edit distances; the rest is our design.
    """

    name: ClassVar[str] = "restates"
    products: pa.Table  # PRODUCT_SCHEMA
    language: str = "en"
    limit: float = 0.8  # in [0.5, 1]

    def __call__(self, hypotheses: pa.Table) -> NDArray[np.float64]:
        """See `HypothesisFilter`; in [0, 1], nan on a head without a text."""
        tails, _ = distinct(hypotheses["tail"])
        pairs = said_pairs(hypotheses, self.products)
        keys = [canonical(text, self.language) for text in tails]
        said = [canonical(text, self.language) for text in pairs.texts]
        near: NDArray[np.float64] = cpdist(
            np.array(keys, object)[pairs.tail].tolist(),
            np.array(said, object)[pairs.text].tolist(),
            scorer=Levenshtein.normalized_similarity,
            score_cutoff=_LEAST_SIMILARITY,
            dtype=np.float64,
        )
        words = [(frozenset(key.split()), f" {key} ") for key in keys]
        types = {number: frozenset(said[number].split()) for number in _of(pairs, Said.TYPE)}
        near[_where(pairs, Said.TYPE, lambda tail, text: bool(words[tail][0]) and words[tail][0] <= types[text])] = 1.0
        names = {number: _name(said[number]) for number in _of(pairs, Said.TITLE)}
        near[_where(pairs, Said.TITLE, lambda tail, text: bool(keys[tail]) and words[tail][1] in names[text])] = 1.0
        return pairs.largest(near)


def _name(title: str) -> str:
    """The words of a canonical title before the first one that connects, with spaces around."""
    words = title.split()
    end = next((at for at, word in enumerate(words) if word in _CONNECTING), len(words))
    return f" {' '.join(words[:end])} "


def _of(pairs: PairsOfTexts, said: Said) -> list[int]:
    """The texts that stand with heads as such."""
    texts: list[int] = np.unique(pairs.text[pairs.said == said.value]).tolist()
    return texts


def _where(pairs: PairsOfTexts, said: Said, holds: Callable[[int, int], bool]) -> NDArray[np.int64]:
    """The pairs of such a text for which something holds of tail and text."""
    rows = np.flatnonzero(pairs.said == said.value)
    both = zip(pairs.tail[rows].tolist(), pairs.text[rows].tolist(), strict=True)
    found: NDArray[np.int64] = rows[np.array([holds(tail, text) for tail, text in both], dtype=bool)]
    return found
