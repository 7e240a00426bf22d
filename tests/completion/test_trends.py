"""What is asked for of late weighs more, as far as more than chance says so."""

import numpy as np
import pytest
from numpy.typing import NDArray

from whybuy.completion.trends import trends

HALF_LIVES = {"half_life_days": 90.0, "trend_days": 3.0}


def searches(days: dict[str, list[float]]) -> tuple[NDArray[np.integer], NDArray[np.float64], NDArray[np.float64]]:
    """Rows, weights and late weights. days: the age of each search by query."""
    ages = np.array([age for of_one in days.values() for age in of_one])
    rows = np.repeat(np.arange(len(days)), [len(of_one) for of_one in days.values()])
    return rows, 0.5 ** (ages / HALF_LIVES["half_life_days"]), 0.5 ** (ages / HALF_LIVES["trend_days"])


def test_a_game_that_is_out_now_rises_and_last_months_falls() -> None:
    steady = [float(day) for day in range(60)]
    rising, falling = [float(day) for day in range(20)], [40 + day / 2 for day in range(40)]
    ratios = trends(*searches({"steady": steady, "out now": rising * 2, "last month": falling, "once": [1.0]}))
    assert ratios[1] > 1.3 > ratios[0] > 0.7 > ratios[2]
    assert 1 < ratios[3] < ratios[1], "one late search says little"


def test_chance_makes_no_trend() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        days = {str(query): list(rng.uniform(0, 60, 1 + int(rng.pareto(1.0) * 5))) for query in range(400)}
        assert trends(*searches(days)) == pytest.approx(1.0, abs=0.1)


def test_searches_at_one_moment_have_no_trend() -> None:
    assert trends(*searches({"a": [0.0] * 5, "b": [0.0]})).tolist() == [1.0, 1.0]
