"""What a query leaves out."""

from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.records import PRODUCT_SCHEMA, Product
from whybuy.retrieval.lexical import LexicalIndex, build_lexical
from whybuy.retrieval.negation import spelled_out, split_excluded

TITLES = (
    "Strawberry Jam with Sugar",
    "Strawberry Jam Sugar Free",
    "Strawberry Jam No Added Sugar",
    "Strawberry Jam",
    "Wine Glass with Stem",
    "Stemless Wine Glass",
    "Running Shoe Red",
    "Running Shoe Blue",
    "Beard Oil",
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    folder: Path = tmp_path_factory.mktemp("negation")
    rows = [{**asdict(Product(title, title)), "attributes": []} for title in TITLES]
    build_lexical(pa.Table.from_pylist(rows, schema=PRODUCT_SCHEMA), folder)
    return LexicalIndex.open(folder)


def titles(index: LexicalIndex, query: str) -> list[str]:
    return [TITLES[row] for row in index.some_words(index.analyze(query), 20).rows.tolist()]


def test_what_says_that_it_lacks_it_comes_first_and_what_has_it_last(index: LexicalIndex) -> None:
    found = titles(index, "jam without sugar")
    assert set(found[:2]) == {"Strawberry Jam Sugar Free", "Strawberry Jam No Added Sugar"}
    assert found[2:] == ["Strawberry Jam", "Strawberry Jam with Sugar"]


def test_a_word_that_ends_in_less_says_so(index: LexicalIndex) -> None:
    assert titles(index, "wine glass without stems") == ["Stemless Wine Glass", "Wine Glass with Stem"]


def test_a_minus_leaves_out(index: LexicalIndex) -> None:
    assert titles(index, "running shoe -red") == ["Running Shoe Blue", "Running Shoe Red"]


def test_what_has_it_does_not_have_all_that_is_asked(index: LexicalIndex) -> None:
    query = index.analyze("jam without sugar")
    every = index.all_words(query, index.some_words(query, 20))
    assert "Strawberry Jam with Sugar" not in {TITLES[row] for row in every.rows.tolist()}


def test_a_misspelled_word_is_left_out_as_the_catalog_spells_it(index: LexicalIndex) -> None:
    assert index.analyze("strawberry jam without suggar").excluded == ["sugar"]


def test_what_is_left_out_finds_nothing_by_itself(index: LexicalIndex) -> None:
    assert "Beard Oil" not in titles(index, "jam without beard")
    assert index.having(index.analyze("jam without beard")).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("query", "asked", "excluded"),
    [
        ("lights without wiring with switch", "lights with switch", "wiring"),
        ("thermostat without c wire", "thermostat", "c wire"),
        ("shirt - red", "shirt red", ""),
        ("t-shirt", "t-shirt", ""),
        ("without sugar", "without sugar", ""),
        ("shoe -red -blue", "shoe", "red blue"),
    ],
)
def test_how_far_a_without_reaches(query: str, asked: str, excluded: str) -> None:
    words = [word for word in spelled_out(query).split() if word != "-"]
    assert split_excluded(words) == (asked.split(), excluded.split())


@given(st.lists(st.sampled_from("without with for jam sugar stem red the".split()), max_size=8))
def test_each_word_but_without_is_asked_for_or_left_out(typed: list[str]) -> None:
    asked, excluded = split_excluded(typed)
    assert sorted(asked + excluded) == sorted(typed if not excluded else [one for one in typed if one != "without"])
