"""A shop of 60 products with searches, reasons and all that ranks them, for tests of trees and orders."""

from dataclasses import dataclass, replace
from itertools import product as combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tiny_shop import of_type, open_graph, pair_table, product_table, reason
from whybuy.graph import KnowledgeGraph
from whybuy.intents import IntentConfig, IntentReader
from whybuy.records import Behavior, Product
from whybuy.relations import Relation
from whybuy.retrieval.expansion import ExpansionIndex, build_expansion
from whybuy.retrieval.indexes import Indexes
from whybuy.retrieval.lexical import LexicalConfig, LexicalIndex, build_lexical
from whybuy.retrieval.ranking.training import ReadIntents
from whybuy.retrieval.training_set import TrainingSet, reason_training_set, search_training_set
from whybuy.retrieval.tree_training import TreeConfig, TreeTrainer

KINDS = ("slip-on shoe", "hiking boot", "dome tent", "sleeping bag", "dog leash", "floor lamp")
MAKERS = ("Marlowe", "Stepwell", "Tarn", "Ostrava", "Fennel")
COLORS = ("sage", "navy")
PRODUCTS = [
    Product(f"{kind.split()[0]}-{number}", f"{maker} {kind}", product_type=kind, attributes=(("color", color),))
    for kind in KINDS
    for number, (maker, color) in enumerate(combinations(MAKERS, COLORS))
]
ROW = {product.product_id: row for row, product in enumerate(PRODUCTS)}
SEARCHES = {"kicks": "slip-on-{}", "comfy kicks": "slip-on-{}", "warm bag": "sleeping-{}", "walkies": "dog-{}"}
"""Queries with words that no product has; each was followed by purchases of four products. No lamp was ever bought."""


def pairs() -> pa.Table:
    """The searches, the first product bought most."""
    found = [
        (Behavior.SEARCH_BUY, query, ids.format(number), 8 - number)
        for query, ids in SEARCHES.items()
        for number in range(4)
    ]
    return pair_table(found)


def kinds_of(rows: NDArray[np.integer]) -> set[str]:
    """The product types of rows."""
    return {PRODUCTS[row].product_type for row in rows.tolist()}


def judged() -> TrainingSet:
    """Sixty queries of a maker and a type, in two wordings: each wants the navy product, which it does not say."""
    texts, wanted = [], []
    for row, product in enumerate(PRODUCTS):
        if ("color", "navy") in product.attributes:
            maker, *kind = product.title.split()
            texts += [product.title, f"{kind[-1]} {maker}"]
            wanted += [row, row]
    ones = np.ones(len(texts), np.float32)
    return TrainingSet(texts, csr_matrix((ones, (range(len(texts)), wanted)), shape=(len(texts), len(PRODUCTS))))


@dataclass(frozen=True)
class TreeShop:
    """The parts."""

    graph: KnowledgeGraph
    trainer: TreeTrainer
    indexes: Indexes  # without a tree
    read: ReadIntents

    @property
    def trained(self) -> Indexes:
        """With the tree of the shop."""
        return replace(self.indexes, tree=self.trainer.train())


def make_shop(root: Path, *, threads: int = 1) -> TreeShop:
    """Write and open all that is searched."""
    table = product_table(PRODUCTS)
    types = [product.product_type for product in PRODUCTS]
    graph = open_graph(
        root / "graph",
        [
            reason(of_type("slip-on shoe"), Relation.USED_FOR_AUDIENCE, "pregnant women"),
            reason(of_type("dome tent"), Relation.USED_FOR_EVENT, "camping"),
            reason(of_type("sleeping bag"), Relation.USED_FOR_EVENT, "camping", score=0.7),
            reason(of_type("yurt"), Relation.USED_FOR_EVENT, "steppe festival"),
        ],
    )
    for folder in (root / "lexical", root / "expansion"):
        folder.mkdir()
    build_lexical(table, root / "lexical", LexicalConfig())
    build_expansion(graph, table, root / "expansion")
    indexes = Indexes(LexicalIndex.open(root / "lexical"), ExpansionIndex(root / "expansion", graph, types), KINDS)
    config = TreeConfig(leaf_size=8, branching=4, threads=threads)
    reasons = reason_training_set(graph, root / "expansion", types)
    trainer = TreeTrainer(table, search_training_set(pairs(), table), reasons, config)
    return TreeShop(graph, trainer, indexes, IntentReader(graph, IntentConfig()).read)
