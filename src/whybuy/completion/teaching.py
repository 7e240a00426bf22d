"""From sessions to a ranker: learns what is asked after what, and by its latest sessions how far to trust that."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whybuy.completion.completer import Completer
from whybuy.completion.folding import fold
from whybuy.completion.session_ranker import LOOKED_BACK, Lessons, SessionConfig, SessionRanker

HELD_BACK = 0.2  # of the pairs, the latest, that tell how far to trust what the others taught
WEIGHTS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
WEIGHED_AT = 12  # letters of a prefix at most: who typed more of it finds it by that alone
MOST_ASKED = 500  # of the pairs held back
LEAST_WEIGHT = 0.01
SHOWN = 10
_SEED = 0


def lessons_from(follow_ups: pa.Table, keys: Sequence[str]) -> Lessons:
    """Pairs of what was asked and a suggestion asked after it, by rising time.

    follow_ups: FOLLOW_SCHEMA. keys: of all suggestions, sorted.
    """
    after = follow_ups.filter(pc.is_valid(follow_ups["previous_1"])).sort_by("seconds")
    distinct = pc.unique(after["query"])
    folded = pa.array([fold(query) for query in distinct.to_pylist()], pa.string())
    row_of = pc.index_in(folded, value_set=pa.array(keys, pa.string()))
    rows = row_of.take(pc.index_in(after["query"].combine_chunks(), value_set=distinct))
    known = pc.is_valid(rows)
    earlier = [after[f"previous_{back}"].filter(known).to_pylist() for back in range(1, LOOKED_BACK + 1)]
    previous = [tuple(filter(None, queries)) for queries in zip(*earlier, strict=True)]
    return Lessons(previous, rows.filter(known).to_numpy().astype(np.int64))


def teach_session(vocabulary: pa.Table, lessons: Lessons, config: SessionConfig) -> SessionRanker | None:
    """A ranker of all suggestions (VOCABULARY_SCHEMA); None when there are too few pairs to learn from.

    Its weight is the one with which the latest fifth of the pairs, that a first ranker has not seen, is completed best.
    With 0, what was asked before tells nothing in this shop.
    """
    if len(lessons.rows) < config.least_pairs:
        return None
    keys = vocabulary["key"].to_pylist()
    cut = round(len(lessons.rows) * (1 - HELD_BACK))
    early = SessionRanker.fit(keys, _part(lessons, slice(0, cut)), config)
    weight = _best_weight(vocabulary, early, _part(lessons, slice(cut, None)))
    return SessionRanker.fit(keys, lessons, config, weight=weight)


def _best_weight(vocabulary: pa.Table, ranker: SessionRanker, held_back: Lessons) -> float:
    """The weight of the highest mean reciprocal rank; of equal ones the smallest.

    How often a suggestion was asked is told without the pairs held back: what is to be guessed has not happened yet.
    """
    times = np.bincount(held_back.rows, minlength=vocabulary.num_rows)
    before = np.maximum(vocabulary["weight"].to_numpy() - times, LEAST_WEIGHT).astype(np.float32)
    place = vocabulary.schema.get_field_index("weight")
    vocabulary = vocabulary.set_column(place, vocabulary.schema.field(place), pa.array(before))
    rng = np.random.default_rng(_SEED)
    keys = vocabulary["key"].to_pylist()
    chosen = rng.permutation(len(held_back.rows))[:MOST_ASKED].tolist()
    texts = [keys[held_back.rows[at]] for at in chosen]
    prefixes = [text[: rng.integers(1, min(len(text), WEIGHED_AT) + 1)] for text in texts]

    def quality(weight: float) -> float:
        completer = Completer.build(vocabulary, ranker.trusted(weight))
        asked = zip(prefixes, chosen, texts, strict=True)
        return sum(_gain(completer, prefix, held_back.previous[at], text) for prefix, at, text in asked)

    return max(WEIGHTS, key=quality)


def _gain(completer: Completer, prefix: str, previous: tuple[str, ...], text: str) -> float:
    """One over the rank of a text among the completions, 0 where it is not shown."""
    shown = [fold(one.text) for one in completer.complete(prefix, previous=previous, limit=SHOWN)]
    return 1 / (shown.index(text) + 1) if text in shown else 0.0


def _part(lessons: Lessons, part: slice) -> Lessons:
    return Lessons(lessons.previous[part], lessons.rows[part])
