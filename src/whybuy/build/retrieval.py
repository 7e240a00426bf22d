"""The stages that index products, train the label tree over them, and train the reranker."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from whybuy.build.stage import Stage, Summary
from whybuy.errors import ConfigError
from whybuy.qrels import read_qrels
from whybuy.records import PAIRS
from whybuy.retrieval import expansion, lexical, tree
from whybuy.retrieval.expansion import build_expansion
from whybuy.retrieval.lexical import LEXICAL_CONFIG, build_lexical
from whybuy.retrieval.ranking import reranker
from whybuy.retrieval.ranking.training import RERANKER_CONFIG, train_reranker
from whybuy.retrieval.training_set import qrels_training_set, reason_training_set, search_training_set
from whybuy.retrieval.tree import TreeIndex
from whybuy.retrieval.tree_training import TREE_CONFIG, TreeTrainer
from whybuy.shop import SEARCH_CONFIG, Shop


def _index_words(shop: Shop, folder: Path) -> Summary:
    build_lexical(shop.catalog.table, folder, shop.settings.one(LEXICAL_CONFIG))
    return {"products": len(shop.catalog)}


def _index_intents(shop: Shop, folder: Path) -> Summary:
    return {"entries": build_expansion(shop.graph, shop.catalog.table, folder)}


def tree_trainer(shop: Shop) -> TreeTrainer:
    """All that the label tree of a shop is trained on: what was bought for searches, and reasons of the graph."""
    products = shop.catalog.table
    reasons = reason_training_set(shop.graph, shop.folder("expansion"), shop.catalog.column("product_type"))
    searches = search_training_set(shop.table(PAIRS), products)
    return TreeTrainer(products, searches, reasons, shop.settings.one(TREE_CONFIG))


def _train_tree(shop: Shop, folder: Path) -> Summary:
    trainer = tree_trainer(shop)
    trainer.train().save(folder)
    TreeIndex.open(folder).warm_up(trainer.products["title"][0].as_py() if trainer.products.num_rows else "")
    return {"searches": len(trainer.searches), "reasons": len(trainer.reasons)}


def _qrels(shop: Shop) -> Sequence[Path]:
    """The judgments that train the reranker, if the settings name any; without them purchases and clicks do."""
    named = shop.settings.one(RERANKER_CONFIG).judgments
    if named and not (shop.store / named).exists():
        raise ConfigError(f"{shop.store / named} does not exist. Correct its path in store.toml.")
    return [shop.store / named] if named else []


def _without_searches(shop: Shop, judgments: pa.Table) -> str:
    return "" if shop.has(PAIRS.kind) or _qrels(shop) else "there are neither logs nor judgments to train on"


def _train_reranker(shop: Shop, folder: Path) -> Summary:
    config, trainer = shop.settings.one(RERANKER_CONFIG), tree_trainer(shop)
    qrels = [qrels_training_set(read_qrels(file), shop.catalog.ids) for file in _qrels(shop)]
    gains = qrels[0] if qrels else trainer.searches
    if train_reranker(trainer, gains, shop.finder, shop.intent_reader.read, folder, config=config):
        return {"queries": min(len(gains), config.most_queries)}
    why = f"too few of {len(gains)} queries to train on; {config.least_queries} are needed"
    return {"queries": 0, "why": why}


LEXICAL = Stage(
    kind="lexical",
    version=lexical.FORMAT_VERSION,
    make=_index_words,
    after=("catalog",),
    config=(LEXICAL_CONFIG,),
)
EXPANSION = Stage(
    kind="expansion",
    version=expansion.FORMAT_VERSION,
    make=_index_intents,
    after=("catalog", "graph"),
)
TREE = Stage(
    kind="tree",
    version=tree.FORMAT_VERSION,
    make=_train_tree,
    after=("catalog", "graph", "expansion"),
    after_if_there=("pairs",),
    config=(TREE_CONFIG,),
)
RERANKER = Stage(
    kind="reranker",
    version=reranker.FORMAT_VERSION,
    make=_train_reranker,
    after=("catalog", "graph", "lexical", "expansion", "tree"),
    after_if_there=("pairs",),
    config=(RERANKER_CONFIG, SEARCH_CONFIG),
    files=_qrels,
    skip=_without_searches,
)
