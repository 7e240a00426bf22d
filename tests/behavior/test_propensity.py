"""Ranks are weighed by how likely they are looked at, as a simulated shop with known chances has it."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop_logs import memtable

from whybuy.behavior.propensity import MAX_RANK, MIN_PROPENSITY, rank_propensities, shown_at
from whybuy.behavior.signals import rank_weights

RANKS = 5
LOOKED_AT = (1.0, 0.8, 0.5, 0.45, 0.3)


def simulated(seed: int, searches: int = 20_000) -> tuple[list[list[str]], list[tuple[str, int]]]:
    """Result pages in random order, and clicks: a product is clicked if its rank is looked at and it appeals."""
    random = np.random.default_rng(seed)
    appeal = dict(zip("abcdefgh", random.uniform(0.1, 0.9, 8).tolist(), strict=True))
    pages = [random.permutation(list(appeal))[:RANKS].tolist() for _ in range(searches)]
    clicks = [
        (product, rank)
        for page in pages
        for rank, product in enumerate(page, 1)
        if random.random() < LOOKED_AT[rank - 1] * appeal[product]
    ]
    return pages, clicks


def estimate(pages: list[list[str]], clicks: list[tuple[str, int]]) -> dict[int, float]:
    queries = memtable({"query": ["mug"] * len(pages), "hits": pages})
    products, ranks = ([*column] for column in zip(*clicks, strict=True)) if clicks else ([], [])
    rows = {"query": ["mug"] * len(clicks), "product_id": products, "position": ranks}
    return rank_propensities(shown_at(queries), memtable(rows))


def test_the_chances_of_a_simulated_shop_are_found_whatever_products_appeal() -> None:
    found = estimate(*simulated(1))
    assert [found[rank] for rank in range(1, RANKS + 1)] == pytest.approx(LOOKED_AT, abs=0.04)
    assert found[MAX_RANK] == found[RANKS], "below the last page nothing is known"


def test_few_clicks_tell_nothing() -> None:
    pages, clicks = simulated(2, searches=3)
    assert estimate(pages, clicks[:5]) == {}


def test_what_is_shown_at_one_rank_alone_tells_nothing() -> None:
    assert estimate([["a", "b"]] * 200, [("a", 1)] * 100 + [("b", 2)] * 20) == {}


def test_no_rank_is_taken_for_nearly_invisible() -> None:
    pages = [["a", "b"], ["b", "a"]] * 500
    clicks = [("a", 1)] * 400 + [("b", 1)] * 400 + [("a", 2)]
    assert estimate(pages, clicks)[2] == MIN_PROPENSITY


@given(st.dictionaries(st.integers(1, 40), st.integers(1, 1000), min_size=1))
def test_a_click_counts_one_on_average(clicks: dict[int, int]) -> None:
    weights = rank_weights(clicks, {rank: max(0.8**rank, MIN_PROPENSITY) for rank in range(1, MAX_RANK + 1)})
    counted = sum(count * weights[min(rank, MAX_RANK)] for rank, count in clicks.items())
    assert counted == pytest.approx(sum(clicks.values()))
    assert list(weights.values()) == sorted(weights.values()), "what is seldom looked at counts more"


def test_without_propensities_all_ranks_count_the_same() -> None:
    assert rank_weights(Counter({1: 5, 9: 2}), {}) == {}
