"""Features of proposed edges: counts, the form of the tail, and its neighbors in queries and descriptions (our design).

Most wrong edges of a mined graph have the right tail under a wrong relation, and an intent is right or wrong for all
its heads. So most features describe the intent: the word before it in queries, what its tail names, its first and last
word.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from whybuy.knowledge.critic.edge_proposals import ProposedEdges
from whybuy.knowledge.proposing.patterns import Patterns
from whybuy.text import FUNCTION_WORDS, lemma, tokenize

COUNTS_SCALE = 0.5  # of a standardized count beside a word that is there or not


def edge_features(edges: ProposedEdges, patterns: Patterns, product_types: set[str]) -> csr_matrix:
    """Features of all edges, of about unit size.

    patterns: of `Patterns.with_product_types`. Returns: shape (edges, features).
    """
    counts = _counts(edges)
    spread = np.maximum(counts.std(axis=0), 1e-9)
    words = _by_intent(edges, _IntentFeatures(patterns, product_types))[edges.intent]
    return csr_matrix(hstack([csr_matrix((counts - counts.mean(axis=0)) / spread * COUNTS_SCALE), words]))


def _counts(edges: ProposedEdges) -> NDArray[np.float64]:
    """Shape (edges, counts)."""
    intents = len(edges.wordings)
    relations_of_tail = Counter(edges.tails)
    by_intent = np.column_stack(
        [
            np.log1p(np.bincount(edges.intent, minlength=intents)),
            np.log1p(np.bincount(edges.intent, edges.support, intents)),
            [len(tail.split()) for tail in edges.tails],
            [relations_of_tail[tail] > 1 for tail in edges.tails],
            [np.log1p(len(texts)) for texts in edges.words],
        ]
    ).reshape(intents, 5)
    of_edge = [
        np.log1p(edges.support),
        np.log(np.maximum(edges.lift, 1e-6)),
        edges.plausibility,
        edges.typicality,
        np.minimum(_held_by_longer(edges), 2.0),
    ]
    return np.column_stack([*of_edge, edges.generated, edges.generated.sum(axis=1) > 1, by_intent[edges.intent]])


def _held_by_longer(edges: ProposedEdges) -> NDArray[np.float64]:
    """Support of a longer tail that ends in the same words, under one head and relation, over the edge's own support.

    The largest such ratio: "cone" beside "coffee cone" is but the end of a name (the idea of C-value, Frantzi et al.
    2000).
    """
    held = np.zeros(len(edges))
    for edge, (head, intent) in enumerate(zip(edges.head.tolist(), edges.intent.tolist(), strict=True)):
        words = edges.tails[intent].split()
        for start in range(1, len(words)):
            inner = edges.intent_of.get((edges.relations[intent], " ".join(words[start:])), -1)
            other = edges.number.get((head, inner), -1)
            if other >= 0:
                held[other] = max(held[other], edges.support[edge] / max(edges.support[other], 1.0))
    return held


class _IntentFeatures:
    """The features of an intent that its words show."""

    def __init__(self, patterns: Patterns, product_types: set[str]) -> None:
        self._patterns = patterns
        self._type_words = {lemma(word, patterns.language) for name in product_types for word in tokenize(name)}

    def features(self, relation: str, wording: str, texts: list[str]) -> Iterator[tuple[str, float]]:
        """Features as names with values in (0, 1]. texts: queries and descriptions that the intent was found in."""
        words = tokenize(wording)
        lemmas = [lemma(word, self._patterns.language) for word in words]
        kind = self._patterns.kind(wording)
        of_kind = kind.name if kind else "unknown"
        of_type = [word in self._type_words for word in lemmas]
        yield relation, 1.0
        for name in (f"names {of_kind}", f"ends in {lemmas[-1]}" if lemmas else "empty"):
            yield name, 0.5
            yield f"{relation}, {name}", 1.0
        if lemmas:
            yield f"{relation}, begins with {lemmas[0]}", 0.5
            yield f"{relation}, gerund {words[0].endswith('ing')}", 1.0
        yield f"{relation}, {min(len(words), 4)} words", 1.0
        yield f"{relation}, product words: {'all' if all(of_type) else 'last' if of_type[-1] else 'else'}", 1.0
        if any(letter.isdigit() for letter in wording):
            yield "number", 1.0
        for place, share in self._surroundings(lemmas, texts).items():
            yield place, share
            yield f"{relation}, {place}", share
            if place.startswith("after "):
                yield f"{relation}, names {of_kind}, {place}", share

    def _surroundings(self, lemmas: list[str], texts: list[str]) -> dict[str, float]:
        """Shares of the texts by the word before the tail and the one after it; all content words count as one."""
        counts: Counter[str] = Counter()
        for text in texts:
            before, after = self._beside(lemmas, tokenize(text))
            counts[f"after {before}"] += 1
            counts[f"before {after}"] += 1
        return {place: count / len(texts) for place, count in counts.items()}

    def _beside(self, lemmas: list[str], words: list[str]) -> tuple[str, str]:
        text = [lemma(word, self._patterns.language) for word in words]
        for start in range(len(text) - len(lemmas) + 1):
            if text[start : start + len(lemmas)] == lemmas:
                end = start + len(lemmas)
                return (
                    _function_word(words[start - 1]) if start else "nothing",
                    _function_word(words[end]) if end < len(words) else "nothing",
                )
        return "?", "?"


def _function_word(word: str) -> str:
    return word if word in FUNCTION_WORDS else "a word"


def _by_intent(edges: ProposedEdges, extractor: _IntentFeatures) -> csr_matrix:
    """Shape (intents, features)."""
    number: dict[str, int] = {}
    rows, columns, strengths = [], [], []
    for intent, wording in enumerate(edges.wordings):
        for name, strength in extractor.features(edges.relations[intent], wording, edges.words[intent]):
            rows.append(intent)
            columns.append(number.setdefault(name, len(number)))
            strengths.append(strength)
    return csr_matrix((strengths, (rows, columns)), shape=(len(edges.wordings), len(number)))
