"""Training sets of texts and the products that answer them: from searches, qrels, products' own texts and reasons."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from whybuy.graph import KnowledgeGraph
from whybuy.graph.files import INTENT
from whybuy.qrels import Qrels
from whybuy.records import Behavior
from whybuy.retrieval.expansion import ExpansionIndex
from whybuy.text import clean


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """Texts with the products that answer them."""

    texts: list[str]
    products: csr_matrix  # texts x products: how well each answers the text, > 0

    def __len__(self) -> int:
        return len(self.texts)

    def only(self, chosen: NDArray[np.bool_]) -> "TrainingSet":
        """Those of a mask. chosen: shape (texts,)."""
        rows = np.flatnonzero(chosen)
        return TrainingSet([self.texts[row] for row in rows], self.products[rows])

    def relative(self) -> "TrainingSet":
        """The same with each weight over that of the best product of the text."""
        return TrainingSet(self.texts, _best_is_one(self.products.copy()))

    def damped(self) -> "TrainingSet":
        """The same with log(1 + weight) for each weight, over that of the best product of the text."""
        products = self.products.copy()
        products.data = np.log1p(products.data)
        return TrainingSet(self.texts, _best_is_one(products))

    def followed_by(self, others: "TrainingSet") -> "TrainingSet":
        """These and others of the same products."""
        return TrainingSet(self.texts + others.texts, vstack([self.products, others.products], format="csr"))


def search_training_set(pairs: pa.Table, products: pa.Table, *, evidence: str = "recent") -> TrainingSet:
    """Queries with the products that they led to, each weighted by its evidence.

    pairs: of `records.PAIR_SCHEMA`; co-buy pairs and products that the shop lacks are passed over. products: of
    `records.PRODUCT_SCHEMA`. evidence: the column of pairs that counts; pairs without are passed over.
    """
    searches = pairs.filter((pc.field("kind") == Behavior.SEARCH_BUY.value) & (pc.field(evidence) > 0))
    rows = pc.index_in(searches["right"], products["product_id"].combine_chunks())
    searches, rows = searches.filter(pc.is_valid(rows)), pc.drop_null(rows).to_numpy().astype(np.int32)
    queries = pc.dictionary_encode(searches["left"]).combine_chunks()
    texts: list[str] = queries.dictionary.to_pylist()
    entries = searches[evidence].to_numpy().astype(np.float32), (queries.indices.to_numpy(), rows)
    products_of = csr_matrix(entries, shape=(len(texts), products.num_rows))
    products_of.sort_indices()
    return TrainingSet(texts, products_of)


def qrels_training_set(qrels: Qrels, product_ids: Sequence[str]) -> TrainingSet:
    """Judged queries with the gains of their products; what the shop lacks, or gains nothing, is left out.

    product_ids: by row of the catalog.
    """
    row_of = {product_id: row for row, product_id in enumerate(product_ids)}
    texts: list[str] = []
    entries: list[tuple[int, int, float]] = []
    for topic in qrels.grades:
        gains = [(row_of[one], gain) for one, gain in qrels.gains(topic).items() if gain > 0 and one in row_of]
        if gains:
            entries += [(len(texts), row, gain) for row, gain in gains]
            texts.append(clean(qrels.text(topic)))
    queries, rows, weights = zip(*entries, strict=True) if entries else ((), (), ())
    shape = (len(texts), len(product_ids))
    return TrainingSet(texts, csr_matrix((np.array(weights, np.float32), (queries, rows)), shape=shape))


def text_training_set(texts: list[str]) -> TrainingSet:
    """Each product's own text with the product itself. texts: by row of the catalog."""
    count = len(texts)
    return TrainingSet(texts, csr_matrix((np.ones(count, np.float32), np.arange(count), np.arange(count + 1))))


def reason_training_set(graph: KnowledgeGraph, expansion: Path, types: list[str], *, limit: int = 50) -> TrainingSet:
    """Reasons of the graph, alone ("pregnant women") and with each type ("shoe for pregnant women").

    expansion: folder of `build_expansion`. types: product type by row of the catalog, "" for none. limit: products of a
    text, those that answer the reason best.
    """
    index = ExpansionIndex(expansion, graph, types)
    names, kinds = np.unique(np.array(types, dtype=object), return_inverse=True)
    texts: list[str] = []
    rows, scores = [np.empty(0, np.int32)], [np.empty(0, np.float32)]
    for node in np.flatnonzero(pc.equal(graph.nodes["kind"], INTENT).to_numpy(zero_copy_only=False)).tolist():
        answering, weights = index.products_of(node)
        order = np.argsort(-weights, kind="stable")
        for name, best in _by_kind(names, kinds[answering[order]], order):
            texts.append(f"{name} for {graph.label(node)}" if name else graph.label(node))
            rows.append(answering[best[:limit]])
            scores.append(weights[best[:limit]])
    starts = np.cumsum([len(answering) for answering in rows])
    products = csr_matrix((np.concatenate(scores), np.concatenate(rows), starts), shape=(len(texts), len(types)))
    return TrainingSet(texts, _best_is_one(products))


def _by_kind(
    names: NDArray[np.object_], kinds: NDArray[np.intp], places: NDArray[np.intp]
) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """All places, then those of each type that has a name. kinds: number of the type of each place."""
    if len(places):
        yield "", places
    for kind in np.unique(kinds).tolist():
        if names[kind]:
            yield names[kind], places[kinds == kind]


def _best_is_one(products: csr_matrix) -> csr_matrix:
    """With the heaviest answer of each text scaled to 1."""
    top = products.max(axis=1).toarray().ravel()
    products.data /= np.repeat(top, np.diff(products.indptr))
    products.sort_indices()
    return products
