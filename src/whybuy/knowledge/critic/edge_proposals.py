"""Hypotheses merged to proposed edges, in columns: what the critic of a shop's graph scores."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.knowledge.numbering import distinct, joined_heads
from whybuy.text import canonical

MAX_TEXTS = 20  # texts by intent that features are read from


@dataclass(frozen=True)
class ProposedEdges:
    """Hypotheses merged: an edge is a head with an intent, an intent is a relation with a canonical tail.

    Arrays by edge have the shape (edges,), those by intent the shape (intents,).
    """

    edge_of: NDArray[np.int64]  # shape (hypotheses,)
    head: NDArray[np.int64]  # number of each edge's head
    intent: NDArray[np.int64]  # number of each edge's intent
    intent_of: dict[tuple[str, str], int]  # (relation, canonical tail) → its number
    head_of: dict[str, int]  # head kind and key, joined → its number
    wordings: list[str]  # the best supported tail by intent
    words: list[list[str]]  # texts that intents came from, by intent
    generators: list[str]
    generated: NDArray[np.bool_]  # shape (edges, generators): which of them proposed the edge
    plausibility: NDArray[np.float64]  # by statistics: 1 - prod(1 - p) over the hypotheses of the edge
    typicality: NDArray[np.float64]
    lift: NDArray[np.float64]
    support: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.intent)

    @cached_property
    def relations(self) -> list[str]:
        """Relation by intent."""
        return [relation for relation, _ in self.intent_of]

    @cached_property
    def tails(self) -> list[str]:
        """Canonical tail by intent."""
        return [tail for _, tail in self.intent_of]

    @cached_property
    def number(self) -> dict[tuple[int, int], int]:
        """Edge by head and intent."""
        pairs = zip(self.head.tolist(), self.intent.tolist(), strict=True)
        return {pair: edge for edge, pair in enumerate(pairs)}

    def find(self, judgments: pa.Table, language: str = "en") -> NDArray[np.int64]:
        """The edge of each judgment (or hypothesis), -1 where it is not proposed. Shape (rows,)."""
        intents = zip(judgments["relation"].to_pylist(), judgments["tail"].to_pylist(), strict=True)
        intent_of = [self.intent_of.get((relation, canonical(tail, language)), -1) for relation, tail in intents]
        heads = [self.head_of.get(name, -1) for name in joined_heads(judgments).to_pylist()]
        pairs = zip(heads, intent_of, strict=True)
        return np.array([self.number.get(pair, -1) for pair in pairs], np.int64)


def merge_proposals(hypotheses: pa.Table, language: str = "en") -> ProposedEdges:
    """Merge hypotheses (HYPOTHESIS_SCHEMA) to edges, in an order that does not depend on that of the rows."""
    heads, head = distinct(joined_heads(hypotheses))
    tails, wording = distinct(hypotheses["tail"])
    tail_of = [canonical(text, language) for text in tails]
    relations: list[str] = hypotheses["relation"].to_pylist()
    intent_names = [(relation, tail_of[code]) for relation, code in zip(relations, wording.tolist(), strict=True)]
    intent_of = {name: number for number, name in enumerate(sorted(set(intent_names)))}
    intent = np.array([intent_of[name] for name in intent_names], np.int64)
    keys, edge_of = np.unique(head * max(len(intent_of), 1) + intent, return_inverse=True)
    support = hypotheses["support"].to_numpy().astype(np.float64)
    generators, generator = distinct(hypotheses["generator"])
    generated = np.zeros((len(keys), len(generators)), bool)
    generated[edge_of, generator] = True
    improbable = np.ones(len(keys))
    np.multiply.at(improbable, edge_of, 1 - hypotheses["plausibility"].to_numpy())
    return ProposedEdges(
        edge_of,
        keys // max(len(intent_of), 1),
        keys % max(len(intent_of), 1),
        intent_of,
        {name: number for number, name in enumerate(heads)},
        _best_wordings(tails, wording, intent, support, len(intent_of)),
        _texts_by_intent(hypotheses["words"], intent, len(intent_of)),
        generators,
        generated,
        1 - improbable,
        _most(hypotheses["typicality"].to_numpy(), edge_of, len(keys)),
        _most(hypotheses["lift"].to_numpy(), edge_of, len(keys)),
        np.bincount(edge_of, support, len(keys)).astype(np.float64),
    )


def _most(values: NDArray[np.float64], edge_of: NDArray[np.int64], edges: int) -> NDArray[np.float64]:
    most = np.zeros(edges)
    np.maximum.at(most, edge_of, values)
    return most


def _best_wordings(
    tails: list[str], wording: NDArray[np.int64], intent: NDArray[np.int64], support: NDArray[np.float64], intents: int
) -> list[str]:
    best: list[tuple[float, str]] = [(-1.0, "")] * intents
    pairs, where = np.unique(np.stack([intent, wording]), axis=1, return_inverse=True)
    for (number, text), weight in zip(pairs.T.tolist(), np.bincount(where.ravel(), support).tolist(), strict=True):
        best[number] = max(best[number], (weight, tails[text]))
    return [text for _, text in best]


def _texts_by_intent(words: pa.ChunkedArray, intent: NDArray[np.int64], intents: int) -> list[list[str]]:
    texts_of: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for number, texts in zip(intent.tolist(), words.to_pylist(), strict=True):
        if len(texts_of[number]) < MAX_TEXTS:
            texts_of[number].update(dict.fromkeys(texts))
    return [list(texts_of[number])[:MAX_TEXTS] for number in range(intents)]
