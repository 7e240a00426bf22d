"""Rankings cut, joined and asked, each against the obvious way."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from whybuy.retrieval.ranked import Ranked, best_of

SCORES = st.sampled_from([0.25, 0.5, 0.75, 1.0, 2.0])


def ranking(scored: dict[int, float]) -> Ranked:
    """Products with their scores, best first."""
    ordered = sorted(scored.items(), key=lambda pair: (-pair[1], pair[0]))
    return Ranked(
        np.array([row for row, _ in ordered], np.int32), np.array([score for _, score in ordered], np.float32)
    )


RANKINGS = st.dictionaries(st.integers(0, 40), SCORES, max_size=20).map(ranking)


@settings(deadline=None)  # the first call compiles
@given(first=RANKINGS, others=RANKINGS)
def test_others_follow_once_and_never_above(first: Ranked, others: Ranked) -> None:
    joined = first.followed_by(others)
    new = [row for row in others.rows.tolist() if row not in first.rows]
    assert joined.rows.tolist() == [*first.rows.tolist(), *new]
    scores = dict(zip(others.rows.tolist(), others.scores.tolist(), strict=True))
    most = first.scores[-1] if len(first) else np.inf
    assert joined.scores.tolist() == [*first.scores.tolist(), *(min(scores[row], most) for row in new)]


@settings(deadline=None)
@given(found=RANKINGS, wanted=st.lists(st.integers(0, 40), max_size=12))
def test_products_are_asked_for_their_scores(found: Ranked, wanted: list[int]) -> None:
    scores = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
    assert found.scores_of(np.array(wanted, np.int32)) == [scores.get(row) for row in wanted]


@given(found=RANKINGS, count=st.integers(0, 25))
def test_the_first_and_some_keep_their_order(found: Ranked, count: int) -> None:
    assert found.first(count).rows.tolist() == found.rows.tolist()[:count]
    even = found.only(found.rows % 2 == 0)
    assert even.rows.tolist() == [row for row in found.rows.tolist() if row % 2 == 0]


@given(scores=st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0]), max_size=60), limit=st.integers(0, 70))
def test_the_best_are_those_of_a_full_sort_with_ties_by_row(scores: list[float], limit: int) -> None:
    values = np.array(scores, np.float32)
    order = sorted(range(len(scores)), key=lambda row: (-scores[row], row))
    assert best_of(values, limit).rows.tolist() == [row for row in order if scores[row] > 0][:limit]
