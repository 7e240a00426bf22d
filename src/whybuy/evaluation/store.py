"""Evaluations of a built store: its graph against a latent truth."""

from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq

from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore
from whybuy.behavior.mining import PAIRS_FILE
from whybuy.catalog.catalog import Catalog
from whybuy.evaluation.graph import GraphReport, Projection, evaluate_graph, read_truth
from whybuy.graph import KnowledgeGraph
from whybuy.records import Behavior


def evaluate_store_graph(store: Path, truth: Path) -> GraphReport:
    """Measure the live graph of a store; a query speaks for every product type that was bought for it.

    Raises:
        ArtifactError: there is no finished build.
        InputError: there is no truth.
    """
    truths = read_truth(truth)
    graph = KnowledgeGraph(ArtifactStore(store / ARTIFACTS_FOLDER).current()["graph"])
    return evaluate_graph(graph.triples(range(graph.edges.num_rows)), truths, projection_of(store))


def projection_of(store: Path) -> Projection:
    """What the edges of a store's graphs say of product types.

    Raises:
        ArtifactError: there is no finished build.
    """
    folders = ArtifactStore(store / ARTIFACTS_FOLDER).current()
    catalog = Catalog.load(folders["catalog"])
    type_of = dict(zip(catalog.ids, catalog.column("product_type"), strict=True))
    bought: defaultdict[str, set[str]] = defaultdict(set)
    if "pairs" in folders:
        pairs = pq.read_table(folders["pairs"] / PAIRS_FILE, columns=["kind", "left", "right", "purchases"]).to_pylist()
        for pair in pairs:
            if pair["kind"] == Behavior.SEARCH_BUY and pair["purchases"]:
                bought[pair["left"]].add(type_of.get(pair["right"], ""))
    return Projection(type_of, lambda query: bought[query])
