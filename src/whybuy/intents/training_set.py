"""What a student learns from: texts of heads with the reasons that the graph gives them, searches with those bought."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array, eye_array, vstack

from whybuy.artifacts import digest
from whybuy.graph import KnowledgeGraph
from whybuy.intents.product_text import texts_of_products
from whybuy.intents.student import RELATIONS
from whybuy.records import Behavior, HeadKind

LEAST_WEIGHT = 0.05  # of a reason beside the best one of a head
MOST_REASONS = 20  # of a product, and of a search that has none but those of what was bought for it
_THINGS = (HeadKind.TYPE.value, HeadKind.TYPE_ATTRIBUTE.value, HeadKind.PRODUCT.value)


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Texts with the reasons that are right for them."""

    texts: list[str]
    groups: list[str]  # by lesson: what may not be torn apart when some are withheld: a query, or a product type
    reasons: csr_matrix  # lessons x reasons: how typical each is, > 0

    def __len__(self) -> int:
        return len(self.texts)

    def only(self, chosen: NDArray[np.bool_]) -> "Lessons":
        """Those of a mask. chosen: shape (lessons,)."""
        rows = np.flatnonzero(chosen).tolist()
        texts, groups = ([column[row] for row in rows] for column in (self.texts, self.groups))
        return Lessons(texts, groups, self.reasons[rows])

    def followed_by(self, others: "Lessons") -> "Lessons":
        """These and others of the same reasons."""
        reasons = csr_matrix(vstack([self.reasons, others.reasons], format="csr"))
        return Lessons(self.texts + others.texts, self.groups + others.groups, reasons)

    def taught(self) -> "Lessons":
        """Those with a reason."""
        return self.only(np.diff(self.reasons.indptr) > 0)

    def part(self, share: float) -> NDArray[np.bool_]:
        """Whole groups that hold about this share, always the same. Returns: shape (lessons,), a mask."""
        return np.array([int(digest("part", group), 16) < share * 16**16 for group in self.groups], np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Reasons:
    """The reasons that a graph knows: each pair of relation and tail is one, whatever it is said of."""

    relations: NDArray[np.int32]  # shape (reasons,): places in `RELATIONS`
    tails: NDArray[np.int32]  # shape (reasons,): nodes of the graph
    by_node: csr_matrix  # nodes x reasons: plausibility x typicality of what is said of a head

    @classmethod
    def of(cls, graph: KnowledgeGraph) -> "Reasons":
        """All of a graph, in the order of tail and relation."""
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

    def company(self, kinds: NDArray[np.object_]) -> csr_matrix:
        """How far two reasons are said of the same products: cosines over types, traits and products.

        kinds: shape (nodes,). Returns: reasons x reasons, in [0, 1].
        """
        said = csr_matrix(self.by_node[np.flatnonzero(np.isin(kinds, _THINGS))].T)
        lengths = np.sqrt(np.asarray(said.multiply(said).sum(axis=1)).ravel())
        unit = diags_array(1 / np.maximum(lengths, 1e-12)) @ said
        return csr_matrix(unit @ unit.T)


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """All lessons of a shop, by where they come from."""

    reasons: Reasons
    queries: Lessons  # that the graph reads
    kinds: Lessons  # types, and types with a trait
    products: Lessons  # of the catalog, with what the graph says of them
    own: Lessons  # by reason: its own words
    bought: Lessons  # searches that the graph says nothing of, with the reasons of what was bought
    company: csr_matrix  # of `Reasons.company`


def course_of(graph: KnowledgeGraph, products: pa.Table, pairs: pa.Table) -> Course:
    """What the graph of a shop teaches. products: of `records.PRODUCT_SCHEMA`. pairs: of `records.PAIR_SCHEMA`."""
    reasons, kinds = Reasons.of(graph), np.array(graph.nodes["kind"].to_pylist(), dtype=object)
    keys: list[list[str]] = graph.nodes["key"].to_pylist()

    def said_of(*of: HeadKind) -> Lessons:
        nodes = np.flatnonzero(np.isin(kinds, [one.value for one in of])).tolist()
        groups = [keys[node][0] for node in nodes]
        return Lessons([_text(keys[node]) for node in nodes], groups, _telling(reasons.by_node[nodes]))

    queries, by_product = said_of(HeadKind.QUERY), product_reasons(graph, reasons, products)
    labels: list[str] = graph.nodes["label"].take(pa.array(reasons.tails)).to_pylist()
    types = products["product_type"].to_pylist()
    return Course(
        reasons=reasons,
        queries=queries,
        kinds=said_of(HeadKind.TYPE, HeadKind.TYPE_ATTRIBUTE),
        products=Lessons(texts_of_products(products), types, _best(by_product, MOST_REASONS)).taught(),
        own=Lessons(labels, labels, csr_matrix(eye_array(len(reasons), dtype=np.float32))),
        bought=_bought(pairs, set(queries.texts), products["product_id"].to_pylist(), by_product).taught(),
        company=reasons.company(kinds),
    )


def product_reasons(graph: KnowledgeGraph, reasons: Reasons, products: pa.Table) -> csr_matrix:
    """What the graph says of each product, of its type, and of its type with one of its attributes.

    Returns: products x reasons, the sum of what is said.
    """
    found = [(row, node) for row, head in _heads(products) if (node := graph.node(*head)) is not None]
    rows, nodes = np.array(found, np.int64).reshape(-1, 2).T
    shape = (products.num_rows, graph.nodes.num_rows)
    return csr_matrix(csr_matrix((np.ones(len(rows), np.float32), (rows, nodes)), shape=shape) @ reasons.by_node)


def _heads(products: pa.Table) -> Iterator[tuple[int, tuple[str, ...]]]:
    columns = (products[name].to_pylist() for name in ("product_id", "product_type", "attributes"))
    for row, (product_id, kind, attributes) in enumerate(zip(*columns, strict=True)):
        yield row, (HeadKind.PRODUCT.value, product_id)
        yield row, (HeadKind.TYPE.value, kind)
        for entry in attributes:
            yield row, (HeadKind.TYPE_ATTRIBUTE.value, kind, entry["name"], entry["value"])


def _text(key: list[str]) -> str:
    """A query, a type, or a type with a trait, as shoppers put it: the value before the type."""
    return key[0] if len(key) == 1 else f"{key[-1]} {key[0]}"


def _bought(pairs: pa.Table, known: set[str], product_ids: list[str], by_product: csr_matrix) -> Lessons:
    """Searches that are not known, each with the reasons for which its purchases are made mostly."""
    searched = pc.and_(pc.equal(pairs["kind"], Behavior.SEARCH_BUY.value), pc.greater(pairs["purchases"], 0))
    new = pc.invert(pc.is_in(pairs["left"], pa.array(sorted(known), pa.string())))
    searches = pairs.filter(pc.and_(searched, new))
    rows = pc.index_in(searches["right"], pa.array(product_ids, pa.string()))
    searches, rows = searches.filter(pc.is_valid(rows)), pc.drop_null(rows).to_numpy()
    queries = pc.dictionary_encode(searches["left"]).combine_chunks()
    texts: list[str] = queries.dictionary.to_pylist()
    shape = (len(texts), len(product_ids))
    by_query = csr_matrix((searches["purchases"].to_numpy(), (queries.indices.to_numpy(), rows)), shape=shape)
    return Lessons(texts, texts, _best(csr_matrix(by_query @ by_product), MOST_REASONS))


def _best(weights: csr_matrix, most: int) -> csr_matrix:
    """The largest entries of each row, ties by column."""
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    order = np.lexsort((weights.indices, -weights.data, rows))
    kept = order[np.arange(len(order)) - weights.indptr[rows[order]] < most]
    return _telling(csr_matrix((weights.data[kept], (rows[kept], weights.indices[kept])), shape=weights.shape))


def _telling(weights: csr_matrix) -> csr_matrix:
    """Each row's largest entry scaled to 1, the others to `LEAST_WEIGHT` or more."""
    if not weights.nnz:
        return csr_matrix(weights, dtype=np.float32)
    top = weights.max(axis=1).toarray().ravel()
    scaled = np.maximum(weights.data / np.repeat(top, np.diff(weights.indptr)), LEAST_WEIGHT).astype(np.float32)
    return csr_matrix((scaled, weights.indices, weights.indptr), shape=weights.shape)
