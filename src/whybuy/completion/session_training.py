"""Trains the session ranker on consecutive queries, and tunes its weights on the latest sessions."""

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
from whybuy.completion.session_ranker import PREFIX_LENGTHS, SessionRanker
from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer
from whybuy.vectors.unit import unit_rows
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.trainer import TrainingConfig, train_tree

HELD_OUT = 0.2  # share of the pairs, the latest, on which the weights are tuned
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
SURE = 2.0  # standard errors
MAX_HELD_OUT = 2000  # of the pairs held out, drawn at random
UNSEEN_COUNT = 0.01  # of a suggestion that nobody had searched for by a moment, at most
SHOWN = 10
_SEED = 0
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """How the session ranker is trained: the table `[session]`; defaults chosen on the demo's training sessions."""

    least_pairs: int = 200  # of a query and the suggestion after it; with fewer, no ranker is trained
    trie_depth: int = 3  # letters by which the tree branches before it clusters
    branching: int = 16
    leaf_size: int = 100  # suggestions
    prior: float = 1.0  # how far the weights of a suggestion are drawn to its own words instead of 0
    decay: float = 0.5  # weight of each earlier query relative to the one after it
    threads: int = field(default=2, metadata=HOW_ONLY)


SESSION_CONFIG = ConfigTable("session", SessionConfig)


@dataclass(frozen=True, slots=True, eq=False)
class SessionTrainingSet:
    """Suggestions that shoppers searched for, each with the queries before it."""

    previous: Sequence[tuple[str, ...]]  # queries of the session, the one just before first
    rows: NDArray[np.int64]  # of the suggestions, shape (pairs,)


def session_training_set(follow_ups: pa.Table, keys: Sequence[str]) -> SessionTrainingSet:
    """The pairs of earlier queries and a suggestion that a log has, by rising time.

    follow_ups: FOLLOW_SCHEMA, by rising time. keys: of all suggestions, sorted.
    """
    rows = _rows(follow_ups, keys)
    kept = (rows >= 0) & pc.is_valid(follow_ups["previous_1"]).to_numpy()
    earlier = [follow_ups[f"previous_{back}"].filter(kept).to_pylist() for back in range(1, LOOKED_BACK + 1)]
    return SessionTrainingSet([tuple(filter(None, queries)) for queries in zip(*earlier, strict=True)], rows[kept])


def train_session_ranker(
    vocabulary: pa.Table, follow_ups: pa.Table, config: SessionConfig, *, half_life_days: float
) -> SessionRanker | None:
    """Train a ranker of all suggestions (VOCABULARY_SCHEMA); None when there are too few pairs.

    Its weights are those with which a first ranker, trained on the earlier pairs, completes the latest fifth best; 0
    where sessions do not help.

    follow_ups: FOLLOW_SCHEMA, by rising time. half_life_days: after which a search counts half.
    """
    keys = vocabulary["key"].to_pylist()
    pairs = session_training_set(follow_ups, keys)
    if len(pairs.rows) < config.least_pairs:
        return None
    following = follow_ups["seconds"].filter(pc.is_valid(follow_ups["previous_1"])).to_numpy()
    moment = following[round(len(following) * (1 - HELD_OUT))]
    seconds = follow_ups["seconds"].to_numpy()
    past, later = follow_ups.filter(seconds < moment), follow_ups.filter(seconds >= moment)
    early, late = session_training_set(past, keys), session_training_set(later, keys)
    if not len(early.rows) or not len(late.rows):
        return None  # all at one moment: nothing comes before anything
    first = fit_session_ranker(keys, early, config)
    completer = Completer.build(_as_of(vocabulary, past, int(moment), half_life_days), first)
    weights = _best_weights(completer, first, keys, late)
    return fit_session_ranker(keys, pairs, config).with_weights(weights)


def fit_session_ranker(keys: Sequence[str], pairs: SessionTrainingSet, config: SessionConfig) -> SessionRanker:
    """Train a ranker whose weights are all 0; see `SessionRanker.with_weights`. keys: of all suggestions, sorted."""
    previous = [query for queries in pairs.previous for query in queries]
    vectorizer = NgramVectorizer.fit([*previous, *keys], NgramConfig(words=1, characters=0), threads=config.threads)
    features = contexts(vectorizer, pairs.previous, config.decay)
    count = len(pairs.rows)
    labels = csr_matrix((np.ones(count, np.float32), (np.arange(count), pairs.rows)), shape=(count, len(keys)))
    clusters = BalancedKMeans(branching=config.branching, leaf_size=config.leaf_size)
    tree = train_tree(
        features,
        labels,
        label_texts=vectorizer.transform(list(keys), threads=config.threads),
        config=TrainingConfig(indexer=HybridIndex(keys, config.trie_depth, clusters), prior=config.prior),
        threads=config.threads,
    )
    return SessionRanker(vectorizer, tree, decay=config.decay, weights=[0.0] * (len(PREFIX_LENGTHS) + 1))


