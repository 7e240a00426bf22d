"""From sessions to a ranker: learns what is asked after what, and by its latest sessions how far to trust that."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.completion.completer import Completer
from whybuy.completion.folding import fold
from whybuy.completion.hybrid_index import HybridIndex
from whybuy.completion.limits import LOOKED_BACK
from whybuy.completion.session_ranker import LENGTHS, SessionRanker
from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer
from whybuy.vectors.unit import unit_rows
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.trainer import TrainingConfig, train_tree

HELD_BACK = 0.2  # of the pairs, the latest, that tell how far to trust what the others taught
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
MOST_ASKED = 2000  # of the pairs held back
NOT_YET_ASKED = 0.01  # times, at most, of what was not asked by a moment
SHOWN = 10
_SEED = 0
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """How a shop learns what is asked after what; chosen on the demo shop's training sessions."""

    least_pairs: int = 200  # of a query and the one after it that teach; with fewer, nothing is learned
    trie_depth: int = 3  # letters by which the tree branches before it clusters
    branching: int = 16
    leaf_size: int = 100  # suggestions
    prior: float = 1.0  # how far the weights of a suggestion are drawn to its own words
    decay: float = 0.5  # how much each query before the previous one counts of the one after it
    threads: int = field(default=2, metadata=HOW_ONLY)


SESSION_CONFIG = ConfigTable("session", SessionConfig)


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """What was asked after what."""

    previous: Sequence[tuple[str, ...]]  # queries, the one just before first
    rows: NDArray[np.int64]  # of the suggestions that were then asked


def lessons_from(follow_ups: pa.Table, keys: Sequence[str]) -> Lessons:
    """Pairs of what was asked and a suggestion asked after it, by rising time.

    follow_ups: FOLLOW_SCHEMA, by rising time. keys: of all suggestions, sorted.
    """
    rows = _rows(follow_ups, keys)
    kept = (rows >= 0) & pc.is_valid(follow_ups["previous_1"]).to_numpy()
    earlier = [follow_ups[f"previous_{back}"].filter(kept).to_pylist() for back in range(1, LOOKED_BACK + 1)]
    return Lessons([tuple(filter(None, queries)) for queries in zip(*earlier, strict=True)], rows[kept])


def teach_session(
    vocabulary: pa.Table, follow_ups: pa.Table, config: SessionConfig, *, half_life_days: float
) -> SessionRanker | None:
    """A ranker of all suggestions (VOCABULARY_SCHEMA); None when there are too few pairs to learn from.

    Its weights are those with which the latest fifth of the pairs, that a first ranker has not seen, is completed best.
    With 0, what was asked before tells nothing in this shop.

    follow_ups: FOLLOW_SCHEMA, by rising time. half_life_days: of the times that a suggestion was asked.
    """
    keys = vocabulary["key"].to_pylist()
    lessons = lessons_from(follow_ups, keys)
    if len(lessons.rows) < config.least_pairs:
        return None
    following = follow_ups["seconds"].filter(pc.is_valid(follow_ups["previous_1"])).to_numpy()
    moment = following[round(len(following) * (1 - HELD_BACK))]
    seconds = follow_ups["seconds"].to_numpy()
    past, later = follow_ups.filter(seconds < moment), follow_ups.filter(seconds >= moment)
    known, guessed = lessons_from(past, keys), lessons_from(later, keys)
    if not len(known.rows) or not len(guessed.rows):
        return None  # all at one moment: nothing comes before anything
    early = fit_session_ranker(keys, known, config)
    completer = Completer.build(_as_of(vocabulary, past, int(moment), half_life_days), early)
    weights = _best_weights(completer, early, keys, guessed)
    return fit_session_ranker(keys, lessons, config).trusted(weights)


