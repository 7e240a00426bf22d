"""Teaches a shop's order: past queries answered by trees that have not seen them, what was good for them on top."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.artifacts import digest
from whybuy.errors import InputError
from whybuy.qrels import Qrels
from whybuy.records import Intent
from whybuy.retrieval.candidates import Candidates
from whybuy.retrieval.finder import Finder, FinderConfig, Indexes
from whybuy.retrieval.learned_fusion import LEAST_QUERIES, Examples, FusionTraining, LearnedFusion, fit
from whybuy.retrieval.lessons import Lessons, lessons_from_texts, own_texts
from whybuy.retrieval.ordering import FUSION, TAUGHT_DEPTHS, Signs
from whybuy.retrieval.past_queries import PastQueries, wording
from whybuy.retrieval.product_terms import ProductTerms
from whybuy.retrieval.translations import Translations
from whybuy.retrieval.tree import TreeConfig, TreeIndex, train_tree
from whybuy.retrieval.tree_paths import name_nodes
from whybuy.text import clean
from whybuy.vectors.ngrams import NgramVectorizer

GOOD_FROM = 0.5  # of the best gain of all: what is remembered as good for a query
INDIFFERENT = 0.25  # taken off what is remembered, so that the best stand out

ReadIntents = Callable[[str], tuple[Intent, ...]]


@dataclass(frozen=True, slots=True)
class OrderConfig:
    """From what, and from how much, the order is learned."""

    judgments: str = ""  # a file beside store.toml; without it, purchases and clicks teach
    least_queries: int = 200  # below, nothing is learned; 50 of them need a good product among their candidates
    most_queries: int = 2000  # that teach; of more, a sample
    folds: int = 3  # trees that are trained without a part of the queries each, at least 2
    threads: int = 2

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise InputError(f"folds is {self.folds}; a tree that has not seen a query takes 2 or more.")


@dataclass(frozen=True, slots=True, eq=False)
class TreeSchool:
    """What the trees of a shop learn from."""

    products: pa.Table
    searches: Lessons
    reasons: Lessons
    config: TreeConfig

    def train(self) -> TreeIndex:
        """The tree of the shop."""
        texts = own_texts(self.products)
        vectorizer = NgramVectorizer.fit(texts + self.searches.texts + self.reasons.texts, threads=self.config.threads)
        index = self._train(self.searches, vectorizer)
        return index.named(name_nodes(index.tree.tree, self.products))

    def train_without(self, queries: Iterable[str], vectorizer: NgramVectorizer) -> TreeIndex:
        """A tree that has not seen some queries, nor others of the same words. vectorizer: of the tree of the shop."""
        unseen = {wording(query) for query in queries}
        return self._train(
            self.searches.only(np.array([wording(text) not in unseen for text in self.searches.texts], bool)),
            vectorizer,
        )

    def _train(self, searches: Lessons, vectorizer: NgramVectorizer) -> TreeIndex:
        texts = own_texts(self.products)
        own = vectorizer.transform(texts, threads=self.config.threads)
        return train_tree(searches, lessons_from_texts(texts).followed_by(self.reasons), own, vectorizer, self.config)


def gains_of(qrels: Qrels, product_ids: Sequence[str]) -> Lessons:
    """Judged queries with the gains of their products; what the shop lacks, or gains nothing, is left out.

    product_ids: by row of the catalog.
    """
    row_of = {product_id: row for row, product_id in enumerate(product_ids)}
    texts: list[str] = []
    found: list[tuple[int, int, float]] = []
    for topic in qrels.grades:
        gains = [(row_of[one], gain) for one, gain in qrels.gains(topic).items() if gain > 0 and one in row_of]
        if gains:
            found += [(len(texts), row, gain) for row, gain in gains]
            texts.append(clean(qrels.text(topic)))
    queries, rows, weights = zip(*found, strict=True) if found else ((), (), ())
    shape = (len(texts), len(product_ids))
    return Lessons(texts, csr_matrix((np.array(weights, np.float32), (queries, rows)), shape=shape))


def teach_order(
    school: TreeSchool, gains: Lessons, indexes: Indexes, read: ReadIntents, folder: Path, *, config: OrderConfig
) -> LearnedFusion | None:
    """Learn the order of candidates and write it into a folder; None, and nothing written, when too few queries teach.

    gains: queries with what was good for them. indexes: with the shop's tree; its learned order is not asked. read:
    understands the needs in a query. folder: is made when missing.
    """
    if len(gains) < config.least_queries or indexes.tree is None:
        return None
    vectorizer, good, terms = indexes.tree.vectorizer, _good(gains.products), ProductTerms.build(school.products)
    words = [terms.query(indexes.lexical.corrected(text)) for text in gains.texts]
    vectors = vectorizer.transform(gains.texts, threads=config.threads)
    past = PastQueries.build(gains.texts, vectors, good)
    signs = Signs(terms, past, Translations.build(words, good, terms.table))
    taught: list[int] = []
    described: list[Candidates] = []
    for queries, others in _folds(gains, config):
        tree = school.train_without(
            [text for text, seen in zip(gains.texts, others, strict=True) if not seen], vectorizer
        )
        finder = Finder(replace(indexes, tree=tree, order=None), len(terms), FinderConfig())
        seen_words = [word for word, seen in zip(words, others, strict=True) if seen]
        unknowing = replace(signs, translations=Translations.build(seen_words, good[others], terms.table))
        for query in queries:
            asked = finder.ask(gains.texts[query], read(gains.texts[query]))
            candidates = unknowing.describe(asked, tree, without=query)
            described.append(candidates.within(asked.stages, TAUGHT_DEPTHS))
        taught += queries
    examples = _examples(gains, taught, described)
    if np.count_nonzero(examples.telling) < LEAST_QUERIES:
        return None
    signs.save(folder)
    training = FusionTraining(threads=config.threads, rising=signs.rising)
    return fit(examples, signs.names, folder / FUSION, training=training)


def _folds(gains: Lessons, config: OrderConfig) -> Iterator[tuple[list[int], NDArray[np.bool_]]]:
    """The queries of each fold that teach, and which queries are of other folds; the same words share a fold."""
    folds = np.array([int(digest("fold", *wording(text)), 16) % config.folds for text in gains.texts])
    chosen = _sample(gains, config.most_queries)
    for fold in range(config.folds):
        yield chosen[folds[chosen] == fold].tolist(), folds != fold


def _good(gains: csr_matrix) -> csr_matrix:
    good = gains.copy()
    good.data /= max(float(good.data.max(initial=0)), 1e-9)
    good.data = np.where(good.data >= GOOD_FROM, good.data - INDIFFERENT, 0).astype(np.float32)
    good.eliminate_zeros()
    return good


def _sample(gains: Lessons, most: int) -> NDArray[np.int64]:
    """Numbers of so many queries at most, in an order that says nothing of them."""
    by_hash = sorted(range(len(gains)), key=lambda query: digest("sample", gains.texts[query]))
    return np.array(by_hash[:most], np.int64)


def _examples(gains: Lessons, queries: list[int], described: list[Candidates]) -> Examples:
    found = [_gains_of_rows(gains.products[query], one.rows) for query, one in zip(queries, described, strict=True)]
    return Examples(
        features=np.concatenate([one.features for one in described]),
        gains=np.concatenate(found),
        sizes=np.array([len(one.rows) for one in described], np.int64),
    )


def _gains_of_rows(gains: csr_matrix, rows: NDArray[np.int32]) -> NDArray[np.float32]:
    by_row = dict(zip(gains.indices.tolist(), gains.data.tolist(), strict=True))
    return np.array([by_row.get(row, 0.0) for row in rows.tolist()], np.float32)