def contexts(vectorizer: NgramVectorizer, previous: Sequence[tuple[str, ...]], decay: float) -> csr_matrix:
    """The vectors of previous queries: sums in which each earlier query counts `decay` of the one after it.

    Returns: shape (contexts, features), rows of length 1.
    """
    queries = [fold(query) for of_one in previous for query in of_one]
    row = np.repeat(np.arange(len(previous)), [len(of_one) for of_one in previous])
    weight = np.array([decay**back for of_one in previous for back in range(len(of_one))], np.float32)
    shape = len(previous), len(queries)
    sums = csr_matrix((weight, (row, np.arange(len(queries)))), shape=shape) @ vectorizer.transform(queries)
    return unit_rows(csr_matrix(sums))


def _rows(follow_ups: pa.Table, keys: Sequence[str]) -> NDArray[np.int64]:
    """The row of the suggestion that each query is, -1 where it is none. Shape (queries,)."""
    distinct = pc.unique(follow_ups["query"])
    folded = pa.array([fold(query) for query in distinct.to_pylist()], pa.string())
    row_of = pc.index_in(folded, value_set=pa.array(keys, pa.string()))
    rows = row_of.take(pc.index_in(follow_ups["query"].combine_chunks(), value_set=distinct))
    known: NDArray[np.int64] = pc.fill_null(rows, -1).to_numpy().astype(np.int64)
    return known


def _as_of(vocabulary: pa.Table, past: pa.Table, moment: int, half_life_days: float) -> pa.Table:
    """The vocabulary with weights as of a moment, so that the held-out pairs do not count towards them."""
    rows = _rows(past, vocabulary["key"].to_pylist())
    ages = (moment - past["seconds"].to_numpy()) / _DAY
    counts = np.bincount(rows[rows >= 0], weights=0.5 ** (ages[rows >= 0] / half_life_days), minlength=len(vocabulary))
    unseen = np.minimum(vocabulary["weight"].to_numpy(), UNSEEN_COUNT)
    place = vocabulary.schema.get_field_index("weight")
    weights = pa.array(np.maximum(counts, unseen), pa.float32())
    return vocabulary.set_column(place, vocabulary.schema.field(place), weights)


def _best_weights(
    completer: Completer, ranker: SessionRanker, keys: Sequence[str], held_out: SessionTrainingSet
) -> list[float]:
    """For each range of prefix lengths the weight of the highest mean reciprocal rank, of equal ones the smallest.

    0 where that gains no more over 0 than chance may: `SURE` standard errors of the gain.
    """
    rng = np.random.default_rng(_SEED)
    chosen = rng.permutation(len(held_out.rows))[:MAX_HELD_OUT].tolist()
    best = []
    for shortest, longest in pairwise((0, *PREFIX_LENGTHS, 10_000)):
        gains = [np.zeros(len(WEIGHTS))]
        for at in chosen:
            row, context = int(held_out.rows[at]), ranker.context(held_out.previous[at])
            if context and (letters := len(keys[row])) > shortest:
                prefix = keys[row][: rng.integers(shortest + 1, min(longest, letters) + 1)]
                gains.append(_gains(completer.weigh(completer.span(prefix), context), row))
        highest = int(np.sum(gains, axis=0).argmax())
        above = np.array([of_one[highest] - of_one[0] for of_one in gains])
        sure = above.mean() > SURE * above.std() / np.sqrt(len(above))
        best.append(WEIGHTS[highest] if sure else WEIGHTS[0])
    return best


def _gains(
    weighed: tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]], row: int
) -> NDArray[np.float64]:
    """The reciprocal rank of a suggestion with each of `WEIGHTS`, 0 beyond the first `SHOWN`. weighed: see `weigh`."""
    rows, times, scores = weighed
    totals = times + np.multiply.outer(np.array(WEIGHTS), scores)
    own = totals[:, rows == row]
    if not own.size:
        return np.zeros(len(WEIGHTS))
    ranks = 1 + ((totals > own) | ((totals == own) & (rows < row))).sum(axis=1)
    return np.where(ranks <= SHOWN, 1 / ranks, 0.0)
