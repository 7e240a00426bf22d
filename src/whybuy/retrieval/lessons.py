"""What a product tree learns from: searches that ended in purchases, the products' own texts, the shop's reasons."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from whybuy.graph import KnowledgeGraph
from whybuy.graph.files import INTENT
from whybuy.records import Behavior
from whybuy.retrieval.expansion import ExpansionIndex
from whybuy.text import tokenize


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Texts with the products that answer them."""

    texts: list[str]
    products: csr_matrix  # lessons x products: how much each answer counts, the best of a lesson 1, all > 0

    def __len__(self) -> int:
        return len(self.texts)

    def only(self, chosen: NDArray[np.bool_]) -> "Lessons":
        """Those of a mask. chosen: shape (lessons,)."""
        rows = np.flatnonzero(chosen)
        return Lessons([self.texts[row] for row in rows], self.products[rows])

    def followed_by(self, others: "Lessons") -> "Lessons":
        """These and others of the same products."""
        return Lessons(self.texts + others.texts, vstack([self.products, others.products], format="csr"))


def lessons_from_searches(pairs: pa.Table, products: pa.Table) -> Lessons:
    """One lesson per query with a purchase or a click: its products by log(1 + purchases) + log(1 + clicks) / 4.

    pairs: of `records.PAIR_SCHEMA`; co-buy pairs and products that the shop lacks are passed over. products: of
    `records.PRODUCT_SCHEMA`.
    """
    asked = pc.equal(pairs["kind"], Behavior.SEARCH_BUY.value)
    answered = pc.greater(pc.add(pairs["purchases"], pairs["clicks"]), 0)
    searches = pairs.filter(pc.and_(asked, answered))
    rows = pc.index_in(searches["right"], products["product_id"].combine_chunks())
    searches, rows = searches.filter(pc.is_valid(rows)), pc.drop_null(rows).to_numpy().astype(np.int32)
    queries = pc.dictionary_encode(searches["left"]).combine_chunks()
    bought, clicked = (searches[name].to_numpy() for name in ("purchases", "clicks"))
    weights = (np.log1p(bought) + np.log1p(clicked) / 4).astype(np.float32)
    texts: list[str] = queries.dictionary.to_pylist()
    shape = (len(texts), products.num_rows)
    return Lessons(texts, _best_is_one(csr_matrix((weights, (queries.indices.to_numpy(), rows)), shape=shape)))


def own_texts(products: pa.Table) -> list[str]:
    """What each product says of itself in a few words: title, type and attribute values."""
    columns = (products[name].to_pylist() for name in ("title", "product_type", "attributes"))
    return [_own_text(*row) for row in zip(*columns, strict=True)]


def _own_text(title: str, product_type: str, attributes: Iterable[dict[str, str]]) -> str:
    said = set(tokenize(title))
    parts = [title]
    for part in (product_type, *(attribute["value"] for attribute in attributes)):
        if not said.issuperset(words := tokenize(part)):
            parts.append(part)
            said.update(words)
    return " ".join(parts)


def lessons_from_texts(texts: list[str]) -> Lessons:
    """One lesson per product: its own text leads to it. texts: by row of the catalog."""
    count = len(texts)
    return Lessons(texts, csr_matrix((np.ones(count, np.float32), np.arange(count), np.arange(count + 1))))


def lessons_from_reasons(graph: KnowledgeGraph, expansion: Path, types: list[str], *, most: int = 50) -> Lessons:
    """One lesson per need, "pregnant women", and one per need and type, "shoe for pregnant women".

    expansion: folder of `build_expansion`. types: product type by row of the catalog, "" for none. most: products of a
    lesson, those that answer the need best.
    """
    index = ExpansionIndex(expansion, graph, types)
    names, kinds = np.unique(np.array(types, dtype=object), return_inverse=True)
    texts: list[str] = []
    rows, scores = [np.empty(0, np.int32)], [np.empty(0, np.float32)]
    for node in np.flatnonzero(pc.equal(graph.nodes["kind"], INTENT).to_numpy(zero_copy_only=False)).tolist():
        found, weights = index.products_of(node)
        order = np.argsort(-weights, kind="stable")
        for name, best in _by_kind(names, kinds[found[order]], order):
            texts.append(f"{name} for {graph.label(node)}" if name else graph.label(node))
            rows.append(found[best[:most]])
            scores.append(weights[best[:most]])
    starts = np.cumsum([len(found) for found in rows])
    products = csr_matrix((np.concatenate(scores), np.concatenate(rows), starts), shape=(len(texts), len(types)))
    return Lessons(texts, _best_is_one(products))


def _by_kind(
    names: NDArray[np.object_], kinds: NDArray[np.intp], places: NDArray[np.intp]
) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """All places, then those of each kind that has a name. kinds: of each place."""
    if len(places):
        yield "", places
    for kind in np.unique(kinds).tolist():
        if names[kind]:
            yield names[kind], places[kinds == kind]


def _best_is_one(products: csr_matrix) -> csr_matrix:
    """With the heaviest answer of each lesson scaled to 1."""
    top = products.max(axis=1).toarray().ravel()
    products.data /= np.repeat(top, np.diff(products.indptr))
    products.sort_indices()
    return products
