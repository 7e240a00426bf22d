"""The student: a label tree over the graph's reasons, for queries and products that the graph does not know.

What COSMO-LM does on a GPU, this does in a millisecond: it carries the graph to texts never seen (our design).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.graph import KnowledgeGraph
from whybuy.intents.calibration import Calibration
from whybuy.intents.product_text import text_of_product
from whybuy.records import Intent, Product
from whybuy.relations import Relation
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.tree import XMRTree

FORMAT_VERSION = 1
RELATIONS = tuple(Relation)
GUESSES = 10  # reasons that are named for a text, and that are calibrated together
SOURCE = "student"
_SAVED = ArrayFolder("student", FORMAT_VERSION, "student.json")


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What a student has learned; reasons by label of the tree."""

    vectorizer: NgramVectorizer
    tree: XMRTree
    relations: NDArray[np.int32]  # shape (reasons,): places in `RELATIONS`
    tails: NDArray[np.int32]  # shape (reasons,): nodes of the graph
    of_queries: Calibration
    of_products: Calibration
    beam: int  # nodes kept on each level

    def save(self, folder: Path) -> None:
        """Write the folder that `load` reads; it is made when missing."""
        self.vectorizer.save(folder / "vectors")
        self.tree.save(folder / "tree")
        arrays: dict[str, NDArray[Any]] = {"relations": self.relations, "tails": self.tails}
        arrays |= {f"queries_{name}": array for name, array in self.of_queries.arrays().items()}
        arrays |= {f"products_{name}": array for name, array in self.of_products.arrays().items()}
        _SAVED.save(folder, arrays, beam=self.beam)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved folder, memory-mapped.

        Raises:
            ArtifactError: the folder holds no student, one of another format version, or a damaged one.
        """
        arrays, facts = _SAVED.load(folder)
        of_queries, of_products = (
            Calibration(arrays[f"{kind}_line"], arrays[f"{kind}_steps"]) for kind in ("queries", "products")
        )
        vectorizer, tree = NgramVectorizer.load(folder / "vectors"), XMRTree.load(folder / "tree")
        found = arrays["relations"], arrays["tails"]
        return cls(vectorizer, tree, *found, of_queries, of_products, int(facts["beam"]))


class Student:
    """Guesses the reasons behind texts that the graph does not know; safe for many threads."""

    def __init__(self, model: Model, graph: KnowledgeGraph) -> None:
        """graph: the one that taught the model."""
        self._model, self._graph = model, graph

    @classmethod
    def open(cls, folder: Path | None, graph: KnowledgeGraph) -> Self | None:
        """The student in an artifact folder; None when there is no folder, or the graph could teach none.

        Raises:
            ArtifactError: a part is damaged or of another format version.
        """
        return cls(Model.load(folder), graph) if folder is not None and (folder / _SAVED.about).exists() else None

    def read(self, query: str) -> tuple[Intent, ...]:
        """At most ten needs that a query may stand for, the surest first; none when no part of its words is known.

        Confidence: the probability that a need is right.
        """
        return self._guess(query, self._model.of_queries)

    def read_product(self, product: Product) -> tuple[Intent, ...]:
        """At most ten reasons to buy a product, the surest first, by what its title, type and attributes say."""
        values = [value for _, value in product.attributes]
        return self._guess(text_of_product(product.title, product.product_type, values), self._model.of_products)

    def _guess(self, text: str, calibration: Calibration) -> tuple[Intent, ...]:
        ids, values = self._model.vectorizer.vector(text)
        if not len(ids):
            return ()
        found, scores = self._model.tree.search(ids, values, beam=self._model.beam, limit=GUESSES)
        sure = calibration.probabilities(scores)
        order = np.argsort(-sure, kind="stable")
        return tuple(map(self._intent, found[order].tolist(), sure[order].tolist()))

    def _intent(self, reason: int, confidence: float) -> Intent:
        relation = RELATIONS[self._model.relations[reason]]
        return Intent(relation, self._graph.label(int(self._model.tails[reason])), round(confidence, 4), source=SOURCE)


def known_first(known: Sequence[Intent], guessed: Iterable[Intent], *, least: float = 0.0) -> tuple[Intent, ...]:
    """At most ten: what is known, then what is guessed beside it. least: confidence of a guess that is told."""
    said = {intent.tail for intent in known}
    new = (one for one in guessed if one.confidence >= least and one.tail not in said)
    return (*known, *new)[:GUESSES]
