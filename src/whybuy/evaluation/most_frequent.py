"""The baseline MFQ: the most frequent past queries that begin with a prefix (as in Yadav et al., KDD 2021)."""

from collections.abc import Mapping, Sequence

import numpy as np

from whybuy.completion.prefix_index import PrefixIndex


class MostFrequent:
    """All queries of a log by frequency."""

    def __init__(self, counts: Mapping[str, float]) -> None:
        """counts: of searches, by folded query."""
        self._keys = sorted(counts)
        weights = np.array([counts[key] for key in self._keys], np.float32)
        self._index = PrefixIndex.build(self._keys, np.arange(len(self._keys)), weights)

    def complete(self, prefix: str, *, limit: int = 10) -> Sequence[str]:
        """The most frequent queries; where there are too few, those of ever shorter prefixes follow, as published."""
        codes = self._index.encode(prefix)
        rows = dict.fromkeys(self._index.beginning(codes, limit).tolist())
        while len(codes) and len(rows) < limit:
            codes = codes[:-1]
            rows |= dict.fromkeys(self._index.beginning(codes, limit).tolist())
        return [self._keys[row] for row in list(rows)[:limit]]
