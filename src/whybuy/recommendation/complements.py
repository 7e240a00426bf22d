"""What goes with a product: products that a claim <head, used_with, tail> of the graph joins by the words of titles.

The relation is COSMO's (SIGMOD 2024); how tails are joined to products is our design.
"""

from collections import defaultdict
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from whybuy.graph import KnowledgeGraph, RejectedEdges
from whybuy.recommendation.title_words import TitleWords
from whybuy.records import HeadKind, Hit, Reason
from whybuy.relations import Relation
from whybuy.text import lemma

NAMES, NAMED, SHARED, SIMILAR = "names", "named", "shared", "similar"
"""Stages: the product's claim names the other, the other's claim names it, both go with one thing, titles alone."""

WORTH = {NAMES: 1.0, NAMED: 0.5, SHARED: 0.25, SIMILAR: 0.5}
"""What a full score of each stage is worth: what a product is made for comes first (tuned on links of a shop)."""

_JOINS = (NAMES, NAMED, SHARED)
_LEAST_COVERED = 0.7  # share of a tail's words, by weight, that what it names must have

_Floats = NDArray[np.float64]


class Complements:
    """Products by what goes with them; in memory, safe for many threads.

    A tail names a product when title, up to what the thing is for, and brand have its words, the rare ones above all. A
    product goes with what its claims name, with what is claimed to go with it, and with what goes with the same thing,
    in this order; similar titles come first among these, and last where no claim joins them. Products of one kind are
    alternatives and do not go together: their types end in the same noun.
    """

    def __init__(
        self, products: pa.Table, graph: KnowledgeGraph, language: str = "en", rejected: RejectedEdges | None = None
    ) -> None:
        """products: PRODUCT_SCHEMA. rejected: edges of this graph that are left out; looked up anew for each answer."""
        self._products, self._graph, self._language = products, graph, language
        self._rejected = rejected or RejectedEdges(graph)

    def of(self, row: int, limit: int = 10) -> list[Hit]:
        """The products that go best with the product in this row of the catalog, each with the claims that join them.

        Scores: what the best join is worth plus what similar titles are, in (0, 1.5].
        """
        by_stage = self.scores(row)
        joined = np.max([WORTH[stage] * by_stage[stage] for stage in _JOINS], axis=0)
        total = joined + WORTH[SIMILAR] * by_stage[SIMILAR]
        total[self._alternatives(row)] = 0.0
        best = np.argsort(-total, kind="stable")[:limit]
        return [self._hit(row, other, by_stage, float(total[other])) for other in best.tolist() if total[other] > 0]

    def scores(self, row: int) -> dict[str, _Floats]:
        """The scores of all products by stage, alternatives among them. Shapes (products,), each in [0, 1]."""
        tails, words = self._tails_of(row), self._words
        weights = self._weights[tails]
        names = _strength(self._covered(tails, words.own), weights[:, None])
        named = _strength(self._covered(None, words.own[[row]])[:, 0], self._weights)
        mutual = np.sqrt(self._covered(tails, words.phrases > 0) * self._covered(None, words.phrases[tails] > 0).T)
        shared = _strength(mutual, np.sqrt(np.outer(weights, self._weights)))
        most = self._weights.max(initial=1.0)
        return {
            NAMES: names.max(axis=0, initial=0.0) / most,
            NAMED: self._best_claim(named) / most,
            SHARED: self._best_claim(shared.max(axis=0, initial=0.0)) / most,
            SIMILAR: (words.titles @ words.titles[[row]].T).toarray()[:, 0],
        }

    # ------------------------------------------------------------ claims
    @cached_property
    def _edges(self) -> pa.Table:
        """The edges that say what products and types are used with, with their rows in the graph."""
        edges = self._graph.edges
        kinds = self._graph.nodes["kind"].take(edges["head"])
        claiming = pc.is_in(kinds, value_set=pa.array([HeadKind.PRODUCT.value, HeadKind.TYPE.value]))
        used_with = pc.equal(edges["relation"].cast(pa.string()), Relation.USED_WITH.value)
        rows = np.flatnonzero(pc.and_(claiming, used_with).to_numpy())
        return edges.take(pa.array(rows)).append_column("row", pa.array(rows))

    @cached_property
    def _tail_nodes(self) -> NDArray[np.int64]:
        return np.unique(self._edges["tail"].to_numpy()).astype(np.int64)

    @cached_property
    def _tails(self) -> NDArray[np.int64]:
        """Number of the tail of each of `_edges`."""
        return np.asarray(np.searchsorted(self._tail_nodes, self._edges["tail"].to_numpy()), np.int64)

    @cached_property
    def _words(self) -> TitleWords:
        labels = [self._graph.label(node) for node in self._tail_nodes.tolist()]
        return TitleWords(self._products, labels, self._language)

    @cached_property
    def _weights(self) -> _Floats:
        """Of all words of each tail: long and rare names weigh most. Shape (tails,)."""
        return np.asarray(self._words.phrases.sum(axis=1), np.float64)

    @cached_property
    def _edge_of(self) -> dict[tuple[int, int], int]:
        """Edge row by product row and tail; where a product's own text claims nothing, what is claimed of its type.

        Without claims that another one of the product makes more precise.
        """
        columns = (self._edges[name].to_pylist() for name in ("row", "head"))
        tails_of: defaultdict[tuple[str, ...], dict[int, int]] = defaultdict(dict)
        for edge, head, tail in zip(*columns, self._tails.tolist(), strict=True):
            tails_of[self._graph.kind(head), self._graph.key(head)[0]][tail] = edge
        products = zip(*(self._products[name].to_pylist() for name in ("product_id", "product_type")), strict=True)
        claims = {
            row: tails_of.get((HeadKind.PRODUCT, product_id)) or tails_of.get((HeadKind.TYPE, kind), {})
            for row, (product_id, kind) in enumerate(products)
        }
        words = self._words.phrase_words
        return {
            (row, tail): edge
            for row, edges in claims.items()
            for tail, edge in edges.items()
            if not any(words[tail] < words[other] for other in edges)
        }

    @cached_property
    def _claims(self) -> sparse.csr_array:
        """Products × tails: the row of the edge that claims it, plus 1."""
        places = np.array([*self._edge_of], np.int64).reshape(-1, 2).T
        values = np.fromiter(self._edge_of.values(), np.int64) + 1
        return sparse.csr_array((values, tuple(places)), shape=(self._products.num_rows, len(self._tail_nodes)))

    def _current(self, claims: sparse.csr_array) -> sparse.csr_array:
        """Claims as 1, those of rejected edges as 0."""
        rejected = np.fromiter(self._rejected.rows.keys(), np.int64)
        kept = ~np.isin(claims.data - 1, rejected)
        return sparse.csr_array((kept.astype(np.float64), claims.indices, claims.indptr), shape=claims.shape)

    def _tails_of(self, row: int) -> NDArray[np.int64]:
        claims = self._current(self._claims[[row]])
        return np.asarray(claims.indices[claims.data > 0], np.int64)

    def _best_claim(self, by_tail: _Floats) -> _Floats:
        """For each product the most that a tail of its claims has. Shape (products,)."""
        claims = self._current(self._claims)
        if not claims.nnz:
            return np.zeros(claims.shape[0])
        return np.asarray((claims @ sparse.diags_array(by_tail)).max(axis=1).toarray(), np.float64).ravel()

    # ------------------------------------------------------------ joins
    def _covered(self, tails: NDArray[np.int64] | None, others: sparse.csr_array) -> _Floats:
        """The share of each tail's words, by weight, that each of the others has. Shape (tails, others).

        tails: None for all of them.
        """
        chosen = slice(None) if tails is None else tails
        weights = self._weights[chosen][:, None]
        shares: _Floats = (self._words.phrases[chosen] @ others.T).toarray() / weights
        return shares

    @cached_property
    def _kinds(self) -> NDArray[np.str_]:
        """The noun that each product's type ends in."""
        types = (name.split() for name in self._products["product_type"].to_pylist())
        return np.array([lemma(words[-1], self._language) if words else "" for words in types])

    def _alternatives(self, row: int) -> NDArray[np.bool_]:
        """Products of the same kind, and the product itself. Shape (products,)."""
        same = (self._kinds == self._kinds[row]) & (self._kinds != "")
        same[row] = True
        return np.asarray(same, np.bool_)

    # ------------------------------------------------------------ answers
    def _hit(self, row: int, other: int, by_stage: dict[str, _Floats], total: float) -> Hit:
        scores = {stage: round(float(each[other]), 6) for stage, each in by_stage.items() if each[other] > 0}
        stage = max(scores, key=lambda one: (one != SIMILAR, WORTH[one] * scores[one]))
        ids, titles = (self._products[name] for name in ("product_id", "title"))
        reasons = self._reasons(row, other, stage)
        return Hit(ids[other].as_py(), round(total, 6), stage, titles[other].as_py(), scores, reasons=reasons)

    def _reasons(self, row: int, other: int, stage: str) -> tuple[Reason, ...]:
        """The claims behind the best join: of the product, of the other, or of both."""
        mine, theirs, words = self._tails_of(row), self._tails_of(other), self._words
        if stage == SHARED:
            mutual = self._covered(mine, words.phrases[theirs] > 0) * self._covered(theirs, words.phrases[mine] > 0).T
            joined = _strength(np.sqrt(mutual), np.sqrt(np.outer(self._weights[mine], self._weights[theirs])))
            first, second = np.unravel_index(np.argmax(joined), joined.shape)
            return self._reason(row, int(mine[first])), self._reason(other, int(theirs[second]))
        if stage == SIMILAR:
            return ()
        head, thing, tails = (row, other, mine) if stage == NAMES else (other, row, theirs)
        strength = _strength(self._covered(tails, words.own[[thing]])[:, 0], self._weights[tails])
        return (self._reason(head, int(tails[np.argmax(strength)])),)

    def _reason(self, row: int, tail: int) -> Reason:
        triple = next(self._graph.triples([self._edge_of[row, tail]]))
        head = self._products["title"][row].as_py() if triple.head.kind is HeadKind.PRODUCT else str(triple.head)
        return Reason(head, triple.relation, triple.tail, round(triple.plausibility, 4))


def _strength(covered: _Floats, weights: _Floats) -> _Floats:
    """How sure tails name something: the square of the share of their words that it has, times what these weigh."""
    return np.where(covered >= _LEAST_COVERED, covered**2 * weights, 0.0)
