"""The lexical index at its public surface."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whybuy.errors import ArtifactError, InputError
from whybuy.records import PRODUCT_SCHEMA, Match, Product
from whybuy.retrieval.lexical import Boosts, LexicalConfig, LexicalIndex, build_lexical
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.terms import FIELDS, field_texts, is_function_word, stem, words

PRODUCTS = (
    Product("p0", "Kitchen Faucet in Brushed Nickel", brand="Delvia", product_type="faucet"),
    Product("p1", "Bathroom Faucet in Chrome", brand="Delvia", product_type="faucet"),
    Product("p2", "2 in. x 4 in. x 8 ft. Pine Board", product_type="board"),
    Product("p3", "Cordless Lawn Mower", product_type="mower", description="Cuts grass with a 40-Volt battery."),
    Product("p4", "Slip-On Shoe", product_type="shoe", attributes=(("sole", "slip-resistant"), ("color", "red"))),
    Product("p5", "Garden Hose", category=("Garden", "Watering"), description="For the kitchen garden, too."),
)
KNOWN_WORDS = st.sampled_from(
    "kitchen faucets delvia chrome 2 ft in pine for the mower grass red slip garden too".split()
)
STAGES = ("all_words", "typo", "some_words")


def table_of(products: tuple[Product, ...]) -> pa.Table:
    rows = [asdict(product) for product in products]
    for row in rows:
        row["attributes"] = [{"name": name, "value": value} for name, value in row["attributes"]]
    return pa.Table.from_pylist(rows, schema=PRODUCT_SCHEMA)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    folder = tmp_path_factory.mktemp("lexical")
    build_lexical(table_of(PRODUCTS), folder)
    return LexicalIndex.open(folder)


@pytest.fixture
def own_index(tmp_path: Path) -> LexicalIndex:
    build_lexical(table_of(PRODUCTS), tmp_path)
    return LexicalIndex.open(tmp_path)


def rows(ranked: Ranked) -> list[int]:
    return [int(row) for row in ranked.rows]


def some_words(index: LexicalIndex, query: str, limit: int) -> Ranked:
    return index.some_words(index.analyze(query), limit)


def stage(index: LexicalIndex, name: str, query: str, limit: int = 10) -> Ranked:
    """What a stage finds; the first two are parts of the last."""
    found = some_words(index, query, limit)
    parts = {"all_words": index.all_words, "typo": index.typo}
    return parts[name](index.analyze(query), found) if name in parts else found


def all_words(index: LexicalIndex, query: str) -> list[int]:
    return rows(stage(index, "all_words", query))


def test_all_words_needs_each_word(index: LexicalIndex) -> None:
    assert all_words(index, "faucets for the kitchen") == [0]
    assert all_words(index, "kitchen mower") == []
    assert all_words(index, "for the") == [5]
    assert sorted(all_words(index, "for the kitchen")) == [0, 5]


def test_some_words_takes_any_word_and_prefers_more(index: LexicalIndex) -> None:
    found = rows(some_words(index, "chrome faucet", 10))
    assert found == [1, 0]


def test_a_title_counts_more_than_a_description(index: LexicalIndex) -> None:
    assert rows(some_words(index, "kitchen", 10)) == [0, 5]


@pytest.mark.parametrize(
    ("query", "row"),
    [("delvia chrome", 1), ("slip resistant", 4), ("watering", 5), ("grass battery", 3), ("2x4", 2), ("40v", 3)],
)
def test_every_field_is_searched(index: LexicalIndex, query: str, row: int) -> None:
    assert all_words(index, query) == [row]


@pytest.mark.parametrize("query", ["kichen faucte", "kitchenfaucet", "kitchen fauset"])
def test_typo_finds_what_all_words_misses(index: LexicalIndex, query: str) -> None:
    assert all_words(index, query) == []
    assert rows(stage(index, "typo", query)) == [0]


@pytest.mark.parametrize("query", ["kitchen faucet", "kichen mower", "zzyx"])
def test_typo_finds_nothing_where_none_helps(index: LexicalIndex, query: str) -> None:
    assert rows(stage(index, "typo", query)) == []


@given(query=st.lists(KNOWN_WORDS, min_size=1, max_size=4, unique_by=stem).map(" ".join))
def test_all_words_are_those_of_a_look_at_every_product(index: LexicalIndex, query: str) -> None:
    asked = [stem(word) for word in words(query) if not is_function_word(word)] or [stem(word) for word in words(query)]
    having = [
        row
        for row, product in enumerate(PRODUCTS)
        if set(asked) <= {stem(word) for text in field_texts(product) for word in words(text)}
    ]
    assert sorted(all_words(index, query)) == having


def test_some_words_corrects_unknown_words(index: LexicalIndex) -> None:
    assert rows(some_words(index, "morer", 10)) == [3]


def test_two_words_meet_the_one_that_the_catalog_writes(tmp_path: Path) -> None:
    build_lexical(table_of((Product("p0", "Lawnmower"), Product("p1", "Rake"))), tmp_path)
    assert rows(some_words(LexicalIndex.open(tmp_path), "lawn mower", 10)) == [0]


def test_the_misspellings_of_a_catalog_do_not_hide_what_it_spells_well(tmp_path: Path) -> None:
    lamps = tuple(Product(f"p{row}", f"Fluorescent Lamp {row}") for row in range(60))
    build_lexical(table_of((*lamps, Product("odd", "Flourescent Lamp"))), tmp_path)
    index = LexicalIndex.open(tmp_path)
    found = some_words(index, "flourescent", 100)
    assert rows(found)[0] == 60
    assert len(found) == 61
    assert index.having(index.analyze("flourescent")).tolist() == list(range(61))
    assert index.matched(index.analyze("flourescent"), [0]) == [(Match("title", "flourescent"),)]


def test_a_brand_is_not_read_as_another_word(tmp_path: Path) -> None:
    lamps = tuple(Product(f"p{row}", f"Modern Lamp {row}") for row in range(60))
    build_lexical(table_of((*lamps, Product("own", "Lamp", brand="Moderna"))), tmp_path)
    assert rows(some_words(LexicalIndex.open(tmp_path), "moderna", 100)) == [60]


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("query", ["", "   ", "?!*", "()[]", "\x00"])
def test_a_query_without_words_finds_nothing(index: LexicalIndex, name: str, query: str) -> None:
    assert rows(stage(index, name, query)) == []
    assert index.having(index.analyze(query)).tolist() == []


@pytest.mark.parametrize("name", STAGES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text() | st.text('"+-:()[]{}~^*?\\/AND OR NOT faucet'), limit=st.integers(0, 20))
def test_any_query_is_answered(index: LexicalIndex, name: str, query: str, limit: int) -> None:
    ranked = stage(index, name, query, limit)
    assert len(ranked) <= limit
    assert len(set(rows(ranked))) == len(ranked)
    assert ranked.scores.tolist() == sorted(ranked.scores.tolist(), reverse=True)


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("query", ["faucet " * 1500, "x" * 10_000, "a1b2 " * 2000])
def test_ten_thousand_characters_are_answered(index: LexicalIndex, name: str, query: str) -> None:
    assert len(stage(index, name, query)) <= 10


def test_words_beyond_the_longest_query_are_not_looked_up(tmp_path: Path) -> None:
    build_lexical(table_of(PRODUCTS), tmp_path, LexicalConfig(longest_query=2))
    assert rows(some_words(LexicalIndex.open(tmp_path), "garden hose faucet", 10)) == [5]


def test_of_type_keeps_the_type(index: LexicalIndex) -> None:
    assert sorted(rows(index.of_type("Faucet", 10))) == [0, 1]
    assert rows(index.of_type("no such type", 10)) == []


def test_matched_says_which_word_stands_where(index: LexicalIndex) -> None:
    assert index.matched(index.analyze("faucets for kichen by delvia"), [5, 0]) == [
        (Match("description", "kitchen"),),
        (
            Match("title", "faucets"),
            Match("product_type", "faucets"),
            Match("title", "kitchen"),
            Match("brand", "delvia"),
        ),
    ]
    assert index.matched(index.analyze("hose"), [0]) == [()]
    assert index.matched(index.analyze("hose"), []) == []


def slow_matches(query: str, product: Product) -> set[tuple[str, str]]:
    """Every word against every field, by their terms."""
    texts = zip(FIELDS, field_texts(product), strict=True)
    terms = [(name, {stem(word) for word in words(text)}) for name, text in texts]
    asked = [word for word in words(query) if not is_function_word(word)]
    return {(name, word) for word in asked for name, found in terms if stem(word) in found}


@given(query=st.lists(KNOWN_WORDS, min_size=1, max_size=8, unique_by=stem).map(" ".join))
def test_rows_and_matches_are_those_of_a_look_at_every_product(index: LexicalIndex, query: str) -> None:
    every = range(len(PRODUCTS))
    matched = index.matched(index.analyze(query), every)
    assert [{(match.field, match.term) for match in one} for one in matched] == [
        slow_matches(query, product) for product in PRODUCTS
    ]
    assert index.having(index.analyze(query)).tolist() == sorted(rows(some_words(index, query, len(PRODUCTS))))


def test_added_products_are_found_at_once(own_index: LexicalIndex) -> None:
    assert all_words(own_index, "telescope") == []
    own_index.add(table_of((Product("p6", "Telescope"),)), first_row=6)
    assert all_words(own_index, "telescope") == [6]
    assert rows(some_words(own_index, "telescpe", 10)) == [6]
    assert len(own_index) == 7


def test_adding_a_known_id_replaces_it(own_index: LexicalIndex) -> None:
    own_index.add(table_of((Product("p5", "Telescope"),)), first_row=6)
    assert all_words(own_index, "garden hose") == []
    assert own_index.having(own_index.analyze("telescope hose")).tolist() == [6]
    assert own_index.matched(own_index.analyze("telescope hose"), [5, 6]) == [(), (Match("title", "telescope"),)]
    assert len(own_index) == 6


def test_deleted_products_are_gone_and_the_others_keep_their_rows(own_index: LexicalIndex) -> None:
    assert own_index.having(own_index.analyze("faucet")).tolist() == [0, 1]
    own_index.delete(["p0", "no such id"])
    assert rows(some_words(own_index, "faucet", 10)) == own_index.having(own_index.analyze("faucet")).tolist() == [1]
    assert len(own_index) == 5


def test_many_threads_ask_while_one_writes(own_index: LexicalIndex) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(some_words, own_index, f"faucet fauct{number}", 10) for number in range(200)]
        own_index.add(table_of((Product("p6", "Telescope"),)), first_row=6)
        assert all(set(rows(answer.result())) == {0, 1} for answer in answers)


def test_a_single_field_scores_as_textbook_bm25(tmp_path: Path) -> None:
    titles = ("red shoe", "red red hat", "blue shoe for the garden", "green scarf")
    only_bm25 = LexicalConfig(boosts=Boosts(title=1.0), coverage=0.0, phrase=0.0, function_word=1.0)
    build_lexical(table_of(tuple(Product(title, title) for title in titles)), tmp_path, only_bm25)
    ranked = some_words(LexicalIndex.open(tmp_path), "red shoe", 10)
    expected = textbook_bm25("red shoe", titles)
    assert dict(zip(rows(ranked), ranked.scores.tolist(), strict=True)) == pytest.approx(expected, rel=1e-4)


def textbook_bm25(query: str, titles: tuple[str, ...], k1: float = 1.2, b: float = 0.75) -> dict[int, float]:
    documents = [[stem(word) for word in words(title)] for title in titles]
    average = sum(map(len, documents)) / len(documents)
    scores: dict[int, float] = {}
    for term in map(stem, words(query)):
        having = sum(term in document for document in documents)
        idf = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
        for row, document in enumerate(documents):
            if count := document.count(term):
                norm = k1 * (1 - b + b * len(document) / average)
                scores[row] = scores.get(row, 0) + idf * count * (k1 + 1) / (count + norm)
    return scores


def test_an_empty_catalog_is_searchable(tmp_path: Path) -> None:
    build_lexical(PRODUCT_SCHEMA.empty_table(), tmp_path)
    assert rows(some_words(LexicalIndex.open(tmp_path), "faucet", 10)) == []


def test_another_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"PRODUCT_SCHEMA, not \['title'\]"):
        build_lexical(pa.table({"title": ["a"]}), tmp_path)


def no_index(folder: Path) -> None:
    """Leave the folder empty."""


def broken_config(folder: Path) -> None:
    build_lexical(table_of(PRODUCTS), folder)
    (folder / "lexical.json").write_text("{")


def lost_index(folder: Path) -> None:
    build_lexical(table_of(PRODUCTS), folder)
    (folder / "meta.json").unlink()


@pytest.mark.parametrize("damage", [no_index, broken_config, lost_index])
def test_a_damaged_folder_is_no_index(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    damage(tmp_path)
    with pytest.raises(ArtifactError, match=r"holds no readable lexical index.*whybuy build"):
        LexicalIndex.open(tmp_path)
