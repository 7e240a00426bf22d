"""The intent student: guesses the reasons behind queries and products that the knowledge graph does not have.

COSMO (SIGMOD 2024) trains a language model, COSMO-LM, to generate knowledge for unseen texts. The student does that
without a GPU: a label tree (PECOS XR-Linear, arXiv 2010.05878) ranks the reasons of the graph for any text, within a
millisecond (our design). `student_training` trains it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.catalog.product_text import product_text
from whybuy.graph import KnowledgeGraph
from whybuy.intents.calibration import Calibration
from whybuy.intents.known_words import KnownWords, telling_words
from whybuy.records import Intent, Product
from whybuy.relations import Relation
from whybuy.text import FUNCTION_WORDS, tokenize
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.tree import XMRTree

FORMAT_VERSION = 3
RELATIONS = tuple(Relation)
GUESSES = 10  # reasons per text; they are calibrated together
SOURCE = "student"
_SAVED = ArrayFolder("student", FORMAT_VERSION, "student.json")


@dataclass(frozen=True, slots=True, eq=False)
class StudentModel:
    """The trained parts of a student. Labels of the tree are places in `relations` and `tails`."""

    vectorizer: NgramVectorizer
    tree: XMRTree
    relations: NDArray[np.int32]  # shape (reasons,): places in `RELATIONS`
    tails: NDArray[np.int32]  # shape (reasons,): nodes of the graph
    known_words: KnownWords  # of queries, types and wordings that have a reason
    of_queries: Calibration
    of_products: Calibration
    beam: int  # nodes of the tree kept on each level
    knows_queries: bool  # whether queries of logs were among the texts that confidence is calibrated on

    def save(self, folder: Path) -> None:
        """Write the folder that `load` reads; it is made when missing."""
        self.vectorizer.save(folder / "vectors")
        self.tree.save(folder / "tree")
        arrays: dict[str, NDArray[Any]] = {"relations": self.relations, "tails": self.tails}
        arrays |= {"word_starts": self.known_words.starts, "words": self.known_words.words}
        arrays |= {f"queries_{name}": array for name, array in self.of_queries.arrays().items()}
        arrays |= {f"products_{name}": array for name, array in self.of_products.arrays().items()}
        _SAVED.save(folder, arrays, beam=self.beam, knows_queries=self.knows_queries)

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
        relations, tails = arrays["relations"], arrays["tails"]
        known_words = KnownWords(arrays["word_starts"], arrays["words"])
        beam, knows_queries = int(facts["beam"]), bool(facts["knows_queries"])
        return cls(vectorizer, tree, relations, tails, known_words, of_queries, of_products, beam, knows_queries)


class Student:
    """Predicts the intents of texts that the graph does not have; safe to share between threads."""

    def __init__(self, model: StudentModel, graph: KnowledgeGraph) -> None:
        """graph: that the model was trained on."""
        self._model, self._graph = model, graph

    @classmethod
    def open(cls, folder: Path | None, graph: KnowledgeGraph) -> Self | None:
        """The student in an artifact folder; None when there is no folder, or the build could not train one.

        Raises:
            ArtifactError: a part is damaged or of another format version.
        """
        return (
            cls(StudentModel.load(folder), graph) if folder is not None and (folder / _SAVED.about).exists() else None
        )

    @property
    def knows_queries(self) -> bool:
        """Whether its confidence on queries was calibrated on queries; on products' texts it says too much of them."""
        return self._model.knows_queries

    def read(self, query: str) -> tuple[Intent, ...]:
        """At most `GUESSES` intents of a query, by falling confidence: the probability that the intent is right.

        Only those for which the shop knows the words of the query, see `KnownWords.support`: letters that the query
        shares with other words are no reason.
        """
        asked, bare = telling_words(query), FUNCTION_WORDS.isdisjoint(tokenize(query))
        guesses = self._guess(query, self._model.of_queries)
        supported = (one for one in guesses if self._model.known_words.support(one[0], asked, bare=bare))
        return tuple(self._intent(*one) for one in supported)

    def read_product(self, product: Product) -> tuple[Intent, ...]:
        """At most `GUESSES` reasons to buy a product, guessed from its title, type and attributes, as by `read`."""
        values = [value for _, value in product.attributes]
        text = product_text(product.title, product.product_type, values)
        return tuple(self._intent(*one) for one in self._guess(text, self._model.of_products))

    def _guess(self, text: str, calibration: Calibration) -> list[tuple[int, float]]:
        """Reasons with their confidence, by falling confidence; none where no n-gram of the text is known."""
        ids, values = self._model.vectorizer.vector(text)
        if not len(ids):
            return []
        reasons, scores = self._model.tree.search(ids, values, beam=self._model.beam, limit=GUESSES)
        confidence = calibration.probabilities(scores)
        order = np.argsort(-confidence, kind="stable")
        return list(zip(reasons[order].tolist(), confidence[order].tolist(), strict=True))

    def _intent(self, reason: int, confidence: float) -> Intent:
        relation = RELATIONS[self._model.relations[reason]]
        return Intent(relation, self._graph.label(int(self._model.tails[reason])), round(confidence, 4), source=SOURCE)


def known_first(known: Sequence[Intent], guessed: Iterable[Intent], *, least: float = 0.0) -> tuple[Intent, ...]:
    """Known intents, then guesses with other tails, at most `GUESSES` in all. least: confidence of a guess."""
    tails = {intent.tail for intent in known}
    new = (one for one in guessed if one.confidence >= least and one.tail not in tails)
    return (*known, *new)[:GUESSES]
