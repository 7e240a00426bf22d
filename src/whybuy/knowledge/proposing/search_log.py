"""Search-buy pairs in columns, with their rows by query: the input of proposers that read queries."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import sparse

from whybuy.behavior.signals import strongest
from whybuy.knowledge.proposing.association import background
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.query_intents import LoggedQuery
from whybuy.knowledge.proposing.statistics import Floats
from whybuy.records import Behavior
from whybuy.text import lemma, tokenize

SAMPLE = 5  # pair ids and queries kept per hypothesis


class SearchLog:
    """Search-buy pairs, by number and by query."""

    def __init__(self, inputs: ProposerInput) -> None:
        pairs = inputs.pairs_of(Behavior.SEARCH_BUY)
        self.inputs = inputs
        self.pair_ids: list[str] = pairs["pair_id"].to_pylist()
        self.queries: list[str] = pairs["left"].to_pylist()
        self.rows = inputs.rows(pairs["right"])
        self.purchases: Floats = strongest(pairs).to_numpy().astype(np.float64)  # carts or clicks where none are logged
        self.background = background(self.rows, self.purchases, len(inputs.ids))
        self.pairs_of: defaultdict[str, list[int]] = defaultdict(list)
        for pair, query in enumerate(self.queries):
            self.pairs_of[query].append(pair)

    def by_product(self, pairs_of: Sequence[Sequence[int]]) -> sparse.csr_array:
        """Purchases in several lists of pairs, by product. Shape (lists, products)."""
        pairs = np.array([pair for some in pairs_of for pair in some], dtype=np.int64)
        lists = np.repeat(np.arange(len(pairs_of)), [len(some) for some in pairs_of])
        shape = (len(pairs_of), len(self.inputs.ids))
        return sparse.csr_array((self.purchases[pairs], (lists, self.rows[pairs])), shape=shape)

    def logged_queries(self) -> Iterator[LoggedQuery]:
        """Every query that led to a purchase, with the share of its purchases whose product has each of its words."""
        for query, pairs in self.pairs_of.items():
            weight = float(self.purchases[pairs].sum())
            if weight > 0:
                counts = self._purchases_with_words(query, pairs)
                yield LoggedQuery(query, weight, {word: count / weight for word, count in counts.items()})

    def _purchases_with_words(self, query: str, pairs: list[int]) -> dict[str, float]:
        """Purchases whose product has a word of the query, by the word's lemma."""
        words = {lemma(word, self.inputs.language) for word in tokenize(query)}
        counts: defaultdict[str, float] = defaultdict(float)
        for pair in pairs:
            for word in words & self.inputs.product_lemmas[self.rows[pair]]:
                counts[word] += float(self.purchases[pair])
        return counts
