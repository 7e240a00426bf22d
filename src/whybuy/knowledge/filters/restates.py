"""The filter of tails that repeat their head."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist

from whybuy.knowledge.filters.text_pairs import TextPairs, TextRole, head_texts
from whybuy.knowledge.numbering import distinct
from whybuy.text import canonical

_CONNECTING = frozenset("for in on as to".split())
_MIN_SIMILARITY = 0.5  # below it a pair counts as 0, which no limit reaches


@dataclass(frozen=True, slots=True)
class Restates:
    """Rejects a tail that equals its head's query, title, type or trait, or nearly so, or that is a part of the title.

    The score is 1 - edits / letters of the longer text, in canonical form. A tail of words of the type alone, or a run
    of words of the title, scores 1; what stands in a title behind a connecting word ("for nurses") and parts of a query
    pass, since reasons come from there. Queries have no type of their own; products and pairs have that of the catalog.
    COSMO (SIGMOD 2024) names exact matches and small edit distances; the rest is our design.
    """

    name: ClassVar[str] = "restates"
    products: pa.Table  # PRODUCT_SCHEMA
    language: str = "en"
    limit: float = 0.8  # in [0.5, 1]

    def __call__(self, hypotheses: pa.Table) -> NDArray[np.float64]:
        """See `HypothesisFilter`; in [0, 1], nan on a head without a text."""
        tails, _ = distinct(hypotheses["tail"])
        pairs = head_texts(hypotheses, self.products)
        keys = [canonical(text, self.language) for text in tails]
        texts = [canonical(text, self.language) for text in pairs.texts]
        near: NDArray[np.float64] = cpdist(
            np.array(keys, object)[pairs.tail].tolist(),
            np.array(texts, object)[pairs.text].tolist(),
            scorer=Levenshtein.normalized_similarity,
            score_cutoff=_MIN_SIMILARITY,
            dtype=np.float64,
        )
        words = [(frozenset(key.split()), f" {key} ") for key in keys]
        types = {number: frozenset(texts[number].split()) for number in _of(pairs, TextRole.TYPE)}
        of_type = _where(
            pairs, TextRole.TYPE, lambda tail, text: bool(words[tail][0]) and words[tail][0] <= types[text]
        )
        near[of_type] = 1.0
        runs = {number: _name(texts[number]) for number in _of(pairs, TextRole.TITLE)}
        of_title = _where(pairs, TextRole.TITLE, lambda tail, text: bool(keys[tail]) and words[tail][1] in runs[text])
        near[of_title] = 1.0
        return pairs.largest(near)


def _name(title: str) -> str:
    """The words of a canonical title before the first one that connects, with spaces around."""
    words = title.split()
    end = next((at for at, word in enumerate(words) if word in _CONNECTING), len(words))
    return f" {' '.join(words[:end])} "


def _of(pairs: TextPairs, role: TextRole) -> list[int]:
    """Numbers of the texts that some head has in this role."""
    texts: list[int] = np.unique(pairs.text[pairs.role == role.value]).tolist()
    return texts


def _where(pairs: TextPairs, role: TextRole, holds: Callable[[int, int], bool]) -> NDArray[np.int64]:
    """Rows of the pairs with a text of this role for which `holds(tail, text)`."""
    rows = np.flatnonzero(pairs.role == role.value)
    both = zip(pairs.tail[rows].tolist(), pairs.text[rows].tolist(), strict=True)
    matching: NDArray[np.int64] = rows[np.array([holds(tail, text) for tail, text in both], dtype=bool)]
    return matching
