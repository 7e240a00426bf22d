"""What a product tree learns from: searches that ended in purchases, the products' own texts, the shop's reasons."""

from collections.abc import Iterable
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
    """One lesson per query with a purchase: its products by log(1 + purchases) + log(1 + clicks) / 4.

    pairs: of `records.PAIR_SCHEMA`, co-buy pairs are passed over. products: of `records.PRODUCT_SCHEMA`.
    """
    searches = pairs.filter(pc.equal(pairs["kind"], Behavior.SEARCH_BUY.value))
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

    expansion: folder of `build_expansion`. types: product type by row of the catalog. most: products of a lesson.
    """
    index = ExpansionIndex(expansion, graph, types)
    texts: list[str] = []
    rows: list[csr_matrix] = []
    for node in np.flatnonzero(pc.equal(graph.nodes["kind"], INTENT).to_numpy(zero_copy_only=False)).tolist():
        need, found, weights = graph.label(node), *index.products_of(node)
        for kind in ("", *sorted({types[row] for row in found.tolist()})):
            fits = np.array([not kind or types[row] == kind for row in found.tolist()], dtype=bool)
            best = np.flatnonzero(fits)[np.argsort(-weights[fits], kind="stable")[:most]]
            texts.append(f"{kind} for {need}" if kind else need)
            rows.append(csr_matrix((weights[best], found[best], [0, len(best)]), shape=(1, len(types))))
    if not rows:
        return Lessons([], csr_matrix((0, len(types)), dtype=np.float32))
    return Lessons(texts, _best_is_one(vstack(rows, format="csr")))


def _best_is_one(products: csr_matrix) -> csr_matrix:
    """With the heaviest answer of each lesson scaled to 1."""
    top = products.max(axis=1).toarray().ravel()
    products.data /= np.repeat(top, np.diff(products.indptr))
    products.sort_indices()
    return products