def fit_session_ranker(keys: Sequence[str], lessons: Lessons, config: SessionConfig) -> SessionRanker:
    """keys: of all suggestions, sorted. What it learned has no weight yet; see `SessionRanker.trusted`."""
    asked = [query for queries in lessons.previous for query in queries]
    vectorizer = NgramVectorizer.fit([*asked, *keys], NgramConfig(words=1, characters=0), threads=config.threads)
    features = contexts(vectorizer, lessons.previous, config.decay)
    count = len(lessons.rows)
    labels = csr_matrix((np.ones(count, np.float32), (np.arange(count), lessons.rows)), shape=(count, len(keys)))
    clusters = BalancedKMeans(branching=config.branching, leaf_size=config.leaf_size)
    tree = train_tree(
        features,
        labels,
        label_texts=vectorizer.transform(list(keys), threads=config.threads),
        config=TrainingConfig(indexer=HybridIndex(keys, config.trie_depth, clusters), prior=config.prior),
        threads=config.threads,
    )
    return SessionRanker(vectorizer, tree, decay=config.decay, weights=[0.0] * (len(LENGTHS) + 1))


def contexts(vectorizer: NgramVectorizer, previous: Sequence[tuple[str, ...]], decay: float) -> csr_matrix:
    """Sums of the vectors of queries, each further one counting `decay` of the one after it; rows of length 1."""
    queries = [fold(query) for of_one in previous for query in of_one]
    row = np.repeat(np.arange(len(previous)), [len(of_one) for of_one in previous])
    weight = np.array([decay**back for of_one in previous for back in range(len(of_one))], np.float32)
    shape = len(previous), len(queries)
    sums = csr_matrix((weight, (row, np.arange(len(queries)))), shape=shape) @ vectorizer.transform(queries)
    return unit_rows(csr_matrix(sums))


def _rows(follow_ups: pa.Table, keys: Sequence[str]) -> NDArray[np.int64]:
    """The suggestion that each query is, -1 where it is none."""
    distinct = pc.unique(follow_ups["query"])
    folded = pa.array([fold(query) for query in distinct.to_pylist()], pa.string())
    row_of = pc.index_in(folded, value_set=pa.array(keys, pa.string()))
    rows = row_of.take(pc.index_in(follow_ups["query"].combine_chunks(), value_set=distinct))
    known: NDArray[np.int64] = pc.fill_null(rows, -1).to_numpy().astype(np.int64)
    return known


def _as_of(vocabulary: pa.Table, past: pa.Table, moment: int, half_life_days: float) -> pa.Table:
    """The same suggestions as often as they were asked by a moment: what is to be guessed has not happened yet."""
    rows = _rows(past, vocabulary["key"].to_pylist())
    ages = (moment - past["seconds"].to_numpy()) / _DAY
    counts = np.bincount(rows[rows >= 0], weights=0.5 ** (ages[rows >= 0] / half_life_days), minlength=len(vocabulary))
    named = np.minimum(vocabulary["weight"].to_numpy(), NOT_YET_ASKED)
    place = vocabulary.schema.get_field_index("weight")
    weights = pa.array(np.maximum(counts, named), pa.float32())
    return vocabulary.set_column(place, vocabulary.schema.field(place), weights)


def _best_weights(completer: Completer, ranker: SessionRanker, keys: Sequence[str], held_back: Lessons) -> list[float]:
    """For prefixes of each of `LENGTHS` the weight of the highest mean reciprocal rank; of equal ones the smallest."""
    rng = np.random.default_rng(_SEED)
    chosen = rng.permutation(len(held_back.rows))[:MOST_ASKED].tolist()
    best = []
    for shortest, longest in pairwise((0, *LENGTHS, 10_000)):
        gains = np.zeros(len(WEIGHTS))
        for at in chosen:
            row, context = int(held_back.rows[at]), ranker.context(held_back.previous[at])
            if context and (letters := len(keys[row])) > shortest:
                prefix = keys[row][: rng.integers(shortest + 1, min(longest, letters) + 1)]
                gains += _gains(completer.weigh(completer.span(prefix), context), row)
        best.append(WEIGHTS[int(gains.argmax())])
    return best


def _gains(
    weighed: tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]], row: int
) -> NDArray[np.float64]:
    """For each of `WEIGHTS` one over the rank of a suggestion among those weighed, 0 where it is not shown."""
    rows, times, scores = weighed
    totals = times + np.multiply.outer(np.array(WEIGHTS), scores)
    own = totals[:, rows == row]
    if not own.size:
        return np.zeros(len(WEIGHTS))
    ranks = 1 + ((totals > own) | ((totals == own) & (rows < row))).sum(axis=1)
    return np.where(ranks <= SHOWN, 1 / ranks, 0.0)
