"""Deterministic splits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.evaluation.splits import Part, keys_of, part_of

QUERIES = [f"query {number}" for number in range(2000)]


def test_a_fifth_validates() -> None:
    assert len(keys_of(Part.VALIDATION, QUERIES)) == pytest.approx(400, abs=60)


def test_the_parts_cover_all_queries_once() -> None:
    assert sorted(keys_of(Part.TRAIN, QUERIES) + keys_of(Part.VALIDATION, QUERIES)) == sorted(QUERIES)


def test_the_split_never_changes() -> None:
    assert [part_of(query).value for query in ("shoes", "lawn mower", "deck", "faucet")] == [
        "validation",
        "train",
        "train",
        "train",
    ]


@given(st.text())
def test_case_and_spacing_do_not_leak_between_parts(query: str) -> None:
    assert part_of(f"  {query} ") is part_of(query)


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_validation_part_holds_the_smaller_one(query: str, one: float, other: float) -> None:
    if part_of(query, validation_share=min(one, other)) is Part.VALIDATION:
        assert part_of(query, validation_share=max(one, other)) is Part.VALIDATION


def test_the_extremes() -> None:
    assert {part_of(query, validation_share=0) for query in QUERIES} == {Part.TRAIN}
    assert {part_of(query, validation_share=1) for query in QUERIES} == {Part.VALIDATION}
