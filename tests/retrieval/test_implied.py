"""Words that product types imply: where they come from, and what the lexical index finds by them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from tiny_shop import of_type, open_graph, product_table, reason
from whybuy.records import Product
from whybuy.relations import Relation
from whybuy.retrieval.implied import IMPLIED_SCHEMA, LEVELS, MOST_TYPES, ImpliedWords
from whybuy.retrieval.implied_fitting import (
    AskedWords,
    known_words,
    shown_again,
    with_asked,
    words_as_reasons,
)
from whybuy.retrieval.lexical import LexicalIndex, build_lexical
from whybuy.retrieval.training_set import TrainingSet

TITLES = {
    **{f"{color} vanity": "vanity" for color in ("oak", "white", "gray", "blue")},
    **{f"{color} oval mirror": "mirror" for color in ("gold", "black", "silver")},
    "bathroom mirror": "mirror",
    "bathroom scale": "scale",
    **{f"pen {number}": "pen" for number in range(30)},
}
PENS = ("pen", "pen")  # a search that shows what is chosen by chance


def products() -> pa.Table:
    return product_table(
        Product(f"p{number}", title, product_type=kind) for number, (title, kind) in enumerate(TITLES.items())
    )


def implied(*rows: tuple[str, str, float, str, int]) -> pa.Table:
    names = IMPLIED_SCHEMA.names
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=IMPLIED_SCHEMA)


@pytest.fixture(scope="module")
def lexical(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    folder = tmp_path_factory.mktemp("lexical")
    build_lexical(products(), folder)
    return LexicalIndex.open(folder)


def titles(index: LexicalIndex, query: str) -> list[str]:
    every = list(TITLES)
    return [every[row] for row in index.some_words(index.analyze(query), 20).rows.tolist()]


def searches(*led_to: tuple[str, str]) -> TrainingSet:
    """Each query with all products whose title has a word."""
    good = np.array([[float(word in title) for title in TITLES] for _, word in led_to], np.float32)
    return TrainingSet([query for query, _ in led_to], csr_matrix(good))


# ------------------------------------------------------------ what is found by them
def test_a_type_that_implies_a_word_answers_it(lexical: LexicalIndex) -> None:
    assert "oak vanity" not in titles(lexical, "bathroom")
    knowing = lexical.knowing(implied=ImpliedWords(implied(("bathroom", "vanity", 0.8, "used_in_location", 3))))
    assert titles(knowing, "bathroom")[:2] == ["bathroom mirror", "bathroom scale"]
    assert {"oak vanity", "blue vanity"} <= set(titles(knowing, "bathroom"))
    assert titles(knowing, "oak bathroom furniture")[0] == "oak vanity"


def test_what_is_found_is_what_is_counted(lexical: LexicalIndex) -> None:
    knowing = lexical.knowing(implied=ImpliedWords(implied(("bathroom", "vanity", 0.8, "", 0))))
    for query in ("bathroom", "gold bathroom", "scale"):
        words = knowing.analyze(query)
        assert sorted(knowing.some_words(words, 20).rows.tolist()) == knowing.having(words).tolist()


def test_surer_types_come_first(lexical: LexicalIndex) -> None:
    table = implied(("bath", "mirror", 0.3, "", 0), ("bath", "vanity", 0.9, "", 0), ("bath", "scale", 0.55, "", 0))
    found = titles(lexical.knowing(implied=ImpliedWords(table)), "bath")
    assert [TITLES[title] for title in found] == ["vanity"] * 4 + ["scale"] + ["mirror"] * 4


def test_the_word_itself_is_worth_more(lexical: LexicalIndex) -> None:
    knowing = lexical.knowing(implied=ImpliedWords(implied(("bathroom", "mirror", 1.0, "", 0))))
    assert titles(knowing, "bathroom mirror")[0] == "bathroom mirror"


@given(st.dictionaries(st.text("abc", min_size=1, max_size=4), st.floats(0.015625, 1.0, width=32), max_size=90))
def test_levels_hold_the_surest_types_once(weights: dict[str, float]) -> None:
    table = implied(*(("word", kind, weight, "", 0) for kind, weight in weights.items()))
    levels = ImpliedWords(table).of("word")
    kinds = [kind for _, some in levels for kind in some]
    assert [level for level, _ in levels] == sorted({level for level, _ in levels}, reverse=True)
    assert len(kinds) == len(set(kinds)) <= MOST_TYPES
    for level, some in levels:
        assert all(abs(weights[kind] - level) <= 0.5 / LEVELS + 1e-6 for kind in some)
    left_out = weights.keys() - set(kinds)
    if len(kinds) == MOST_TYPES:
        assert max((weights[kind] for kind in left_out), default=0) <= min(weights[kind] for kind in kinds)


# ------------------------------------------------------------ where they come from
def rows(table: pa.Table) -> dict[tuple[str, str], tuple[float, str, int]]:
    assert table.schema.equals(IMPLIED_SCHEMA)
    return {
        (row["word"], row["product_type"]): (round(row["weight"], 3), row["relation"], row["searches"])
        for row in table.to_pylist()
    }


def test_what_many_products_of_a_type_say_and_what_reasons_say(tmp_path: Path) -> None:
    graph = open_graph(tmp_path, [reason(of_type("vanity"), Relation.USED_IN_LOCATION, "the bathroom", score=0.75)])
    known = known_words(products(), graph)
    assert known["word"].to_pylist() == sorted(known["word"].to_pylist()), "equal inputs give an equal artifact"
    assert rows(known) == {
        ("oval", "mirror"): (0.75, "", 0),
        ("bathroom", "vanity"): (0.75, "used_in_location", 0),
    }


ASKED = (("bathroom vanity", "vanity"), ("vanity for bathrooms", "vanity"), PENS)


def test_searches_show_words_and_keep_the_relation_of_the_reason(lexical: LexicalIndex) -> None:
    known = implied(("bathroom", "vanity", 0.5, "used_in_location", 0), ("oval", "mirror", 0.75, "", 0))
    found = with_asked(known, AskedWords(searches(*ASKED), products(), lexical)(), {})
    assert rows(found) == {
        ("bathroom", "vanity"): (0.944, "used_in_location", 2),
        ("oval", "mirror"): (0.75, "", 0),
    }


def test_a_word_that_is_a_reason_by_itself_is_one_for_what_searches_ask_it_of(
    tmp_path: Path, lexical: LexicalIndex
) -> None:
    edges = [
        reason(of_type("mirror"), Relation.USED_IN_LOCATION, "the bathroom"),
        reason(of_type("scale"), Relation.USED_IN_LOCATION, "bathrooms"),
        reason(of_type("scale"), Relation.USED_WITH, "bathroom"),
        reason(of_type("scale"), Relation.USED_FOR_FUNCTION, "oval reading"),
    ]
    reasons = words_as_reasons(open_graph(tmp_path, edges))
    assert reasons == {"bathroom": "used_in_location"}
    found = with_asked(implied(), AskedWords(searches(*ASKED), products(), lexical)(), reasons)
    assert rows(found) == {("bathroom", "vanity"): (0.944, "used_in_location", 2)}


def test_the_surest_reason_of_a_word_counts(tmp_path: Path) -> None:
    edges = [
        reason(of_type("vanity"), Relation.USED_IN_LOCATION, "the bathroom", score=0.75),
        reason(of_type("vanity"), Relation.USED_FOR_EVENT, "bathroom remodel", score=0.5),
    ]
    assert rows(known_words(products(), open_graph(tmp_path, edges)))["bathroom", "vanity"][0] == 0.75


def test_out_of_fold_only_what_the_other_searches_show_is_known(lexical: LexicalIndex) -> None:
    asked = AskedWords(searches(*ASKED, ("hanging mirror", "oval"), ("hanging mirrors", "oval")), products(), lexical)
    whole = with_asked(implied(("oval", "mirror", 0.75, "", 0)), asked(), {})
    assert rows(whole).keys() == {("oval", "mirror"), ("bathroom", "vanity"), ("hang", "mirror")}
    others = shown_again(whole, asked(np.array([True, True, True, False, False])))
    assert rows(others).keys() == {("oval", "mirror"), ("bathroom", "vanity")}
    deprived = whole.filter(pa.array([word != "bathroom" for word in whole["word"].to_pylist()]))
    assert rows(shown_again(deprived, asked())).keys() == {("oval", "mirror"), ("hang", "mirror")}
