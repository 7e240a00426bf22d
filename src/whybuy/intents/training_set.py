"""What the intent student is trained on: texts labeled with reasons, out of the graph and the purchases of a shop.

The label set is the graph's pairs of relation and tail. COSMO (SIGMOD 2024) tunes its language model, COSMO-LM, on
knowledge of the same kind; here a label tree is trained on it (our design).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array, eye_array, vstack

from whybuy.artifacts import digest
from whybuy.behavior.signals import strongest
from whybuy.catalog.product_text import product_texts
from whybuy.graph import KnowledgeGraph
from whybuy.intents.student import RELATIONS
from whybuy.records import Behavior, HeadKind

MIN_WEIGHT = 0.05  # of a reason, where the best one of a text has weight 1
MAX_REASONS = 20  # of a product, and of a query that is labeled by its purchases
_THINGS = (HeadKind.TYPE.value, HeadKind.TYPE_ATTRIBUTE.value, HeadKind.PRODUCT.value)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """Texts with the reasons that are right for them."""

    texts: list[str]
    groups: list[str]  # by text: its query or product type; a group is held out as a whole or not at all
    reasons: csr_matrix  # texts x reasons: weights in [MIN_WEIGHT, 1], the best reason of a text 1

    def __len__(self) -> int:
        return len(self.texts)

    def select(self, mask: NDArray[np.bool_]) -> "TrainingSet":
        """The texts of a mask. mask: shape (texts,)."""
        rows = np.flatnonzero(mask).tolist()
        texts, groups = ([column[row] for row in rows] for column in (self.texts, self.groups))
        return TrainingSet(texts, groups, self.reasons[rows])

    def followed_by(self, others: "TrainingSet") -> "TrainingSet":
        """These texts, then others that are labeled with the same set of reasons."""
        reasons = csr_matrix(vstack([self.reasons, others.reasons], format="csr"))
        return TrainingSet(self.texts + others.texts, self.groups + others.groups, reasons)

    def labeled(self) -> "TrainingSet":
        """The texts that have a reason."""
        return self.select(np.diff(self.reasons.indptr) > 0)

    def held_out(self, share: float) -> NDArray[np.bool_]:
        """A mask of whole groups that hold about this share of the groups; the same in each call. Shape (texts,)."""
        return np.array([int(digest("part", group), 16) < share * 16**16 for group in self.groups], np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Reasons:
    """The label set: each pair of relation and tail in a graph is one reason, whatever its head."""

    relations: NDArray[np.int32]  # shape (reasons,): places in `RELATIONS`
    tails: NDArray[np.int32]  # shape (reasons,): nodes of the graph
    by_node: csr_matrix  # nodes x reasons: plausibility x typicality of the edge from a head node

    @classmethod
    def of(cls, graph: KnowledgeGraph) -> "Reasons":
        """All reasons of a graph, by rising tail, then relation."""
        edges = graph.edges.select(["head", "relation", "tail", "plausibility", "typicality"])
        codes = pc.index_in(edges["relation"], pa.array([one.value for one in RELATIONS])).to_numpy().astype(np.int64)
        distinct, reason = np.unique(edges["tail"].to_numpy() * len(RELATIONS) + codes, return_inverse=True)
        weights = edges["plausibility"].to_numpy() * edges["typicality"].to_numpy()
        shape = (graph.nodes.num_rows, len(distinct))
        by_node = csr_matrix((np.maximum(weights, 1e-6), (edges["head"].to_numpy(), reason)), shape=shape)
        tails, relations = np.divmod(distinct, len(RELATIONS))
        return cls(relations.astype(np.int32), tails.astype(np.int32), by_node)

    def __len__(self) -> int:
        return len(self.tails)

    def co_occurrence(self, kinds: NDArray[np.object_]) -> csr_matrix:
        """How far pairs of reasons have the same products: cosines over types, types with an attribute, and products.

        kinds: of the graph's nodes, shape (nodes,). Returns: reasons x reasons, in [0, 1].
        """
        by_reason = csr_matrix(self.by_node[np.flatnonzero(np.isin(kinds, _THINGS))].T)
        lengths = np.sqrt(np.asarray(by_reason.multiply(by_reason).sum(axis=1)).ravel())
        unit = diags_array(1 / np.maximum(lengths, 1e-12)) @ by_reason
        return csr_matrix(unit @ unit.T)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """All training sets of a shop, by where they come from."""

    reasons: Reasons
    queries: TrainingSet  # with the intents that the graph has for them
    types: TrainingSet  # product types, and types with an attribute value
    products: TrainingSet  # of the catalog, with the reasons of the graph
    wordings: TrainingSet  # of each reason its own words
    purchases: TrainingSet  # queries that the graph does not have, with the reasons of what was bought after them
    co_occurrence: csr_matrix  # see `Reasons.co_occurrence`


def training_data(graph: KnowledgeGraph, products: pa.Table, pairs: pa.Table) -> TrainingData:
    """The training sets out of a shop's graph, catalog (PRODUCT_SCHEMA) and behavior pairs (PAIR_SCHEMA)."""
    reasons, kinds = Reasons.of(graph), np.array(graph.nodes["kind"].to_pylist(), dtype=object)
    keys: list[list[str]] = graph.nodes["key"].to_pylist()

    def heads(*of: HeadKind) -> TrainingSet:
        nodes = np.flatnonzero(np.isin(kinds, [one.value for one in of])).tolist()
        groups = [keys[node][0] for node in nodes]
        return TrainingSet([_text(keys[node]) for node in nodes], groups, _scaled(reasons.by_node[nodes]))

    queries, by_product = heads(HeadKind.QUERY), product_reasons(graph, reasons, products)
    labels: list[str] = graph.nodes["label"].take(pa.array(reasons.tails)).to_pylist()
    types = products["product_type"].to_pylist()
    return TrainingData(
        reasons=reasons,
        queries=queries,
        types=heads(HeadKind.TYPE, HeadKind.TYPE_ATTRIBUTE),
        products=TrainingSet(product_texts(products), types, _best(by_product, MAX_REASONS)).labeled(),
        wordings=TrainingSet(labels, labels, csr_matrix(eye_array(len(reasons), dtype=np.float32))),
        purchases=_purchases(pairs, set(queries.texts), products["product_id"].to_pylist(), by_product).labeled(),
        co_occurrence=reasons.co_occurrence(kinds),
    )


