"""What may tell good edges from bad ones: counts, the form of the tail, and the words it was asked with (our design).

Most wrong edges of a mined graph are needs under a wrong relation, and a need is right or wrong for all its heads. So
most signs describe the need: what stands before it in queries, what its tail names, how it begins and ends.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from whybuy.knowledge.critic.edge_proposals import Edges
from whybuy.knowledge.proposing.patterns import Patterns
from whybuy.text import FUNCTION_WORDS, lemma, tokenize

COUNTS_SCALE = 0.5  # of a standardized count beside a word that is there or not


def edge_signs(edges: Edges, patterns: Patterns, product_types: set[str]) -> csr_matrix:
    """Signs of all edges, of about unit size. patterns: that know the product types. Shape (edges, signs)."""
    counts = _counts(edges)
    spread = np.maximum(counts.std(axis=0), 1e-9)
    words = _by_need(edges, _NeedReader(patterns, product_types))[edges.need]
    return csr_matrix(hstack([csr_matrix((counts - counts.mean(axis=0)) / spread * COUNTS_SCALE), words]))


def _counts(edges: Edges) -> NDArray[np.float64]:
    """Shape (edges, counts)."""
    needs = len(edges.wordings)
    relations_of_tail = Counter(edges.tails)
    by_need = np.column_stack(
        [
            np.log1p(np.bincount(edges.need, minlength=needs)),
            np.log1p(np.bincount(edges.need, edges.support, needs)),
            [len(tail.split()) for tail in edges.tails],
            [relations_of_tail[tail] > 1 for tail in edges.tails],
            [np.log1p(len(texts)) for texts in edges.words],
        ]
    ).reshape(needs, 5)
    of_edge = [
        np.log1p(edges.support),
        np.log(np.maximum(edges.lift, 1e-6)),
        edges.plausibility,
        edges.typicality,
        np.minimum(_held_by_longer(edges), 2.0),
    ]
    return np.column_stack([*of_edge, edges.generated, edges.generated.sum(axis=1) > 1, by_need[edges.need]])


def _held_by_longer(edges: Edges) -> NDArray[np.float64]:
    """How much of an edge's support a longer tail of the same head and relation has that ends in its words.

    "cone" beside "coffee cone" is but the end of a name (the idea of C-value, Frantzi et al. 2000).
    """
    held = np.zeros(len(edges))
    for edge, (head, need) in enumerate(zip(edges.head.tolist(), edges.need.tolist(), strict=True)):
        words = edges.tails[need].split()
        for start in range(1, len(words)):
            inner = edges.need_of.get((edges.relations[need], " ".join(words[start:])), -1)
            other = edges.number.get((head, inner), -1)
            if other >= 0:
                held[other] = max(held[other], edges.support[edge] / max(edges.support[other], 1.0))
    return held


class _NeedReader:
    """Says what can be seen of a need in its words."""

    def __init__(self, patterns: Patterns, product_types: set[str]) -> None:
        self._patterns = patterns
        self._type_words = {lemma(word, patterns.language) for name in product_types for word in tokenize(name)}

    def signs(self, relation: str, wording: str, texts: list[str]) -> Iterator[tuple[str, float]]:
        """Names of signs with their strengths in (0, 1]."""
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
        """Shares of the texts by the word before the need and the one after it; words of content are one."""
        found: Counter[str] = Counter()
        for text in texts:
            before, after = self._beside(lemmas, tokenize(text))
            found[f"after {before}"] += 1
            found[f"before {after}"] += 1
        return {place: count / len(texts) for place, count in found.items()}

    def _beside(self, lemmas: list[str], words: list[str]) -> tuple[str, str]:
        said = [lemma(word, self._patterns.language) for word in words]
        for start in range(len(said) - len(lemmas) + 1):
            if said[start : start + len(lemmas)] == lemmas:
                end = start + len(lemmas)
                return (
                    _function_word(words[start - 1]) if start else "nothing",
                    _function_word(words[end]) if end < len(words) else "nothing",
                )
        return "?", "?"


def _function_word(word: str) -> str:
    return word if word in FUNCTION_WORDS else "a word"


def _by_need(edges: Edges, reader: _NeedReader) -> csr_matrix:
    """Shape (needs, signs)."""
    number: dict[str, int] = {}
    rows, columns, strengths = [], [], []
    for need, wording in enumerate(edges.wordings):
        for name, strength in reader.signs(edges.relations[need], wording, edges.words[need]):
            rows.append(need)
            columns.append(number.setdefault(name, len(number)))
            strengths.append(strength)
    return csr_matrix((strengths, (rows, columns)), shape=(len(edges.wordings), len(number)))
