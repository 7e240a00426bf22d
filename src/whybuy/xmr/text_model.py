"""A label tree over texts: vectorizer, tree and the names of its labels in one folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from whybuy.artifacts import write_json
from whybuy.errors import ArtifactError
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.tree import XMRTree

_NAMES = "labels.json"


@dataclass(frozen=True, slots=True, eq=False)
class TextModel:
    """Ranks labels for a text: vectorizer, trained tree and names of the labels; see `training.text_trainer`."""

    vectorizer: NgramVectorizer
    tree: XMRTree
    names: list[str]  # of the labels, by number

    def predict(
        self, texts: Sequence[str], *, beam: int = 10, limit: int = 10, threads: int = 1
    ) -> list[list[tuple[str, float]]]:
        """The best labels of each text by name, best first, with their scores."""
        features = self.vectorizer.transform(texts, threads=threads)
        best = self.tree.predict(features, beam=beam, limit=limit, threads=threads)
        return [
            [(self.names[label], score) for label, score in zip(labels, scores, strict=True) if label >= 0]
            for labels, scores in zip(best.labels.tolist(), best.scores.tolist(), strict=True)
        ]

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        (folder / _NAMES).unlink(missing_ok=True)  # written last: while it is missing, the folder is no model
        self.vectorizer.save(folder / "vectorizer")
        self.tree.save(folder / "tree")
        write_json(folder / _NAMES, self.names)

    @classmethod
    def load(cls, folder: Path) -> "TextModel":
        """Open a saved folder.

        Raises:
            ArtifactError: the folder holds no such model, or a damaged one.
        """
        try:
            names = json.loads((folder / _NAMES).read_text())
        except FileNotFoundError:
            raise ArtifactError(
                f"{folder} is no trained model: it has no {_NAMES}. Train one with `whybuy xmr train`."
            ) from None
        except ValueError as error:
            raise ArtifactError(f"{folder / _NAMES} is damaged ({error}). Train the model again.") from error
        return cls(NgramVectorizer.load(folder / "vectorizer"), XMRTree.load(folder / "tree"), names)
