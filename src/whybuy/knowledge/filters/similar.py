"""The filter of tails that paraphrase their head."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.knowledge.filters.text_pairs import TextPairs, head_texts
from whybuy.knowledge.numbering import distinct
from whybuy.language.encoder import Encoder
from whybuy.relations import Relation
from whybuy.text import canonical

_BLOCK = 1 << 16  # pairs at once


@dataclass(frozen=True, slots=True)
class Similar:
    """Rejects paraphrases: the largest cosine of a tail to its query, or to a title or type of its products.

    The filter abstains on heads without a text, on a tail that is a part of the text (reasons come from there), and on
    `is_a` (synonyms are paraphrases by nature). COSMO (SIGMOD 2024) compares with query and product by an encoder
    of its own.
    """

    name: ClassVar[str] = "similar"
    products: pa.Table  # PRODUCT_SCHEMA
    encoder: Encoder
    language: str = "en"
    limit: float = 0.97  # cosine, in [-1, 1]; the catalog encoder takes what is searched together for similar

    def __call__(self, hypotheses: pa.Table) -> NDArray[np.float64]:
        """See `HypothesisFilter`; a cosine."""
        tails, _ = distinct(hypotheses["tail"])
        pairs = head_texts(hypotheses, self.products)
        cosines = np.full(len(pairs.tail), np.nan)
        compared = np.flatnonzero(~self._is_part(tails, pairs))
        if len(compared):
            cosines[compared] = self._cosines(tails, pairs, compared)
        is_name = pc.equal(hypotheses["relation"], Relation.IS_A.value).to_numpy()
        return np.where(is_name, np.nan, pairs.largest(cosines))

    def _is_part(self, tails: Sequence[str], pairs: TextPairs) -> NDArray[np.bool_]:
        """Where a text has all words of the tail, and more."""
        of_tail = [frozenset(canonical(text, self.language).split()) for text in tails]
        of_text = [frozenset(canonical(text, self.language).split()) for text in pairs.texts]
        both = zip(pairs.tail.tolist(), pairs.text.tolist(), strict=True)
        return np.array([of_tail[tail] < of_text[text] for tail, text in both], dtype=bool)

    def _cosines(self, tails: Sequence[str], pairs: TextPairs, compared: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of the chosen pairs, text by text so that only a part of the vectors is held at once."""
        compared_by_text = np.argsort(pairs.text[compared], kind="stable")
        cosines = np.zeros(len(compared))
        needed, place = np.unique(pairs.tail[compared], return_inverse=True)
        of_tail = self.encoder([tails[number] for number in needed.tolist()])
        for start in range(0, len(compared), _BLOCK):
            rows = compared_by_text[start : start + _BLOCK]
            texts, text = np.unique(pairs.text[compared[rows]], return_inverse=True)
            of_text = self.encoder([pairs.texts[number] for number in texts.tolist()])
            cosines[rows] = np.einsum("ij,ij->i", of_tail[place[rows]], of_text[text])
        return cosines
