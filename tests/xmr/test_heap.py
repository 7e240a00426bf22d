"""The heap of candidates against sorting all of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from whybuy.xmr.heap import key_of, number_of, offer, score_of, sort

SCORES = st.floats(width=32, allow_nan=False)
CANDIDATES = st.lists(st.tuples(SCORES, st.integers(0, 2**31 - 1)), max_size=40)


@given(SCORES, st.integers(0, 2**31 - 1))
def test_a_key_holds_score_and_number(score: float, number: int) -> None:
    key = np.uint64(key_of(np.float32(score), number))
    assert (float(score_of(key)), int(number_of(key))) == (score, number)


@given(CANDIDATES, st.integers(1, 12))
def test_the_best_are_kept_in_order_and_ties_by_number(candidates: list[tuple[float, int]], capacity: int) -> None:
    heap, size = np.zeros(capacity, np.uint64), 0
    for score, number in candidates:
        size = offer(heap, size, capacity, np.uint64(key_of(np.float32(score), number)))
    sort(heap, size)
    kept = [(float(score_of(key)), int(number_of(key))) for key in heap[:size]]
    assert (
        kept == sorted(((score + 0.0, number) for score, number in candidates), key=lambda c: (-c[0], c[1]))[:capacity]
    )
