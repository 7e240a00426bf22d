"""No minute sees more calls or tokens than allowed."""

from hypothesis import given
from hypothesis import strategies as st

from whybuy.language.pace import Pace


@given(
    arrivals=st.lists(st.tuples(st.floats(0, 5), st.integers(1, 400)), min_size=1, max_size=60),
    requests=st.integers(1, 60),
    tokens=st.integers(400, 5000),
)
def test_any_minute_keeps_both_limits(arrivals: list[tuple[float, int]], requests: int, tokens: int) -> None:
    pace, now, started = Pace(requests, tokens), 0.0, []
    for pause, size in arrivals:
        now += pause
        started.append((now + pace.reserve(size, now), size))
    for first, _ in started:
        within = [size for start, size in started if first <= start < first + 60 - 1e-6]
        assert len(within) <= requests + 1e-9
        assert sum(within[:-1]) <= tokens


def test_without_limits_nobody_waits() -> None:
    pace = Pace()
    assert [pace.reserve(10_000, 0.0) for _ in range(100)] == [0.0] * 100


def test_tokens_given_back_are_free_again() -> None:
    pace = Pace(tokens_per_minute=600)
    pace.reserve(600, 0.0)
    pace.give_back(300)
    assert pace.reserve(1, 0.0) == 30.0
