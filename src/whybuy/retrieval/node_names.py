"""Names for the nodes of a product tree, made of what is typical of the products below each."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.text import FUNCTION_WORDS, tokenize
from whybuy.xmr.label_tree import LabelTree

BROAD = 0.1  # share of a node's products: types that are rarer do not name it, departments do
NEAR_TOP = 1 / 3  # of the share of the most frequent type or department: what a term needs to name the node
MIN_SHARE = 0.25  # of a node's products that have a word of its name


class _Counts(NamedTuple):
    """How many of the products below each node have each term (a type, a department or a word)."""

    terms: list[str]
    by_node: csr_matrix  # nodes x terms: products below that have it
    sizes: NDArray[np.float64]  # shape (nodes,): products below, 1 where there are none

    def most_typical(self, node: int, above: int, least: float = 0.0) -> list[str]:
        """Two terms that more of a node's products have than of those of a node above, by share * ln(ratio of shares).

        least: share of the node's products that have it.
        """
        own, others = self.by_node[node], self.by_node[above]
        share = own.data / self.sizes[node]
        ratio = share / (others.data[np.searchsorted(others.indices, own.indices)] / self.sizes[above])
        typicality = np.where(share >= least, share * np.log(ratio), 0)
        best = np.argsort(-typicality, kind="stable")[:2]
        return [self.terms[term] for term in own.indices[best[typicality[best] > 0]].tolist()]

    def most_frequent(self, node: int) -> list[str]:
        """The term that most of a node's products have; none when they have none."""
        own = self.by_node[node]
        return [self.terms[own.indices[own.data.argmax()]]] if own.nnz else []

    def top_share(self, node: int) -> float:
        """Share of a node's products that have its most frequent term, in [0, 1]."""
        return float(self.by_node[node].data.max(initial=0) / self.sizes[node])


def name_nodes(tree: LabelTree, products: pa.Table) -> list[str]:
    """Name each node by what is typical below it: two types of product, or departments where types are many.

    A node named like the one above it gets words of its titles: "hiking boot: leather, brown".

    products: of `records.PRODUCT_SCHEMA`, by label. Returns: a name per node; of the root, "".
    """
    below, parents = _products_below(tree), tree.parents()
    types = _count(below, ([kind] if kind else [] for kind in products["product_type"].to_pylist()))
    departments = _count(below, (path[:1] for path in products["category"].to_pylist()))
    words = _count(below, (_content_words(title) for title in products["title"].to_pylist()))
    kinds, names = [""], [""]
    for node in range(1, tree.nodes):
        above = int(parents[node])
        kinds.append(_kind(types, departments, node))
        title_words = words.most_typical(node, above, MIN_SHARE) if kinds[node] == kinds[above] else []
        names.append(": ".join(part for part in (kinds[node], ", ".join(title_words)) if part) or names[above])
    return names


def _kind(types: _Counts, departments: _Counts, node: int) -> str:
    broad = types.top_share(node) < BROAD
    counts, between = (departments, " / ") if broad and departments.terms else (types, " & ")
    return between.join(counts.most_typical(node, 0, counts.top_share(node) * NEAR_TOP) or counts.most_frequent(node))


def _products_below(tree: LabelTree) -> csr_matrix:
    """Returns: nodes x labels, 1 where a label is below a node."""
    parents = tree.parents()
    above = [parents[tree.nodes :]]
    while len(above) < tree.levels:
        above.append(parents[above[-1]])
    labels = np.tile(tree.labels, tree.levels)
    return csr_matrix((np.ones(len(labels)), (np.concatenate(above), labels)), shape=(tree.nodes, len(tree.labels)))


def _count(below: csr_matrix, terms_of: Iterable[Iterable[str]]) -> _Counts:
    number: dict[str, int] = {}
    terms, starts = [], [0]
    for of_product in terms_of:
        terms += [number.setdefault(term, len(number)) for term in of_product]
        starts.append(len(terms))
    by_product = csr_matrix((np.ones(len(terms)), terms, starts), shape=(below.shape[1], len(number)))
    by_node = csr_matrix(below @ by_product)
    by_node.sort_indices()
    return _Counts(list(number), by_node, np.maximum(below.sum(axis=1).A1, 1))


def _content_words(title: str) -> list[str]:
    return [word for word in dict.fromkeys(tokenize(title)) if len(word) > 2 and word not in FUNCTION_WORDS]
