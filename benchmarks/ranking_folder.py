"""A data set as a folder that both sides read: features by our vectorizer, labels, and the label tree."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, save_npz

from ranking_data import RankingData
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.embeddings import pifa

THREADS = 2
ALL_NGRAMS = NgramConfig()


@dataclass(frozen=True, slots=True)
class FolderFigures:
    """What a written folder holds."""

    labels: int
    instances: int
    queries: int
    features: int
    features_per_instance: float
    features_per_query: float
    levels: int


def write_folder(data: RankingData, folder: Path, ngrams: NgramConfig = ALL_NGRAMS) -> FolderFigures:
    """Write what engines are trained and asked with."""
    folder.mkdir(parents=True, exist_ok=True)
    vectorizer = NgramVectorizer.fit([*data.queries, *data.titles], ngrams, threads=THREADS)
    vectorizer.save(folder / "vectorizer")
    features = vectorizer.transform(data.texts, threads=THREADS)
    asked = vectorizer.transform(data.asked, threads=THREADS)
    tree = BalancedKMeans()(pifa(features, data.labels), threads=THREADS)
    for name, matrix in {"features": features, "labels": data.labels, "bought": data.bought, "asked": asked}.items():
        save_npz(folder / f"{name}.npz", matrix, compressed=False)
    for level, matrix in enumerate(cluster_chain(tree)):
        save_npz(folder / f"chain_{level}.npz", matrix)
    np.savez(folder / "tree.npz", first_child=tree.first_child, level_start=tree.level_start, labels=tree.labels)
    for name, texts in {"texts": data.texts, "titles": data.titles, "asked": data.asked}.items():
        (folder / f"{name}.json").write_text(json.dumps(texts), encoding="utf-8")
    return FolderFigures(
        labels=len(data.titles),
        instances=len(data.texts),
        queries=len(data.asked),
        features=vectorizer.features,
        features_per_instance=features.nnz / features.shape[0],
        features_per_query=asked.nnz / max(1, asked.shape[0]),
        levels=tree.levels,
    )


def cluster_chain(tree: LabelTree) -> list[csc_matrix]:
    """The tree as matrices children x parents, level by level from the root; rows of the last are labels."""
    below = tree.parents()
    matrices = []
    for level in range(tree.levels):
        first, end = int(tree.level_start[level]), int(tree.level_start[level + 1])
        children = np.arange(tree.first_child[first], tree.first_child[end])
        last = level == tree.levels - 1
        rows = tree.labels[children - tree.nodes] if last else children - tree.level_start[level + 1]
        matrices.append(_ones(rows, below[children] - first, (len(children), end - first)))
    return matrices


def _ones(rows: NDArray[np.int32], columns: NDArray[np.int32], shape: tuple[int, int]) -> csc_matrix:
    return csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape).tocsc()
