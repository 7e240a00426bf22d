"""Data sets as a label ranker sees them: labels with titles, queries with what was bought, queries to measure on."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, identity, vstack

from synthetic_catalog import SyntheticCatalog
from whybuy.demo.shop import EVENTS, FEED, write_shop
from whybuy.evaluation.search import Rank, SearchReport, evaluate_search
from whybuy.evaluation.splits import Part, keys_of
from whybuy.qrels import Qrels, Scale, read_qrels
from whybuy.text import clean, normalize

DATA = Path(os.environ.get("WHYBUY_DATA", Path(__file__).parents[2] / "shared" / "data"))
RELEVANT_FROM = 2.33  # of Home Depot's grades 1 to 3


@dataclass(frozen=True, slots=True, eq=False)
class RankingData:
    """One data set. Labels are numbered; judgments name them by these numbers as text."""

    name: str
    titles: list[str]  # by label
    queries: list[str]  # to learn from
    bought: csr_matrix  # queries x labels: float32 weights
    qrels: Qrels  # of the queries to be measured on
    learns_titles: bool = True  # whether each title is one more query that its label answers

    @property
    def asked(self) -> list[str]:
        """The queries to be measured on."""
        return [self.qrels.text(topic) for topic in self.qrels.grades]

    @property
    def texts(self) -> list[str]:
        """The texts of the training instances."""
        return self.queries + self.titles if self.learns_titles else self.queries

    @property
    def labels(self) -> csr_matrix:
        """Training instances x labels."""
        if not self.learns_titles:
            return self.bought
        return vstack([self.bought, identity(len(self.titles), np.float32, "csr")], format="csr")

    def report(self, ranked: dict[str, NDArray[np.int32]], qrels: Qrels | None = None) -> SearchReport:
        """Measure rankers.

        ranked: by name, queries to be measured on x ranks, -1 past the end. qrels: some of ours; all by default.
        """
        row_of = {query: row for row, query in enumerate(self.asked)}

        def ranker(labels: NDArray[np.int32]) -> Rank:
            return lambda query, limit: [str(label) for label in labels[row_of[query], :limit].tolist() if label >= 0]

        return evaluate_search({name: ranker(labels) for name, labels in ranked.items()}, qrels or self.qrels)

    def new_queries(self) -> Qrels:
        """Those to be measured on that are not among the learned ones."""
        learned = set(self.queries)
        return self.qrels.only([topic for topic in self.qrels.grades if topic not in learned])


def home_depot() -> RankingData:
    """The train split of the judgments; relevant products count as bought; measured on the validation split."""
    feed = pq.read_table(DATA / "homedepot" / "products.parquet")
    number_of = {str(product): str(number) for number, product in enumerate(feed["product_id"].to_pylist())}
    qrels = read_qrels(DATA / "homedepot" / "judgments.parquet")
    numbered = {
        topic: {number_of[product]: grade for product, grade in grades.items()}
        for topic, grades in qrels.grades.items()
    }
    qrels = Qrels(numbered, qrels.scale, qrels.texts)
    queries = keys_of(Part.TRAIN, qrels.grades)
    relevant = [sorted(map(int, qrels.relevant(query, relevant_from=RELEVANT_FROM))) for query in queries]
    return RankingData(
        "homedepot",
        [clean(title) for title in feed["title"].to_pylist()],
        queries,
        _lists(relevant, len(number_of)),
        qrels.only(keys_of(Part.VALIDATION, qrels.grades)),
    )


def _lists(labels: Sequence[Sequence[int]], count: int) -> csr_matrix:
    ends = np.cumsum([0, *map(len, labels)])
    columns = np.concatenate([np.asarray(row, np.int32) for row in labels])
    return csr_matrix((np.ones(len(columns), np.float32), columns, ends), (len(labels), count))


def demo_shop(folder: Path, *, learned: float = 0.8, until: float = 1.0, click: float = 0.0) -> RankingData:
    """The demo shop cut by time: learns from the first purchases and clicks, is measured on the purchases after.

    folder: where its files are, or are made. learned: share of the purchases that are learned from; until: share after
    which nothing is looked at, so that settings can be chosen on a stretch before the last. click: its weight beside
    that of a purchase; 0 leaves clicks out.
    """
    if not (folder / FEED).is_file():
        write_shop(folder)
    feed = pyarrow.csv.read_csv(folder / FEED, parse_options=pyarrow.csv.ParseOptions(delimiter="\t"))
    number_of = {product: number for number, product in enumerate(feed["id"].to_pylist())}
    actions = _searched_actions(folder / EVENTS, number_of)
    bought = pc.equal(actions["action"], "purchase")
    moments = pc.cast(actions["timestamp"], pa.int64())
    cut, end = pc.quantile(moments.filter(bought), [learned, until]).to_pylist()
    before, seen = pc.less(moments, cut), pc.less_equal(moments, end)
    queries, weights = _weigh(actions.filter(before), len(number_of), click)
    qrels = _purchases(actions.filter(pc.and_(pc.and_(bought, seen), pc.invert(before))))
    return RankingData("demo", feed["title"].to_pylist(), queries, weights, qrels)


def _searched_actions(path: Path, number_of: dict[str, int]) -> pa.Table:
    """Purchases and clicks that name their query, with the numbers of their products."""
    events = pq.read_table(path)
    products = pc.struct_field(events["event_attributes"], ["object", "object_id"]).to_pylist()
    return pa.table(
        {
            "timestamp": events["timestamp"],
            "action": events["action_name"],
            "query": pa.array([normalize(clean(query or "")) for query in events["user_query"].to_pylist()]),
            "label": pa.array([number_of.get(product, -1) for product in products], pa.int32()),
        }
    ).filter(
        (pc.field("query") != "") & (pc.field("label") >= 0) & pc.field("action").isin(["purchase", "click"]),
    )


def _weigh(actions: pa.Table, count: int, click: float) -> tuple[list[str], csr_matrix]:
    if not click:
        actions = actions.filter(pc.equal(actions["action"], "purchase"))
    codes = actions["query"].combine_chunks().dictionary_encode()
    weights = np.where(np.asarray(actions["action"]) == "purchase", 1.0, click).astype(np.float32)
    pairs = (weights, (np.asarray(codes.indices), np.asarray(actions["label"])))
    return codes.dictionary.to_pylist(), csr_matrix(pairs, (len(codes.dictionary), count))


def _purchases(actions: pa.Table) -> Qrels:
    grades: dict[str, dict[str, float]] = {}
    for query, label in zip(actions["query"].to_pylist(), actions["label"].to_pylist(), strict=True):
        grades.setdefault(query, {})[str(label)] = 1.0
    return Qrels(grades, Scale(0.0, 1.0))


def synthetic(labels: int, queries: int, *, asked: int = 5_000) -> RankingData:
    """A synthetic catalog, measured on other purchases; its titles are not learned, since each label has queries."""
    catalog = SyntheticCatalog(labels)
    learned, later = catalog.searches(queries), catalog.searches(asked, part=1)
    grades = {
        query: {str(label): 1.0 for label in later.bought[row].indices.tolist()}
        for row, query in enumerate(later.texts.to_pylist())
    }
    learned.bought.data[:] = 1
    name = f"synthetic_{labels}"
    qrels = Qrels(grades, Scale(0.0, 1.0))
    return RankingData(name, catalog.titles.to_pylist(), learned.texts.to_pylist(), learned.bought, qrels, False)
