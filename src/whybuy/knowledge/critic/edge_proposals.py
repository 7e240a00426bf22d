"""Proposed edges of the graph, one row each, as the critic of a shop sees them."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.knowledge.numbering import distinct, joined_heads
from whybuy.text import canonical

WORDS_KEPT = 20  # texts by need that signs are read from


@dataclass(frozen=True)
class Edges:
    """What was proposed, merged: an edge is a head with a need, a need a relation with a canonical tail.

    Arrays by edge have the shape (edges,), those by need the shape (needs,).
    """

    edge_of: NDArray[np.int64]  # shape (hypotheses,)
    head: NDArray[np.int64]  # number of each edge's head
    need: NDArray[np.int64]  # number of each edge's need
    need_of: dict[tuple[str, str], int]  # (relation, canonical tail) → its number
    head_of: dict[str, int]  # head kind and key, joined → its number
    wordings: list[str]  # the best supported tail by need
    words: list[list[str]]  # texts that needs came from, by need
    generators: list[str]
    generated: NDArray[np.bool_]  # shape (edges, generators): which of them proposed the edge
    plausibility: NDArray[np.float64]  # by statistics; generators count as independent witnesses
    typicality: NDArray[np.float64]
    lift: NDArray[np.float64]
    support: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.need)

    @cached_property
    def relations(self) -> list[str]:
        """Relation by need."""
        return [relation for relation, _ in self.need_of]

    @cached_property
    def tails(self) -> list[str]:
        """Canonical tail by need."""
        return [tail for _, tail in self.need_of]

    @cached_property
    def number(self) -> dict[tuple[int, int], int]:
        """Edge by head and need."""
        pairs = zip(self.head.tolist(), self.need.tolist(), strict=True)
        return {pair: edge for edge, pair in enumerate(pairs)}

    def find(self, judgments: pa.Table, language: str = "en") -> NDArray[np.int64]:
        """The edges that judgments (or hypotheses) speak of, -1 where one is not proposed. Shape (rows,)."""
        needs = zip(judgments["relation"].to_pylist(), judgments["tail"].to_pylist(), strict=True)
        need_of = [self.need_of.get((relation, canonical(tail, language)), -1) for relation, tail in needs]
        heads = [self.head_of.get(name, -1) for name in joined_heads(judgments).to_pylist()]
        pairs = zip(heads, need_of, strict=True)
        return np.array([self.number.get(pair, -1) for pair in pairs], np.int64)


def merge_edges(hypotheses: pa.Table, language: str = "en") -> Edges:
    """Hypotheses (HYPOTHESIS_SCHEMA) by edge, in a deterministic order."""
    heads, head = distinct(joined_heads(hypotheses))
    tails, wording = distinct(hypotheses["tail"])
    tail_of = [canonical(text, language) for text in tails]
    relations: list[str] = hypotheses["relation"].to_pylist()
    need_names = [(relation, tail_of[code]) for relation, code in zip(relations, wording.tolist(), strict=True)]
    need_of = {name: number for number, name in enumerate(sorted(set(need_names)))}
    need = np.array([need_of[name] for name in need_names], np.int64)
    keys, edge_of = np.unique(head * max(len(need_of), 1) + need, return_inverse=True)
    support = hypotheses["support"].to_numpy().astype(np.float64)
    generators, generator = distinct(hypotheses["generator"])
    generated = np.zeros((len(keys), len(generators)), bool)
    generated[edge_of, generator] = True
    doubted = np.ones(len(keys))
    np.multiply.at(doubted, edge_of, 1 - hypotheses["plausibility"].to_numpy())
    return Edges(
        edge_of,
        keys // max(len(need_of), 1),
        keys % max(len(need_of), 1),
        need_of,
        {name: number for number, name in enumerate(heads)},
        _best_wordings(tails, wording, need, support, len(need_of)),
        _texts_by_need(hypotheses["words"], need, len(need_of)),
        generators,
        generated,
        1 - doubted,
        _most(hypotheses["typicality"].to_numpy(), edge_of, len(keys)),
        _most(hypotheses["lift"].to_numpy(), edge_of, len(keys)),
        np.bincount(edge_of, support, len(keys)).astype(np.float64),
    )


def _most(values: NDArray[np.float64], edge_of: NDArray[np.int64], edges: int) -> NDArray[np.float64]:
    most = np.zeros(edges)
    np.maximum.at(most, edge_of, values)
    return most


def _best_wordings(
    tails: list[str], wording: NDArray[np.int64], need: NDArray[np.int64], support: NDArray[np.float64], needs: int
) -> list[str]:
    best: list[tuple[float, str]] = [(-1.0, "")] * needs
    pairs, where = np.unique(np.stack([need, wording]), axis=1, return_inverse=True)
    for (of, said), weight in zip(pairs.T.tolist(), np.bincount(where.ravel(), support).tolist(), strict=True):
        best[of] = max(best[of], (weight, tails[said]))
    return [text for _, text in best]


def _texts_by_need(words: pa.ChunkedArray, need: NDArray[np.int64], needs: int) -> list[list[str]]:
    found: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for of, texts in zip(need.tolist(), words.to_pylist(), strict=True):
        if len(found[of]) < WORDS_KEPT:
            found[of].update(dict.fromkeys(texts))
    return [list(found[of])[:WORDS_KEPT] for of in range(needs)]
