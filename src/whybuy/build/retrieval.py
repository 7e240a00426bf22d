"""The stages that index products, train the label tree over them, and train the reranker."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whybuy.build.stage import Stage, Summary
from whybuy.errors import ConfigError
from whybuy.qrels import read_qrels
from whybuy.records import PAIRS
from whybuy.retrieval import expansion, implied, lexical, signals, synonyms, tree
from whybuy.retrieval.catalog_synonyms import catalog_synonyms
from whybuy.retrieval.expansion import build_expansion
from whybuy.retrieval.implied import ASKED, IMPLIED
from whybuy.retrieval.implied_fitting import AskedWords, known_words, with_asked, words_as_reasons
from whybuy.retrieval.lexical import LEXICAL_CONFIG, build_lexical
from whybuy.retrieval.ranking import reranker
from whybuy.retrieval.ranking.training import RERANKER_CONFIG, Replay, train_reranker
from whybuy.retrieval.signals import SignalIndex
from whybuy.retrieval.synonym_fitting import SynonymLearner
from whybuy.retrieval.synonyms import NAMED, SYNONYMS, with_named
from whybuy.retrieval.training_set import TrainingSet, qrels_training_set, reason_training_set, search_training_set
from whybuy.retrieval.tree import TreeIndex
from whybuy.retrieval.tree_training import TREE_CONFIG, TreeTrainer
from whybuy.retrieval.wordnet import WORDNET_CONFIG, WordNet, wordnet_files
from whybuy.shop import SEARCH_CONFIG, Shop


def _index_words(shop: Shop, folder: Path) -> Summary:
    build_lexical(shop.catalog.table, folder, shop.settings.one(LEXICAL_CONFIG))
    return {"products": len(shop.catalog)}


def _index_intents(shop: Shop, folder: Path) -> Summary:
    return {"entries": build_expansion(shop.graph, shop.catalog.table, folder)}


def _answered_searches(shop: Shop) -> TrainingSet:
    """Judged queries where settings name judgments, else those of the logs."""
    judged = [qrels_training_set(read_qrels(file), shop.catalog.ids) for file in _qrels(shop)]
    return judged[0] if judged else _searches(shop)


def _find_implied(shop: Shop, folder: Path) -> Summary:
    known = known_words(shop.catalog.table, shop.graph)
    pq.write_table(known, folder / IMPLIED.file, compression="zstd")
    return {"words": len(known)}


def _learn_asked(shop: Shop, folder: Path) -> Summary:
    # the index knows the words of reasons here, so that it takes none of them for a misspelled one
    asked = AskedWords(_answered_searches(shop), shop.catalog.table, shop.lexical)
    learned = with_asked(shop.table(IMPLIED), asked(), words_as_reasons(shop.graph))
    pq.write_table(learned, folder / ASKED.file, compression="zstd")
    return {"words": len(learned), "of searches": int(pc.sum(pc.greater(learned["searches"], 0)).as_py() or 0)}


def _wordnet(shop: Shop) -> Path | None:
    """The folder of the WordNet database that the settings name, if any."""
    named = shop.settings.one(WORDNET_CONFIG).folder
    return shop.store / named if named else None


def _wordnet_files(shop: Shop) -> Sequence[Path]:
    folder = _wordnet(shop)
    return wordnet_files(folder) if folder else []


def _find_named(shop: Shop, folder: Path) -> Summary:
    wordnet = _wordnet(shop)
    found = catalog_synonyms(shop.catalog.table, WordNet.open(wordnet) if wordnet else None)
    pq.write_table(found, folder / NAMED.file, compression="zstd")
    return {"synonyms": len(found)}


def _learn_synonyms(shop: Shop, folder: Path) -> Summary:
    learned = SynonymLearner(_answered_searches(shop), shop.catalog.table, shop.lexical.spelled).learn()
    pq.write_table(with_named(shop.table(NAMED), learned), folder / SYNONYMS.file, compression="zstd")
    return {"synonyms": len(learned)}


def _index_signals(shop: Shop, folder: Path) -> Summary:
    searches = search_training_set(shop.table(PAIRS), shop.catalog.table)
    index = SignalIndex.build(searches.texts, searches.products)
    index.save(folder)
    return {"searches": len(index)}


def tree_trainer(shop: Shop, *, seed: int = 0) -> TreeTrainer:
    """All that the label tree of a shop is trained on: what was bought for searches, and reasons of the graph."""
    products = shop.catalog.table
    reasons = reason_training_set(shop.graph, shop.folder("expansion"), shop.catalog.column("product_type"))
    return TreeTrainer(products, _searches(shop), reasons, shop.settings.one(TREE_CONFIG), seed=seed)


def _searches(shop: Shop) -> TrainingSet:
    return search_training_set(shop.table(PAIRS), shop.catalog.table, evidence="evidence").damped()


def make_tree(shop: Shop, folder: Path, *, seed: int = 0) -> Summary:
    """Train the label tree of a shop into a folder."""
    trainer = tree_trainer(shop, seed=seed)
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


def make_reranker(shop: Shop, folder: Path, *, seed: int = 0) -> Summary:
    """Train the reranker of a shop into a folder, which stays empty where there are too few queries."""
    config, trainer = shop.settings.one(RERANKER_CONFIG), tree_trainer(shop, seed=seed)
    queries = _queries(shop, trainer)
    if train_reranker(trainer, queries, shop.finder, shop.intent_reader.read, folder, config=config):
        return {"queries": min(len(queries), config.most_queries)}
    why = f"too few of {len(queries)} queries to train on; {config.least_queries} are needed"
    return {"queries": 0, "why": why}


def _queries(shop: Shop, trainer: TreeTrainer) -> TrainingSet | Replay:
    """The queries that train the reranker: judged ones where settings name judgments, else those of the logs."""
    for file in _qrels(shop):
        return qrels_training_set(read_qrels(file), shop.catalog.ids)
    return _replay(shop, trainer)


def _replay(shop: Shop, trainer: TreeTrainer) -> Replay | TrainingSet:
    """The searches of the shop, cut in time; as they are where the log has no times, or few searches since the cut."""
    pairs = shop.table(PAIRS)
    pairs = pairs.append_column("before", pc.subtract(pairs["evidence"], pairs["late"]))
    parts = (search_training_set(pairs, trainer.products, evidence=part) for part in ("before", "earlier", "late"))
    replay = Replay(trainer.searches, *parts)
    return replay if len(replay) >= shop.settings.one(RERANKER_CONFIG).least_queries else trainer.searches


LEXICAL = Stage(
    kind="lexical",
    version=lexical.FORMAT_VERSION,
    make=_index_words,
    after=("catalog",),
    config=(LEXICAL_CONFIG,),
)
NAMED_STAGE = Stage(
    kind=NAMED.kind,
    version=synonyms.FORMAT_VERSION,
    make=_find_named,
    after=("catalog",),
    config=(WORDNET_CONFIG,),
    files=_wordnet_files,
)
SYNONYMS_STAGE = Stage(
    kind=SYNONYMS.kind,
    version=synonyms.FORMAT_VERSION,
    make=_learn_synonyms,
    after=("catalog", "lexical", NAMED.kind),
    after_if_there=("pairs",),
    files=_qrels,
    skip=_without_searches,
)
IMPLIED_STAGE = Stage(
    kind=IMPLIED.kind,
    version=implied.FORMAT_VERSION,
    make=_find_implied,
    after=("catalog", "graph"),
)
ASKED_STAGE = Stage(
    kind=ASKED.kind,
    version=implied.FORMAT_VERSION,
    make=_learn_asked,
    after=("catalog", "graph", "lexical", IMPLIED.kind),
    after_if_there=("pairs",),
    files=_qrels,
    skip=_without_searches,
)
EXPANSION = Stage(
    kind="expansion",
    version=expansion.FORMAT_VERSION,
    make=_index_intents,
    after=("catalog", "graph"),
)
SIGNALS = Stage(
    kind="signals",
    version=signals.FORMAT_VERSION,
    make=_index_signals,
    after=("catalog",),
    after_if_there=("pairs",),
)
TREE = Stage(
    kind="tree",
    version=tree.FORMAT_VERSION,
    make=make_tree,
    after=("catalog", "graph", "expansion"),
    after_if_there=("pairs",),
    config=(TREE_CONFIG,),
)
RERANKER = Stage(
    kind="reranker",
    version=reranker.FORMAT_VERSION,
    make=make_reranker,
    after=("catalog", "graph", "lexical", "expansion", "signals", "tree"),
    after_if_there=("pairs", "named", "synonyms", "implied", "asked"),
    config=(RERANKER_CONFIG, SEARCH_CONFIG),
    files=_qrels,
    skip=_without_searches,
)
