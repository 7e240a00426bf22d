"""The way to a product in words: names for the nodes of a tree, and what the words of a query gave on each step."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.records import Sign, TreeStep
from whybuy.text import FUNCTION_WORDS, tokenize
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.explaining import Contribution, Explanation
from whybuy.xmr.label_tree import LabelTree

THIS_PRODUCT = "this product"  # name of the last step
SIGNS = 6  # shown of the last step
SIGNS_ON_THE_WAY = 3  # shown of each other step
BROAD = 0.1  # a type that is rarer below a node says little of it
NEAR_TOP = 1 / 3  # of the products of the most frequent type or department: how many one has that may name the node
LEAST_SHARE = 0.25  # of a node's products that have a word of its name


class _Said(NamedTuple):
    """What the products below each node say."""

    terms: list[str]
    by_node: csr_matrix  # nodes x terms: products below that say it
    sizes: NDArray[np.float64]  # shape (nodes,): products below, 1 where there are none

    def most_telling(self, node: int, above: int, least: float = 0.0) -> list[str]:
        """Two terms that a node's products say more often than those of a node above, by share * ln(ratio of shares).

        least: share of the node's products that say it.
        """
        own, others = self.by_node[node], self.by_node[above]
        share = own.data / self.sizes[node]
        ratio = share / (others.data[np.searchsorted(others.indices, own.indices)] / self.sizes[above])
        telling = np.where(share >= least, share * np.log(ratio), 0)
        best = np.argsort(-telling, kind="stable")[:2]
        return [self.terms[term] for term in own.indices[best[telling[best] > 0]].tolist()]

    def most_frequent(self, node: int) -> list[str]:
        """The term that most of a node's products say; none when they say none."""
        own = self.by_node[node]
        return [self.terms[own.indices[own.data.argmax()]]] if own.nnz else []

    def top_share(self, node: int) -> float:
        """How many of a node's products say its most frequent term, in [0, 1]."""
        return float(self.by_node[node].data.max(initial=0) / self.sizes[node])


def name_nodes(tree: LabelTree, products: pa.Table) -> list[str]:
    """Name each node by what is typical below it: two types of product, or departments where types are many.

    A node named like the one above it is told apart by words of its titles: "hiking boot: leather, brown".

    products: of `records.PRODUCT_SCHEMA`, by label. Returns: a name per node; of the root, "".
    """
    below, parents = _products_below(tree), tree.parents()
    types = _said(below, ([kind] if kind else [] for kind in products["product_type"].to_pylist()))
    departments = _said(below, (path[:1] for path in products["category"].to_pylist()))
    words = _said(below, (_telling_words(title) for title in products["title"].to_pylist()))
    kinds, names = [""], [""]
    for node in range(1, tree.nodes):
        above = int(parents[node])
        kinds.append(_kind(types, departments, node))
        told_apart = words.most_telling(node, above, LEAST_SHARE) if kinds[node] == kinds[above] else []
        names.append(": ".join(part for part in (kinds[node], ", ".join(told_apart)) if part) or names[above])
    return names


def _kind(types: _Said, departments: _Said, node: int) -> str:
    broad = types.top_share(node) < BROAD
    said, between = (departments, " / ") if broad and departments.terms else (types, " & ")
    return between.join(said.most_telling(node, 0, said.top_share(node) * NEAR_TOP) or said.most_frequent(node))


def _products_below(tree: LabelTree) -> csr_matrix:
    """Returns: nodes x labels, 1 where a label is below a node."""
    parents = tree.parents()
    above = [parents[tree.nodes :]]
    while len(above) < tree.levels:
        above.append(parents[above[-1]])
    labels = np.tile(tree.labels, tree.levels)
    return csr_matrix((np.ones(len(labels)), (np.concatenate(above), labels)), shape=(tree.nodes, len(tree.labels)))


def _said(below: csr_matrix, said: Iterable[Iterable[str]]) -> _Said:
    number: dict[str, int] = {}
    terms, starts = [], [0]
    for of_product in said:
        terms += [number.setdefault(term, len(number)) for term in of_product]
        starts.append(len(terms))
    by_product = csr_matrix((np.ones(len(terms)), terms, starts), shape=(below.shape[1], len(number)))
    by_node = csr_matrix(below @ by_product)
    by_node.sort_indices()
    return _Said(list(number), by_node, np.maximum(below.sum(axis=1).A1, 1))


def _telling_words(title: str) -> list[str]:
    return [word for word in dict.fromkeys(tokenize(title)) if len(word) > 2 and word not in FUNCTION_WORDS]


# ---------------------------------------------------------------- what carried a query
def words_by_column(vectorizer: NgramVectorizer, text: str) -> dict[int, str]:
    """The word or phrase of a text that each known column stands for; letters stand for the first word with them."""
    said = {column: name.replace('"', "") for column, name in vectorizer.names(text).items()}
    for word in reversed(dict.fromkeys(tokenize(text))):
        said |= dict.fromkeys(vectorizer.names(word), word)
    return said


def steps_in_words(explanation: Explanation, names: Sequence[str], words: dict[int, str]) -> tuple[TreeStep, ...]:
    """A way through the tree for people. names: by node. words: of `words_by_column`."""
    *way, last = explanation.path
    steps = [
        TreeStep(names[step.node], _rounded(step.score), _signs(step.contributions, words, SIGNS_ON_THE_WAY))
        for step in way
    ]
    return (*steps, TreeStep(THIS_PRODUCT, _rounded(last.score), _signs(last.contributions, words, SIGNS)))


def _signs(contributions: Iterable[Contribution], words: dict[int, str], most: int) -> tuple[Sign, ...]:
    amounts: dict[str, float] = {}
    for each in contributions:
        said = words[each.feature]
        amounts[said] = amounts.get(said, 0.0) + each.amount
    largest = sorted(amounts.items(), key=lambda item: -abs(item[1]))[:most]
    return tuple(Sign(said, amount) for said, exact in largest if (amount := round(exact, 3)))


def _rounded(score: float) -> float:
    """To three significant digits: scores of long ways are small."""
    return float(f"{score:.3g}")
