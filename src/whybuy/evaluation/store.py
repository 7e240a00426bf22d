"""Evaluations of a built store: its graph against a latent truth."""

from collections import defaultdict
from pathlib import Path

import pyarrow.compute as pc

from whybuy.behavior.signals import strongest
from whybuy.evaluation.graph import GraphReport, Projection, evaluate_graph, read_truth
from whybuy.records import PAIRS, Behavior
from whybuy.shop import Shop


def evaluate_store_graph(store: Path, truth: Path) -> GraphReport:
    """Measure the live graph of a store; an edge of a query counts for every product type that was bought for it.

    Raises:
        ArtifactError: there is no finished build.
        InputError: there is no truth.
    """
    truths = read_truth(truth)
    graph = Shop.open(store).graph
    return evaluate_graph(graph.triples(range(graph.edges.num_rows)), truths, projection_of(store))


def projection_of(store: Path) -> Projection:
    """The product types that edges of a store's graph are about.

    Raises:
        ArtifactError: there is no finished build.
    """
    shop = Shop.open(store)
    type_of = dict(zip(shop.catalog.ids, shop.catalog.column("product_type"), strict=True))
    bought: defaultdict[str, set[str]] = defaultdict(set)
    pairs = shop.table(PAIRS).filter(pc.field("kind") == Behavior.SEARCH_BUY.value)
    for query, product, times in zip(
        *(column.to_pylist() for column in (pairs["left"], pairs["right"], strongest(pairs))), strict=True
    ):
        if times:
            bought[query].add(type_of.get(product, ""))
    return Projection(type_of, lambda query: bought[query])
