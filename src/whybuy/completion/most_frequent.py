"""The baseline of the field: the most frequent past queries that begin with a prefix (MFQ; fact sheet §4.5)."""

from collections.abc import Mapping, Sequence

import numpy as np

from whybuy.completion.prefix_index import PrefixIndex


class MostFrequent:
    """All queries of a log, by how often they were asked."""

    def __init__(self, asked: Mapping[str, float]) -> None:
        """asked: times, by folded query."""
        self._keys = sorted(asked)
        counts = np.array([asked[key] for key in self._keys], np.float32)
        self._index = PrefixIndex.build(self._keys, np.arange(len(self._keys)), counts)

    def complete(self, prefix: str, *, limit: int = 10) -> Sequence[str]:
        """The most frequent, filled up, as published, by those of ever shorter prefixes, which may not match."""
        codes = self._index.encode(prefix)
        found = dict.fromkeys(self._index.beginning(codes, limit).tolist())
        while len(codes) and len(found) < limit:
            codes = codes[:-1]
            found |= dict.fromkeys(self._index.beginning(codes, limit).tolist())
        return [self._keys[row] for row in list(found)[:limit]]
