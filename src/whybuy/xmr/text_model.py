"""A label tree over texts: vectorizer, tree and the names of its labels in one folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, eye_array, vstack

from whybuy.artifacts import write_json
from whybuy.errors import ArtifactError
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer
from whybuy.xmr.estimator import DEFAULT_CONFIG, TrainingConfig, XMRTree
from whybuy.xmr.text_files import TextData
from whybuy.xmr.training import Listener

_NAMES = "labels.json"
_NGRAMS = NgramConfig()


@dataclass(frozen=True, slots=True, eq=False)
class TextModel:
    """Texts to labels."""

    vectorizer: NgramVectorizer
    tree: XMRTree
    names: list[str]  # of the labels, by number

    @classmethod
    def fit(
        cls,
        data: TextData,
        *,
        ngrams: NgramConfig = _NGRAMS,
        config: TrainingConfig = DEFAULT_CONFIG,
        threads: int = 1,
        listen: Listener | None = None,
    ) -> "TextModel":
        """Train on texts. A label's own text is one more instance of it."""
        vectorizer = NgramVectorizer.fit([*data.texts, *filter(None, data.label_texts)], ngrams, threads=threads)
        features = vectorizer.transform(data.texts, threads=threads)
        if not any(data.label_texts):
            return cls(
                vectorizer,
                XMRTree.fit(features, data.labels, config=config, threads=threads, listen=listen),
                data.names,
            )
        label_texts = vectorizer.transform(data.label_texts, threads=threads)
        named = np.flatnonzero(np.diff(label_texts.indptr))
        own = csr_matrix(eye_array(len(data.names), dtype=np.float32, format="csr")[named])
        tree = XMRTree.fit(
            csr_matrix(vstack([features, label_texts[named]])),
            csr_matrix(vstack([data.labels, own])),
            label_texts=label_texts,
            config=config,
            threads=threads,
            listen=listen,
        )
        return cls(vectorizer, tree, data.names)

    def predict(
        self, texts: Sequence[str], *, beam: int = 10, limit: int = 10, threads: int = 1
    ) -> list[list[tuple[str, float]]]:
        """The best labels of each text by name, best first, with their scores."""
        features = self.vectorizer.transform(texts, threads=threads)
        found = self.tree.predict(features, beam=beam, limit=limit, threads=threads)
        return [
            [(self.names[label], score) for label, score in zip(labels, scores, strict=True) if label >= 0]
            for labels, scores in zip(found.labels.tolist(), found.scores.tolist(), strict=True)
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
