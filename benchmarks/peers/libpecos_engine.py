"""libpecos XLinearModel, measured by `worker`. Modes: mmap, BINARY_SEARCH_CHUNKED, HASH_CHUNKED, CSC."""

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pecos.utils.cluster_util import ClusterChain
from pecos.utils.featurization.text.vectorizers import Vectorizer
from pecos.xmc.xlinear import XLinearModel
from scipy.sparse import csc_matrix, csr_matrix, load_npz
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_union
from sklearn.preprocessing import normalize
from worker import Labels, Worker, serve

SETS = [("word", 1), ("word", 2), ("word", 3), ("char_wb", 3)]
OWN = {
    "type": "tfidf",
    "kwargs": {
        "base_vect_configs": [
            {"ngram_range": [length, length], "analyzer": analyzer, "max_df_ratio": 1.0, "threads": 1}
            for analyzer, length in SETS
        ]
    },
}
WORD = re.compile(r"[^\W_]+(?:[.,]\d+|'[^\W\d_]+)*")


class Libpecos:
    """The model with its own vectorizer, if any."""

    def read(self, data: Path) -> None:
        """Load features, labels and tree."""
        self.features = load_npz(data / "features.npz").tocsr()
        self.labels = load_npz(data / "labels.npz").tocsc()
        files = sorted(data.glob("chain_*.npz"))
        self.chain = ClusterChain([csc_matrix(load_npz(file), dtype=np.float32) for file in files])
        self.vectorizer: Any = None

    def train(self, threads: int, cost: float = 1.0, threshold: float = 0.1) -> None:
        """Train with its default solver: the features, labels and tree are given."""
        solver = {"Cp": cost, "Cn": cost, "threshold": threshold, "threads": threads}
        self.model = XLinearModel.train(
            self.features,
            self.labels,
            C=self.chain,
            **solver,
            negative_sampling_scheme="tfn",
        )

    def train_strings(self, vectorizer: str, texts: list[str], threads: int) -> None:
        """Train on features of libpecos's own vectorizer, or of scikit-learn's."""
        if vectorizer == "scikit-learn":
            parts = [TfidfVectorizer(analyzer=kind, ngram_range=(size, size), dtype=np.float32) for kind, size in SETS]
            self.vectorizer = make_union(*parts).fit(texts)
        else:
            self.vectorizer = Vectorizer.train([" ".join(WORD.findall(text.lower())) for text in texts], OWN)
        self.features = self._vectors(texts)
        self.train(threads)

    def save(self, model: Path) -> None:
        """Save as npz, and memory-mapped beside."""
        self.model.save(str(model / "npz"))
        XLinearModel.compile_mmap_model(str(model / "npz"), str(model / "mmap"))
        if isinstance(self.vectorizer, Vectorizer):
            self.vectorizer.save(str(model / "vectorizer"))
        elif self.vectorizer is not None:
            (model / "vectorizer.pickle").write_bytes(pickle.dumps(self.vectorizer))

    def open(self, model: Path, mode: str) -> None:
        """Open for prediction alone."""
        if mode == "mmap":
            self.model = XLinearModel.load(str(model / "mmap"), is_predict_only=True, lazy_load=True)
        else:
            self.model = XLinearModel.load(str(model / "npz"), is_predict_only=True, weight_matrix_type=mode)
        if (model / "vectorizer").is_dir():
            self.vectorizer = Vectorizer.load(str(model / "vectorizer"))
        elif (model / "vectorizer.pickle").is_file():
            self.vectorizer = pickle.loads((model / "vectorizer.pickle").read_bytes())

    def ask(self, vectors: csr_matrix, beam: int) -> Callable[[int], object]:
        """One row after the other, cut out beforehand."""
        rows = [vectors[row] for row in range(vectors.shape[0])]
        predict = self.model.predict
        return lambda row: predict(rows[row], beam_size=beam, only_topk=10, threads=1)

    def ask_text(self, beam: int) -> Callable[[str], object]:
        """Vectorize and predict."""
        predict = self.model.predict
        return lambda text: predict(self._vectors([text]), beam_size=beam, only_topk=10, threads=1)

    def batch(self, vectors: csr_matrix, beam: int, threads: int) -> csr_matrix:
        """All rows in one call."""
        return self.model.predict(vectors, beam_size=beam, only_topk=10, threads=threads)

    def best(self, vectors: csr_matrix, beam: int, limit: int) -> Labels:
        """The columns of each row by falling score."""
        found = self.model.predict(vectors, beam_size=beam, only_topk=limit)
        labels = np.full((found.shape[0], limit), -1, np.int32)
        for row in range(found.shape[0]):
            span = slice(found.indptr[row], found.indptr[row + 1])
            order = np.argsort(-found.data[span], kind="stable")[:limit]
            labels[row, : len(order)] = found.indices[span][order]
        return labels

    def best_of_texts(self, texts: list[str], beam: int, limit: int) -> Labels:
        """Vectorize all, then predict."""
        return self.best(self._vectors(texts), beam, limit)

    def _vectors(self, texts: list[str]) -> csr_matrix:
        """Rows of length 1, from texts in lower case with words apart."""
        if isinstance(self.vectorizer, Vectorizer):
            return self.vectorizer.predict([" ".join(WORD.findall(text.lower())) for text in texts], threads=1)
        return normalize(self.vectorizer.transform(texts), copy=False).tocsr()


if __name__ == "__main__":
    serve(Worker(Libpecos()))
