"""The baseline PrefXMRtree: previous query and prefix as features of one label tree (Yadav et al., KDD 2021).

arXiv 2012.07654. Our own session ranker bounds the search by the prefix instead of using it as a feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix, hstack

from whybuy.completion.folding import fold
from whybuy.completion.hybrid_index import HybridIndex, first_letters
from whybuy.completion.session_training import SessionTrainingSet
from whybuy.vectors.letters import LetterVectorizer
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer
from whybuy.vectors.unit import unit_rows
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.paths import paths_of, tree_of_paths
from whybuy.xmr.training.ports import Indexer
from whybuy.xmr.training.trainer import TrainingConfig, train_tree
from whybuy.xmr.tree import XMRTree

MAX_LABELS = 1000  # that a beam of 10 with leaves of 100 reaches
_SEED = 0


class PrefixFeatures(Enum):
    """How a prefix is turned into features."""

    NONE = "none"
    LETTERS = "runs of letters"
    BY_POSITION = "runs of letters, early ones heavier"


class IndexBy(Enum):
    """What the labels are clustered by."""

    QUERIES = "the queries before labels (PIFA)"
    TEXT = "the labels' own letters"
    NOTHING = "the trie alone"


@dataclass(frozen=True, slots=True)
class Configuration:
    """One row of the paper's table 2."""

    prefix: PrefixFeatures
    index: IndexBy
    trie_depth: int = 0  # letters by which the tree branches first
    linked: int = 0  # first letters; labels that share them stay together


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
    """A trained tree of one configuration; completes only after a query, among the labels that a beam of 10 finds."""

    def __init__(
        self, keys: Sequence[str], words: NgramVectorizer, letters: LetterVectorizer | None, tree: XMRTree
    ) -> None:
        self._keys, self._words, self._letters, self._tree = keys, words, letters, tree

    @classmethod
    def fit(cls, keys: Sequence[str], pairs: SessionTrainingSet, config: Configuration, *, threads: int = 1) -> Self:
        """Train a tree on pairs of previous queries and labels. keys: folded texts of the labels, sorted."""
        prefixes, previous = typed_prefixes(pairs, keys)
        words = NgramVectorizer.fit(previous, NgramConfig(words=1, characters=0), threads=threads)
        by_position = config.prefix is PrefixFeatures.BY_POSITION
        letters = LetterVectorizer.fit(prefixes, by_position=by_position)
        typed = None if config.prefix is PrefixFeatures.NONE else letters
        features = _vectors(words, typed, prefixes, previous)
        indexer = _indexer(keys, letters, config)
        labels = label_matrix(pairs, len(keys))
        tree = train_tree(features, labels, config=TrainingConfig(indexer=indexer), threads=threads)
        return cls(keys, words, typed, tree)

    @property
    def label_tree(self) -> LabelTree:
        """The tree that the configuration asks for."""
        return self._tree.tree

    def vectors(self, prefixes: Sequence[str], previous: Sequence[str]) -> csr_matrix:
        """Features of keystrokes. prefixes, previous: folded. Returns: shape (prefixes, features), rows of length 1."""
        return _vectors(self._words, self._letters, prefixes, previous)

    def complete(self, prefix: str, previous: Sequence[str], *, limit: int = 10) -> list[str]:
        """At most `limit` keys that begin with a folded prefix, best first; none without a previous query.

        previous: queries of the session, the one just before first, of which the others do not count.
        """
        if not previous:
            return []
        row = self.vectors([prefix], [fold(previous[0])])
        labels, _ = self._tree.search(row.indices, row.data, beam=10, limit=MAX_LABELS)
        texts = (self._keys[label] for label in labels.tolist())
        return [text for text in texts if text.startswith(prefix)][:limit]


def typed_prefixes(pairs: SessionTrainingSet, keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """For each pair one prefix of the label, of a length drawn evenly, and the query just before; both folded."""
    rng = np.random.default_rng(_SEED)
    texts = [keys[row] for row in pairs.rows.tolist()]
    prefixes = [text[: rng.integers(1, len(text) + 1)] for text in texts]
    return prefixes, [fold(queries[0]) for queries in pairs.previous]


def label_matrix(pairs: SessionTrainingSet, labels: int) -> csr_matrix:
    """Pairs x labels: 1 for the label of each pair."""
    count = len(pairs.rows)
    return csr_matrix((np.ones(count, np.float32), (np.arange(count), pairs.rows)), shape=(count, labels))


def _vectors(
    words: NgramVectorizer, letters: LetterVectorizer | None, prefixes: Sequence[str], previous: Sequence[str]
) -> csr_matrix:
    rows = words.transform(previous)
    return unit_rows(csr_matrix(hstack([rows, letters.transform(prefixes)]))) if letters else rows


@dataclass(frozen=True, slots=True)
class LinkedIndex:
    """Clusters of labels that keep together all labels with the same first letters; an `Indexer`."""

    texts: Sequence[str]  # of the labels
    depth: int  # letters
    clusters: Indexer

    def __call__(self, embeddings: csr_matrix, *, threads: int = 1) -> LabelTree:
        """embeddings: labels x features."""
        _, group = np.unique(first_letters(self.texts, self.depth), axis=0, return_inverse=True)
        labels = np.arange(len(self.texts))
        sums = csr_matrix((np.ones(len(labels), np.float32), (group.ravel(), labels))) @ embeddings
        return tree_of_paths(paths_of(self.clusters(csr_matrix(sums), threads=threads))[group.ravel()])


@dataclass(frozen=True, slots=True)
class _ByText:
    """Clusters labels by their own letters instead of the queries before them; an `Indexer`."""

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