def product_reasons(graph: KnowledgeGraph, reasons: Reasons, products: pa.Table) -> csr_matrix:
    """The reasons of each product, of its type, and of its type with each of its attribute values.

    Returns: products x reasons, sums of the weights in `Reasons.by_node`.
    """
    heads = [(row, node) for row, head in _heads(products) if (node := graph.node(*head)) is not None]
    rows, nodes = np.array(heads, np.int64).reshape(-1, 2).T
    shape = (products.num_rows, graph.nodes.num_rows)
    return csr_matrix(csr_matrix((np.ones(len(rows), np.float32), (rows, nodes)), shape=shape) @ reasons.by_node)


def _heads(products: pa.Table) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Rows of products with the kind and key of each node that may be a head of their reasons."""
    columns = (products[name].to_pylist() for name in ("product_id", "product_type", "attributes"))
    for row, (product_id, kind, attributes) in enumerate(zip(*columns, strict=True)):
        yield row, (HeadKind.PRODUCT.value, product_id)
        yield row, (HeadKind.TYPE.value, kind)
        for entry in attributes:
            yield row, (HeadKind.TYPE_ATTRIBUTE.value, kind, entry["name"], entry["value"])


def _text(key: list[str]) -> str:
    """A query, a type, or a type with an attribute as shoppers write it: the value before the type."""
    return key[0] if len(key) == 1 else f"{key[-1]} {key[0]}"


def _purchases(pairs: pa.Table, known: set[str], product_ids: list[str], by_product: csr_matrix) -> TrainingSet:
    """Queries that are not known, each with the reasons of its purchases, weighted by their number.

    In a shop that logs none, of what it led to instead: see `strongest`.
    """
    pairs = pairs.filter(pc.field("kind") == Behavior.SEARCH_BUY.value)
    pairs = pairs.append_column("taken", strongest(pairs))
    new = ~pc.field("left").isin(pa.array(sorted(known), pa.string()))
    searches = pairs.filter((pc.field("taken") > 0) & new)
    rows = pc.index_in(searches["right"], pa.array(product_ids, pa.string()))
    searches, rows = searches.filter(pc.is_valid(rows)), pc.drop_null(rows).to_numpy()
    queries = pc.dictionary_encode(searches["left"]).combine_chunks()
    texts: list[str] = queries.dictionary.to_pylist()
    shape = (len(texts), len(product_ids))
    by_query = csr_matrix((searches["taken"].to_numpy(), (queries.indices.to_numpy(), rows)), shape=shape)
    return TrainingSet(texts, texts, _best(csr_matrix(by_query @ by_product), MAX_REASONS))


def _best(weights: csr_matrix, most: int) -> csr_matrix:
    """The largest entries of each row, at most so many, ties by column; scaled as by `_scaled`."""
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    order = np.lexsort((weights.indices, -weights.data, rows))
    kept = order[np.arange(len(order)) - weights.indptr[rows[order]] < most]
    return _scaled(csr_matrix((weights.data[kept], (rows[kept], weights.indices[kept])), shape=weights.shape))


def _scaled(weights: csr_matrix) -> csr_matrix:
    """Each row divided by its largest entry; entries below `MIN_WEIGHT` raised to that."""
    if not weights.nnz:
        return csr_matrix(weights, dtype=np.float32)
    top = weights.max(axis=1).toarray().ravel()
    scaled = np.maximum(weights.data / np.repeat(top, np.diff(weights.indptr)), MIN_WEIGHT).astype(np.float32)
    return csr_matrix((scaled, weights.indices, weights.indptr), shape=weights.shape)
