"""What the label tree adds to the reranker of the Home Depot shop, on its validation queries, as JSON.

`make shops SHOP=homedepot` first; then `python benchmarks/tree_homedepot.py` trains the reranker twice from the same
training judgments, with the tree and blind to it, and writes `results/tree_homedepot.json`: all rankers, the difference
that the tree makes with its interval, and products with and without a training query apart.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rounding import rounded
from whybuy.build.retrieval import tree_trainer
from whybuy.evaluation.search import Rank, evaluate_search
from whybuy.intents import IntentReader
from whybuy.qrels import Qrels, read_qrels
from whybuy.retrieval.finder import Finder
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.ranking.reranker import Reranker
from whybuy.retrieval.ranking.training import RERANKER_CONFIG, train_reranker
from whybuy.retrieval.training_set import qrels_training_set
from whybuy.retrieval.tree import Logs, TreeIndex
from whybuy.retrieval.tree_training import TreeTrainer
from whybuy.shop import Shop
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.scoring import LabelScores
from whybuy.xmr.tree import XMRTree

PROJECT = Path(__file__).parents[1]
STORE = Path(os.environ.get("WHYBUY_SHOPS", PROJECT.parent / "shops")).resolve() / "homedepot"
JUDGMENTS = "judgments.parquet"
RELEVANT_FROM = 2.33
RESULTS = PROJECT / "results" / "tree_homedepot.json"


class SilentTree(XMRTree):
    """Has no opinion on any label."""

    def __init__(self) -> None:
        """Nothing is trained."""

    def score(self, ids: object, values: object, labels: NDArray[np.int32], **_: object) -> LabelScores:
        """The same for all."""
        return LabelScores(*(np.zeros(len(labels), np.float32) for _ in LabelScores._fields))


class BlindIndex(TreeIndex):
    """Finds nothing by the tree; similar products are found as before."""

    def __init__(self, index: TreeIndex) -> None:
        """index: whose vectors are used."""
        self.tree, self.logs = SilentTree(), Logs(np.zeros_like(index.logs.searches), np.zeros_like(index.logs.seen))
        self.vectorizer, self._ngrams = index.vectorizer, index._ngrams

    def rank(self, ids: NDArray[np.int32], values: NDArray[np.float32], limit: int) -> Ranked:
        """Nothing."""
        return Ranked.empty()


@dataclass(frozen=True, slots=True, eq=False)
class BlindTrainer(TreeTrainer):
    """Trains nothing."""

    blind: BlindIndex

    def train_without(self, queries: Iterable[str], vectorizer: NgramVectorizer) -> TreeIndex:
        """A blind tree."""
        return self.blind


def main() -> None:
    """Train, rank, print, write."""
    shop = Shop.open(STORE)
    ids, tree, settings = shop.catalog.ids, shop.tree, shop.settings.one(RERANKER_CONFIG)
    blind, trained = BlindIndex(tree), tree_trainer(shop)
    trainer = BlindTrainer(trained.products, trained.searches, trained.reasons, trained.config, blind)
    gains = qrels_training_set(read_qrels(STORE / settings.judgments), ids)
    with tempfile.TemporaryDirectory() as folder:
        train_reranker(trainer, gains, shop.finder.over(blind), shop.intent_reader.read, Path(folder), config=settings)
        finders = {
            "fused without tree": shop.finder.over(blind, reranker=Reranker.open(Path(folder))),
            "fused": shop.finder,
        }
        ranks = {name: _rank(finder, shop.intent_reader, ids, "fused") for name, finder in finders.items()}
        ranks |= {name: _rank(shop.finder, shop.intent_reader, ids, name) for name in ("lexical", "tree")}
        qrels = read_qrels(STORE / JUDGMENTS)
        report = evaluate_search(ranks, qrels, relevant_from=RELEVANT_FROM)
        searched = {ids[row] for row in np.flatnonzero(tree.logs.searches).tolist()}
        parts = {
            "products with no training query": evaluate_search(ranks, _of(qrels, searched, there=False)),
            "products with a training query": evaluate_search(ranks, _of(qrels, searched, there=True)),
        }
    body = {"command": "make shops SHOP=homedepot; python benchmarks/tree_homedepot.py", **report.as_json()}
    body["differences"] = {
        f"{metric} of {ranker} over {baseline}": asdict(report.difference(ranker, baseline, metric=metric))
        for metric in ("ndcg@10", "recall@100")
        for ranker, baseline in (("fused", "lexical"), ("fused", "fused without tree"))
    }
    body["parts"] = {name: part.as_json() for name, part in parts.items()}
    RESULTS.write_text(json.dumps(rounded(body), indent=1) + "\n", encoding="utf-8")
    print(json.dumps(rounded(body), indent=1))


def _rank(finder: Finder, reader: IntentReader, ids: Sequence[str], ranker: str) -> Rank:
    def rank(text: str, limit: int) -> list[str]:
        intents = reader.read(text) if ranker == "fused" else ()
        return [ids[row] for row in finder.find(text, intents, ranker=ranker).ranked.rows[:limit].tolist()]

    return rank


def _of(qrels: Qrels, products: Set[str], *, there: bool) -> Qrels:
    """The judgments of products that are, or are not, among some; queries that keep one."""
    kept = {
        topic: {product: grade for product, grade in grades.items() if (product in products) == there}
        for topic, grades in qrels.grades.items()
    }
    return Qrels({topic: grades for topic, grades in kept.items() if grades}, qrels.scale, qrels.texts)


if __name__ == "__main__":
    main()
