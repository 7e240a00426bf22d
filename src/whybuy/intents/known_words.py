"""Which words a shop knows for a reason: a guess about words that it has never seen is no answer (our design)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.graph.files import name_hash
from whybuy.text import FUNCTION_WORDS, lemmas

LEAST_OF_BARE = 2  # words of a query without a function word: a single noun may be another thing
LEAST_SHARE = 0.5  # of the words of a query that must be known for a reason


def telling_words(text: str) -> frozenset[int]:
    """The lemmas of a text but function words, as numbers."""
    return frozenset(name_hash(word) for word in lemmas(text) if word not in FUNCTION_WORDS)


@dataclass(frozen=True, slots=True, eq=False)
class KnownWords:
    """Words by reason; memory-mapped, safe for many threads."""

    starts: NDArray[np.int64]  # shape (reasons + 1,)
    words: NDArray[
        np.uint64
    ]  # shape (entries,): those of reason r are entries starts[r] up to starts[r + 1], ascending

    @classmethod
    def of(cls, labeled: Iterable[tuple[Sequence[str], csr_matrix]]) -> Self:
        """The words of all texts that have a reason. labeled: texts with a matrix of texts x reasons each."""
        parts = [(texts, csr_matrix(reasons)) for texts, reasons in labeled]
        reasons = parts[0][1].shape[1]
        pairs: list[NDArray[np.uint64]] = []
        for texts, matrix in parts:
            words = [np.array(sorted(telling_words(text)), np.uint64) for text in texts]
            for row, own in enumerate(words):
                labels = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]].astype(np.uint64)
                pairs.append(np.stack([np.repeat(labels, len(own)), np.tile(own, len(labels))]))
        reason, word = np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0), np.uint64)
        order = np.lexsort((word, reason))
        reason, word = reason[order], word[order]
        first = np.append(True, (np.diff(reason) > 0) | (np.diff(word) > 0))[: len(word)]
        starts = np.append(0, np.cumsum(np.bincount(reason[first].astype(np.int64), minlength=reasons)))
        return cls(starts, word[first])

    def support(self, reason: int, asked: Collection[int], *, bare: bool) -> bool:
        """Whether half of the words of a query are known for a reason, two at least of a query of bare nouns.

        asked: `telling_words` of the query. bare: whether it has no function word.
        """
        own = self.words[self.starts[reason] : self.starts[reason + 1]]
        wanted = np.fromiter(asked, np.uint64, len(asked))
        places = np.minimum(np.searchsorted(own, wanted), len(own) - 1)
        known = int(np.count_nonzero(own[places] == wanted)) if len(own) else 0
        return known >= (LEAST_OF_BARE if bare else 1) and known >= LEAST_SHARE * len(asked)
