"""The label tree of whybuy, measured by `worker`. Its one mode is memory-mapped."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, load_npz
from worker import Labels, Worker, serve

from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.search import Predictions
from whybuy.xmr.training.node_rankers import train_rankers
from whybuy.xmr.training.packing import pack
from whybuy.xmr.training.solver import SvmRanker
from whybuy.xmr.tree import XMRTree


class Whybuy:
    """The tree with the vectorizer of its features."""

    def read(self, data: Path) -> None:
        """Load features, labels and tree."""
        self.features = load_npz(data / "features.npz").tocsr()
        self.labels = load_npz(data / "labels.npz").tocsr()
        arrays = np.load(data / "tree.npz")
        self.given = LabelTree(arrays["first_child"], arrays["level_start"], arrays["labels"])
        self.vectorizer = NgramVectorizer.load(data / "vectorizer")

    def train(self, threads: int, cost: float = 1.0, threshold: float = 0.1) -> None:
        """Train: the features, labels and tree are given."""
        ranker = SvmRanker(cost=cost, threshold=threshold)
        chunks = train_rankers(self.features, self.labels, self.given, ranker=ranker, threads=threads)
        self.tree = XMRTree(self.given, pack(chunks, self.given, self.features.shape[1]))

    def train_strings(self, vectorizer: str, texts: list[str], threads: int) -> None:
        """Train on the features of our own vectorizer, which are those of the folder."""
        self.train(threads)

    def save(self, model: Path) -> None:
        """Save the tree, and the vectorizer beside."""
        self.tree.save(model / "tree")
        self.vectorizer.save(model / "vectorizer")

    def open(self, model: Path, mode: str) -> None:
        """Map the tree into memory."""
        self.tree = XMRTree.load(model / "tree")
        self.folder = model / "vectorizer"

    def ask(self, vectors: csr_matrix, beam: int) -> Callable[[int], object]:
        """One row after the other, cut out beforehand."""
        starts = vectors.indptr
        rows = [(vectors.indices[start:end], vectors.data[start:end]) for start, end in pairwise(starts)]
        search = self.tree.search
        return lambda row: search(*rows[row], beam=beam, limit=10)

    def ask_text(self, beam: int) -> Callable[[str], object]:
        """Vectorize and search."""
        search, vector = self.tree.search, NgramVectorizer.load(self.folder).vector
        return lambda text: search(*vector(text), beam=beam, limit=10)

    def batch(self, vectors: csr_matrix, beam: int, threads: int) -> Predictions:
        """All rows in one call."""
        return self.tree.predict(vectors, beam=beam, limit=10, threads=threads)

    def best(self, vectors: csr_matrix, beam: int, limit: int) -> Labels:
        """All rows in one call."""
        return self.tree.predict(vectors, beam=beam, limit=limit, threads=2).labels

    def best_of_texts(self, texts: list[str], beam: int, limit: int) -> Labels:
        """Vectorize all, then predict."""
        return self.best(NgramVectorizer.load(self.folder).transform(texts, threads=2), beam, limit)


if __name__ == "__main__":
    serve(Worker(Whybuy()))
