"""Retrieval by a label tree over the products of a shop (XR-Linear of PECOS, KDD 2021): open, rank, explain."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import write_array, write_json
from whybuy.errors import ArtifactError
from whybuy.records import TreeStep
from whybuy.retrieval.ngram_index import NgramIndex
from whybuy.retrieval.query import Vector
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.tree_paths import steps_in_words, words_by_column
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.tree import XMRTree
from whybuy.xmr.weights import read_array

FORMAT_VERSION = 3
_ABOUT = "search.json"


class Logs(NamedTuple):
    """Counts of the searches that a tree was trained on."""

    searches: NDArray[np.int32]  # shape (products,): searches that led to each product
    seen: NDArray[np.bool_]  # shape (features,): whether a feature occurred in any search


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
        """Search once, so that kernels are compiled before a shopper waits for them."""
        vector = self.vectorizer.vector(text)
        ranked = self.rank(*vector, 1)
        self.similar(*vector, 1)
        self.explain(text, vector, ranked.rows.tolist())

    def rank(self, ids: NDArray[np.int32], values: NDArray[np.float32], limit: int) -> Ranked:
        """Products by beam search for a query vector, best first. Scores: of their paths, in (0, 1]."""
        return Ranked(*self.tree.search(ids, values, beam=self._beam, limit=limit)) if len(ids) else Ranked.empty()

    def similar(self, ids: NDArray[np.int32], values: NDArray[np.float32], limit: int) -> Ranked:
        """Products whose own texts share n-grams with a query vector. Scores: cosines, in (0, 1]."""
        return self._ngrams.rank(ids, values, limit)

    def known(self, ids: NDArray[np.int32], values: NDArray[np.float32]) -> float:
        """Share of a query vector's squared length in features that occurred in training searches, in [0, 1]."""
        squares = values**2
        total = float(squares.sum())
        return float(squares[self.logs.seen[ids]].sum()) / total if total else 0.0

    def explain(self, text: str, vector: Vector, rows: Sequence[int]) -> list[tuple[TreeStep, ...]]:
        """The path to each of some products for a query, whether or not a search would find them.

        vector: of the text. Returns: by row; without steps for a query of which no n-gram is known.
        """
        ids, values = vector
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
