"""Retrieval by a label tree: each product is a label that searches, its own text and the shop's reasons teach."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.artifacts import write_array, write_json
from whybuy.errors import ArtifactError
from whybuy.records import TreeStep
from whybuy.retrieval.lessons import Lessons
from whybuy.retrieval.ngram_index import NgramIndex
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.tree_paths import steps_in_words, words_by_column
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.chunk import Chunk
from whybuy.xmr.clustering import BalancedKMeans
from whybuy.xmr.estimator import TrainingConfig, XMRTree
from whybuy.xmr.ports import NodeTask, Ranker
from whybuy.xmr.solver import SvmRanker
from whybuy.xmr.weights import read_array

FORMAT_VERSION = 3
LEAST_COST = 0.03  # of an error against one search, however few searches there are
_ABOUT = "search.json"


@dataclass(frozen=True, slots=True)
class TreeConfig:
    """How the tree is trained and searched; tuned on training queries of Home Depot and on the looked-at demo."""

    beam: int = 20  # nodes kept on each level of a search
    branching: int = 32
    leaf_size: int = 64  # products under one leaf, at most
    cost: float = 0.1  # of an error against one search, at the most; see `_Cautious`
    threshold: float = 0.02  # weights below are left out
    prior: float = 3.0  # strength of a product's own text in its ranker before it has learned anything
    threads: int = 2


@dataclass(frozen=True, slots=True)
class _Cautious:
    """A `Ranker` that trusts logs as far as they go: rankers of products learn less where searches are few.

    Our design: a product's ranker is drawn to its own text (the prior), and the fewer searches a product has on
    average, the less an error against a single one of them costs.
    """

    nodes: Ranker
    products: Ranker

    def __call__(self, features: csr_matrix, task: NodeTask) -> Chunk:
        """Train the children of a node; those of the leaves have a prior."""
        return (self.products if task.prior is not None else self.nodes)(features, task)


def train_tree(
    searches: Lessons, others: Lessons, own: csr_matrix, vectorizer: NgramVectorizer, config: TreeConfig
) -> "TreeIndex":
    """Train a tree over the products of a shop.

    searches: lessons from shoppers. others: from texts and reasons. own: products x features, their texts as vectors.
    """
    svm = SvmRanker(cost=config.cost, threshold=config.threshold)
    known = min(config.cost, max(LEAST_COST, len(searches) / max(1, own.shape[0])))
    training = TrainingConfig(
        indexer=BalancedKMeans(branching=config.branching, leaf_size=config.leaf_size),
        ranker=_Cautious(svm, replace(svm, cost=known)),
        prior=config.prior,
    )
    lessons = searches.followed_by(others)
    features = vectorizer.transform(lessons.texts, threads=config.threads)
    tree = XMRTree.fit(features, lessons.products, label_texts=own, config=training, threads=config.threads)
    seen = np.zeros(vectorizer.features, np.bool_)
    seen[features[: len(searches)].indices] = True
    counts = np.bincount(searches.products.indices, minlength=own.shape[0]).astype(np.int32)
    texts = Texts(vectorizer, NgramIndex.build(own))
    return TreeIndex(tree, texts, Logs(counts, seen), beam=config.beam)


class Logs(NamedTuple):
    """How much searches taught a tree."""

    searches: NDArray[np.int32]  # shape (products,): searches that led to each product
    seen: NDArray[np.bool_]  # shape (features,): whether a feature stood in any search


class Texts(NamedTuple):
    """The products' own texts as vectors."""

    vectorizer: NgramVectorizer
    ngrams: NgramIndex


class TreeIndex:
    """Ranks products by the tree; memory-mapped, safe for many threads."""

    def __init__(self, tree: XMRTree, texts: Texts, logs: Logs, *, beam: int, names: Sequence[str] = ()) -> None:
        """names: of the nodes, by `name_nodes`; without them, steps have none."""
        self.tree, self.logs = tree, logs
        self.vectorizer, self._ngrams = texts
        self._beam, self._names = beam, names or [""] * tree.tree.nodes

    def named(self, names: Sequence[str]) -> "TreeIndex":
        """The same with names for its nodes."""
        return TreeIndex(self.tree, Texts(self.vectorizer, self._ngrams), self.logs, beam=self._beam, names=names)

    def warm_up(self, text: str) -> None:
        """Ask once, so that the kernels of a search are compiled before a shopper waits for them."""
        vector = self.vectorizer.vector(text)
        found = self.rank(*vector, 1)
        self.alike(*vector, 1)
        self.explain(text, found.rows.tolist())

    def rank(self, ids: NDArray[np.int32], values: NDArray[np.float32], limit: int) -> Ranked:
        """Products that the tree expects for a query vector, best first. Scores: of their paths, in (0, 1]."""
        return Ranked(*self.tree.search(ids, values, beam=self._beam, limit=limit)) if len(ids) else Ranked.empty()

    def alike(self, ids: NDArray[np.int32], values: NDArray[np.float32], limit: int) -> Ranked:
        """Products whose own text shares words and letters with a query vector. Scores: cosines, in (0, 1]."""
        return self._ngrams.rank(ids, values, limit)

    def known(self, ids: NDArray[np.int32], values: NDArray[np.float32]) -> float:
        """Share of a query vector whose features stood in searches that taught the tree, in [0, 1]."""
        squares = values**2
        total = float(squares.sum())
        return float(squares[self.logs.seen[ids]].sum()) / total if total else 0.0

    def explain(self, text: str, rows: Sequence[int]) -> list[tuple[TreeStep, ...]]:
        """The way to each of some products for a query, whether or not a search would find them.

        Returns: by row; without steps for a query of which no n-gram is known.
        """
        ids, values = self.vectorizer.vector(text)
        if not len(ids):
            return [()] * len(rows)
        words = words_by_column(self.vectorizer, text)
        return [steps_in_words(self.tree.explain(ids, values, row), self._names, words) for row in rows]

    def save(self, folder: Path) -> None:
        """Write the folder that `open` opens; it is made when missing."""
        self.tree.save(folder / "tree")
        self.vectorizer.save(folder / "vectors")
        self._ngrams.save(folder / "ngrams")
        for name, array in self.logs._asdict().items():
            write_array(folder / f"{name}.npy", array)
        write_json(folder / _ABOUT, {"beam": self._beam, "names": list(self._names)})

    @classmethod
    def open(cls, folder: Path) -> "TreeIndex":
        """Open a saved folder.

        Raises:
            ArtifactError: a part is missing, damaged or of another format version.
        """
        try:
            about = json.loads((folder / _ABOUT).read_text())
            beam, names = int(about["beam"]), list(about["names"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArtifactError(f"{folder} holds no readable product tree ({error}). Run `whybuy build`.") from error
        texts = Texts(NgramVectorizer.load(folder / "vectors"), NgramIndex.load(folder / "ngrams"))
        logs = Logs(*(read_array(folder / f"{name}.npy") for name in Logs._fields))
        return cls(XMRTree.load(folder / "tree"), texts, logs, beam=beam, names=names)
