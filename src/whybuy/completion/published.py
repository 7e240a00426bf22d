"""PrefXMRtree as published: previous query and prefix as features of one label tree (Yadav et al., KDD 2021)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix, hstack

from whybuy.completion.folding import fold
from whybuy.completion.hybrid_index import HybridIndex, LinkedIndex
from whybuy.completion.session_training import Lessons
from whybuy.vectors.letters import LetterVectorizer
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer
from whybuy.vectors.unit import unit_rows
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.ports import Indexer
from whybuy.xmr.training.trainer import TrainingConfig, train_tree
from whybuy.xmr.tree import XMRTree

LABELS_ASKED = 1000  # the beam of 10 times leaves of 100
_SEED = 0


class PrefixFeatures(Enum):
    """How a prefix enters the query vector."""

    NONE = "none"
    LETTERS = "runs of letters"
    BY_POSITION = "runs of letters, early ones heavier"


class IndexBy(Enum):
    """What the tree is made of."""

    QUERIES = "what labels were asked after (PIFA)"
    TEXT = "the labels' own letters"
    NOTHING = "the trie alone"


@dataclass(frozen=True, slots=True)
class Configuration:
    """One row of the paper's table 2 (fact sheet §4.4)."""

    prefix: PrefixFeatures
    index: IndexBy
    trie_depth: int = 0  # letters by which the tree branches first
    linked: int = 0  # letters that must be alike for labels to be never parted


CONFIGURATIONS = {
    0: Configuration(PrefixFeatures.NONE, IndexBy.QUERIES),
    1: Configuration(PrefixFeatures.NONE, IndexBy.TEXT),
    2: Configuration(PrefixFeatures.LETTERS, IndexBy.QUERIES),
    3: Configuration(PrefixFeatures.LETTERS, IndexBy.TEXT),
    4: Configuration(PrefixFeatures.BY_POSITION, IndexBy.QUERIES),
    5: Configuration(PrefixFeatures.BY_POSITION, IndexBy.TEXT),
    6: Configuration(PrefixFeatures.BY_POSITION, IndexBy.TEXT, trie_depth=1),
    7: Configuration(PrefixFeatures.BY_POSITION, IndexBy.TEXT, trie_depth=2),
    8: Configuration(PrefixFeatures.BY_POSITION, IndexBy.TEXT, trie_depth=3),
    9: Configuration(PrefixFeatures.BY_POSITION, IndexBy.NOTHING, trie_depth=16),
    10: Configuration(PrefixFeatures.LETTERS, IndexBy.NOTHING, trie_depth=16),
    11: Configuration(PrefixFeatures.BY_POSITION, IndexBy.TEXT, linked=5),
}
"""The paper's twelve, by number."""


class PublishedTree:
    """A tree of one configuration; answers only after another query, and only what a beam of 10 comes to."""

    def __init__(
        self, keys: Sequence[str], words: NgramVectorizer, letters: LetterVectorizer | None, tree: XMRTree
    ) -> None:
        self._keys, self._words, self._letters, self._tree = keys, words, letters, tree

    @classmethod
    def fit(cls, keys: Sequence[str], lessons: Lessons, config: Configuration, *, threads: int = 1) -> Self:
        """keys: of the labels, sorted."""
        prefixes, previous = typed_in(lessons, keys)
        words = NgramVectorizer.fit(previous, NgramConfig(words=1, characters=0), threads=threads)
        by_position = config.prefix is PrefixFeatures.BY_POSITION
        letters = LetterVectorizer.fit(prefixes, by_position=by_position)
        typed = None if config.prefix is PrefixFeatures.NONE else letters
        features = _vectors(words, typed, prefixes, previous)
        indexer = _indexer(keys, letters, config)
        labels = labels_of(lessons, len(keys))
        tree = train_tree(features, labels, config=TrainingConfig(indexer=indexer), threads=threads)
        return cls(keys, words, typed, tree)

    @property
    def label_tree(self) -> LabelTree:
        """The tree that the configuration asks for."""
        return self._tree.tree

    def vectors(self, prefixes: Sequence[str], previous: Sequence[str]) -> csr_matrix:
        """What the tree is asked with. Shape (prefixes, features), rows of length 1. All folded."""
        return _vectors(self._words, self._letters, prefixes, previous)

    def complete(self, prefix: str, previous: Sequence[str], *, limit: int = 10) -> list[str]:
        """prefix: folded. previous: the query just before first; nothing is found without one."""
        if not previous:
            return []
        row = self.vectors([prefix], [fold(previous[0])])
        found, _ = self._tree.search(row.indices, row.data, beam=10, limit=LABELS_ASKED)
        texts = (self._keys[label] for label in found.tolist())
        return [text for text in texts if text.startswith(prefix)][:limit]


def typed_in(lessons: Lessons, keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """Of each lesson one prefix, of a length drawn evenly, and the query just before, folded."""
    rng = np.random.default_rng(_SEED)
    texts = [keys[row] for row in lessons.rows.tolist()]
    prefixes = [text[: rng.integers(1, len(text) + 1)] for text in texts]
    return prefixes, [fold(queries[0]) for queries in lessons.previous]


def labels_of(lessons: Lessons, labels: int) -> csr_matrix:
    """Lessons x labels, 1 where a lesson teaches a label."""
    count = len(lessons.rows)
    return csr_matrix((np.ones(count, np.float32), (np.arange(count), lessons.rows)), shape=(count, labels))


def _vectors(
    words: NgramVectorizer, letters: LetterVectorizer | None, prefixes: Sequence[str], previous: Sequence[str]
) -> csr_matrix:
    rows = words.transform(previous)
    return unit_rows(csr_matrix(hstack([rows, letters.transform(prefixes)]))) if letters else rows


@dataclass(frozen=True, slots=True)
class _ByText:
    """Makes a tree of the labels' own letters, whatever they were asked after; an `Indexer`."""

    embeddings: csr_matrix
    indexer: Indexer

    def __call__(self, embeddings: csr_matrix, *, threads: int = 1) -> LabelTree:
        return self.indexer(self.embeddings, threads=threads)


def _indexer(keys: Sequence[str], letters: LetterVectorizer, config: Configuration) -> Indexer:
    clusters: Indexer = BalancedKMeans(branching=2, leaf_size=100)
    if config.trie_depth:
        below = None if config.index is IndexBy.NOTHING else clusters
        clusters = HybridIndex(keys, config.trie_depth, below)
    if config.linked:
        clusters = LinkedIndex(keys, config.linked, clusters)
    return _ByText(letters.transform(keys), clusters) if config.index is IndexBy.TEXT else clusters
