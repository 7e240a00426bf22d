"""Trains the label tree over a shop's products: on searches, on the products' own texts and on the shop's reasons."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix

from whybuy.catalog.product_text import product_texts
from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.retrieval.ngram_index import NgramIndex
from whybuy.retrieval.node_names import name_nodes
from whybuy.retrieval.training_set import TrainingSet, text_training_set
from whybuy.retrieval.tree import Logs, Texts, TreeIndex
from whybuy.text import bag_of_words
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.training import trainer
from whybuy.xmr.training.chunk import Chunk
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.ports import NodeTask, Ranker
from whybuy.xmr.training.solver import SvmRanker
from whybuy.xmr.training.trainer import TrainingConfig

MIN_COST = 0.03  # of an error against one search, however few searches there are


@dataclass(frozen=True, slots=True)
class TreeConfig:
    """The [tree] table of `store.toml`; tuned on training queries of Home Depot and on the looked-at demo."""

    beam: int = 20  # nodes kept on each level of a search
    branching: int = 32
    leaf_size: int = 64  # products under one leaf, at most
    cost: float = 0.1  # of an error against one search, at the most; see `_Cautious`
    threshold: float = 0.02  # weights below are left out
    prior: float = 3.0  # strength of a product's own text in its ranker before training
    threads: int = field(default=2, metadata=HOW_ONLY)


TREE_CONFIG = ConfigTable("tree", TreeConfig)


@dataclass(frozen=True, slots=True)
class _Cautious:
    """A `Ranker` that regularizes the rankers of products more where searches are few.

    Our design: a product's ranker is drawn to its own text (the prior), and the fewer searches a product has on
    average, the less an error against a single one of them costs.
    """

    nodes: Ranker
    products: Ranker

    def __call__(self, features: csr_matrix, task: NodeTask) -> Chunk:
        """Train the children of a node; those of the leaves have a prior."""
        return (self.products if task.prior is not None else self.nodes)(features, task)


@dataclass(frozen=True, slots=True, eq=False)
class TreeTrainer:
    """Trains the trees of a shop: the one that is served, and those that a reranker is trained with."""

    products: pa.Table  # `records.PRODUCT_SCHEMA`
    searches: TrainingSet
    reasons: TrainingSet
    config: TreeConfig
    seed: int = field(default=0, kw_only=True)  # of clusters, of the order of examples, and of the reranker

    def train(self) -> TreeIndex:
        """The tree of the shop."""
        texts = product_texts(self.products)
        vectorizer = NgramVectorizer.fit(texts + self.searches.texts + self.reasons.texts, threads=self.config.threads)
        index = self._train(self.searches, vectorizer)
        return index.named(name_nodes(index.tree.tree, self.products))

    def train_without(self, queries: Iterable[str], vectorizer: NgramVectorizer) -> TreeIndex:
        """A tree trained without some queries and those with the same words. vectorizer: of the tree of the shop."""
        unseen = {bag_of_words(query) for query in queries}
        return self._train(
            self.searches.only(np.array([bag_of_words(text) not in unseen for text in self.searches.texts], bool)),
            vectorizer,
        )

    def train_over(self, vectorizer: NgramVectorizer) -> TreeIndex:
        """A tree over the n-grams of another one, whose nodes have no names."""
        return self._train(self.searches, vectorizer)

    def _train(self, searches: TrainingSet, vectorizer: NgramVectorizer) -> TreeIndex:
        texts = product_texts(self.products)
        own = vectorizer.transform(texts, threads=self.config.threads)
        others = text_training_set(texts).followed_by(self.reasons)
        return train_tree(searches, others, own, vectorizer, self.config, self.seed)


def train_tree(
    searches: TrainingSet,
    others: TrainingSet,
    own: csr_matrix,
    vectorizer: NgramVectorizer,
    config: TreeConfig,
    seed: int = 0,
) -> TreeIndex:
    """Train a tree over the products of a shop (PECOS XR-Linear, KDD 2021).

    searches: queries of shoppers. others: texts and reasons. own: products x features, the products' texts as vectors.
    """
    svm = SvmRanker(cost=config.cost, threshold=config.threshold, seed=seed)
    known = min(config.cost, max(MIN_COST, len(searches) / max(1, own.shape[0])))
    training = TrainingConfig(
        indexer=BalancedKMeans(branching=config.branching, leaf_size=config.leaf_size, seed=seed),
        ranker=_Cautious(svm, replace(svm, cost=known)),
        prior=config.prior,
    )
    every = searches.followed_by(others)
    features = vectorizer.transform(every.texts, threads=config.threads)
    tree = trainer.train_tree(features, every.products, label_texts=own, config=training, threads=config.threads)
    seen = np.zeros(vectorizer.features, np.bool_)
    seen[features[: len(searches)].indices] = True
    counts = np.bincount(searches.products.indices, minlength=own.shape[0]).astype(np.int32)
    texts = Texts(vectorizer, NgramIndex.build(own))
    return TreeIndex(tree, texts, Logs(counts, seen), beam=config.beam)
