import math
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.expr.types import Table
from shop_logs import memtable

from whybuy.artifacts import digest
from whybuy.behavior.sampling import sample_pairs, uniform
from whybuy.records import PAIR_SCHEMA


def pairs_of(weights: dict[str, float], right: dict[str, str] | None = None) -> Table:
    rows = [
        {
            "pair_id": name,
            "kind": "search_buy",
            "left": name,
            "right": (right or {}).get(name, "p"),
            "weight": weight,
            **dict.fromkeys(("sessions", "purchases", "clicks", "impressions"), 1),
        }
        for name, weight in weights.items()
    ]
    return memtable(pa.Table.from_pylist(rows, PAIR_SCHEMA))


def catalog(types: dict[str, str]) -> Table:
    return memtable({"product_id": list(types), "product_type": list(types.values()), "root": ["shop"] * len(types)})


def drawn(pairs: Table, products: Table, size: int, seed: int) -> list[str]:
    sample = sample_pairs(pairs, products, size=size, seed=seed).to_pyarrow()
    assert sample.schema.names == PAIR_SCHEMA.names
    names: list[str] = sample["pair_id"].to_pylist()
    return names


def expected_uniform(key: str, seed: int) -> float:
    """The first ten hexadecimal digits of the hash as a fraction, from the middle of its last place."""
    return int(digest(str(seed), key)[:10], 16) / 16**10 + 16.0**-10 / 2


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text("abcxyz0189 é", min_size=1), min_size=1, max_size=20, unique=True), st.integers(0, 1000))
def test_uniform_numbers_are_those_of_the_hash(keys: list[str], seed: int) -> None:
    table = memtable({"key": keys})
    rows = table.select("key", chance=uniform(table.key, seed)).to_pyarrow().to_pylist()
    assert {row["key"]: row["chance"] for row in rows} == pytest.approx(
        {key: expected_uniform(key, seed) for key in keys}, abs=1e-12
    )


def test_uniform_numbers_fill_the_unit_interval_evenly() -> None:
    table = memtable({"key": [str(number) for number in range(4000)]})
    tenths = Counter(int(value * 10) for value in uniform(table.key, 3).to_pyarrow().to_pylist())
    assert set(tenths) == set(range(10))
    assert all(330 < count < 470 for count in tenths.values())


def test_one_stratum_is_drawn_in_the_order_of_efraimidis_and_spirakis() -> None:
    weights = {f"pair {number}": 1.0 + number % 7 for number in range(50)}
    tickets = {name: -math.log(expected_uniform(name, 5)) / weight for name, weight in weights.items()}
    assert (
        drawn(pairs_of(weights), catalog({"p": "shoe"}), 10, 5) == sorted(tickets, key=lambda name: tickets[name])[:10]
    )


def test_heavier_pairs_are_drawn_more_often() -> None:
    weights = {f"pair {number}": 9.0 if number < 500 else 1.0 for number in range(1000)}
    names = drawn(pairs_of(weights), catalog({"p": "shoe"}), 200, 1)
    heavy = sum(int(name.split()[1]) < 500 for name in names)
    assert 160 < heavy < 195  # nine of ten at first, less as the heavy ones run out


def test_small_types_are_heard_and_large_ones_count_more() -> None:
    right = {f"pair {number}": "rare" if number < 10 else "common" for number in range(1000)}
    names = drawn(pairs_of(dict.fromkeys(right, 1.0), right), catalog({"rare": "harp", "common": "shoe"}), 110, 2)
    of_rare = sum(right[name] == "rare" for name in names)
    assert of_rare == pytest.approx(110 * math.sqrt(10) / (math.sqrt(10) + math.sqrt(990)), abs=1)


def test_a_sample_depends_on_its_seed_alone() -> None:
    weights = {f"pair {number}": 1.0 for number in range(100)}
    backwards = dict(reversed(weights.items()))
    one, same, other = (
        drawn(pairs_of(order), catalog({"p": "shoe"}), 10, seed)
        for order, seed in ((weights, 1), (backwards, 1), (weights, 2))
    )
    assert one == same
    assert one != other


def test_a_large_sample_is_everything_even_products_that_the_catalog_lacks() -> None:
    names = drawn(pairs_of({"a": 1.0, "b": 2.0}, {"a": "p", "b": "gone"}), catalog({"p": "shoe"}), 10, 1)
    assert sorted(names) == ["a", "b"]
