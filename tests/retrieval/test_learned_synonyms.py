"""Synonyms learned from searches, and what the lexical index finds by them."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix

from whybuy.records import PRODUCT_SCHEMA, Match, Product
from whybuy.retrieval.catalog_words import abbreviated
from whybuy.retrieval.lexical import LexicalIndex, build_lexical
from whybuy.retrieval.synonym_fitting import SynonymLearner
from whybuy.retrieval.synonyms import SYNONYM_SCHEMA, Synonyms
from whybuy.retrieval.training_set import TrainingSet

SHADES = "red blue green white black gray".split()
TITLES = (
    *(f"Coldora {shade} Refrigerator {size}" for shade in SHADES for size in (1, 2)),
    *(f"Coldora {shade} Freezer {size}" for shade in SHADES for size in (1, 2)),
    *(f"Ambra {shade} Leaf Blower 150 MPH" for shade in SHADES),
    *(f"Sudden Blower {shade} 150 MPH" for shade in SHADES),
    *(f"Call of Honor {shade}" for shade in SHADES),
    *(f"Lamp {shade} {size}" for shade in SHADES for size in range(50)),
)
TYPES = {"Refrigerator": "refrigerator", "Freezer": "freezer", "Blower": "blower", "Call": "game", "Lamp": "lamp"}


def products() -> pa.Table:
    rows = []
    for number, title in enumerate(TITLES):
        kind = next(kind for word, kind in TYPES.items() if word in title)
        row = asdict(Product(f"p{number}", title, product_type=kind))
        row["attributes"] = []
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=PRODUCT_SCHEMA)


def searches(*led_to: tuple[str, str]) -> TrainingSet:
    """Each query with all products whose title has a word."""
    good = np.array([[float(word in title) for title in TITLES] for _, word in led_to], np.float32)
    return TrainingSet([query for query, _ in led_to], csr_matrix(good))


def learned(*led_to: tuple[str, str]) -> dict[str, set[str]]:
    table = SynonymLearner(searches(*led_to), products(), str).learn()
    assert table.schema.equals(SYNONYM_SCHEMA)
    found: dict[str, set[str]] = {}
    for row in table.to_pylist():
        found.setdefault(row["word"], set()).add(row["other"])
    return found


FRIDGES = (("red fridge", "Refrigerator"), ("fridge white", "Refrigerator"), ("small fridges", "Refrigerator"))
OTHERS = tuple((f"{shade} {word.lower()}", word) for shade in SHADES for word in ("Freezer", "Lamp"))


def test_what_good_products_are_called_instead_is_a_synonym() -> None:
    assert learned(*FRIDGES, *OTHERS)["fridge"] == {"refrigerator"}


def test_two_queries_are_too_few_and_one_is_not_counted_twice() -> None:
    assert "fridge" not in learned(*FRIDGES[:2], *OTHERS)


def test_a_brand_is_no_synonym() -> None:
    assert "coldora" not in learned(*FRIDGES, *OTHERS)["fridge"]


def test_what_titles_with_the_word_have_as_well_is_no_synonym() -> None:
    queries = [(f"{shade} leaf blower", "Sudden") for shade in SHADES]
    assert "mph" not in learned(*queries, *OTHERS).get("leaf", set())


def test_what_answers_every_search_is_no_synonym() -> None:
    everything = [(f"{shade} {word}", "Honor") for shade in SHADES for word in ("console", "headset", "cable")]
    assert learned(*everything, *OTHERS) == {}


def test_first_letters_stand_for_words_one_after_the_other() -> None:
    assert learned(("coh", "Honor"), ("coh white", "Honor"), *OTHERS)["coh"] == {"call of honor"}
    assert abbreviated("gta", ["the", "grand", "theft", "auto"]) == "grand theft auto"
    assert abbreviated("gta", ["grand", "auto", "theft"]) == ""


def test_what_follows_for_is_a_need_and_no_name() -> None:
    needs = [(f"{word} for parties", "Refrigerator") for word in ("box", "stand", "case")]
    assert "parties" not in learned(*needs, *OTHERS)


def test_chosen_searches_alone_are_learned_from() -> None:
    learner = SynonymLearner(searches(*FRIDGES, *OTHERS), products(), str)
    chosen = np.array([True] * 2 + [False] + [True] * len(OTHERS))
    assert len(learner.learn()) == 1
    assert len(learner.learn(chosen)) == 0


def test_searches_without_products_teach_nothing() -> None:
    assert learned(("fridge", "Nothing")) == {}


# ---------------------------------------------------------------- in search
TABLE = pa.Table.from_pylist(
    [
        {"word": "fridge", "other": "refrigerator", "source": "searches", "weight": 0.8, "searches": 3, "share": 0.7},
        {"word": "fridge", "other": "freezer", "source": "searches", "weight": 0.6, "searches": 3, "share": 0.1},
        {"word": "coh", "other": "call of honor", "source": "searches", "weight": 0.8, "searches": 2, "share": 0.9},
    ],
    schema=SYNONYM_SCHEMA,
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    folder: Path = tmp_path_factory.mktemp("lexical")
    build_lexical(products(), folder)
    return LexicalIndex.open(folder).knowing(synonyms=Synonyms(TABLE))


def titles(index: LexicalIndex, query: str) -> list[str]:
    return [TITLES[row] for row in index.some_words(index.analyze(query), 100).rows]


def test_synonyms_are_found_by_any_inflection_the_best_first() -> None:
    found = Synonyms(TABLE).of("fridg")
    assert [one.terms for one in found] == [("refriger",), ("freezer",)]
    assert [one.weight for one in found] == pytest.approx([0.8, 0.6])
    assert Synonyms(TABLE).of("blower") == ()


def test_products_under_another_name_are_found_the_surest_first(index: LexicalIndex) -> None:
    found = titles(index, "fridges")
    assert ["Refrigerator" in title for title in found] == [True] * 12 + [False] * 12
    assert all("Freezer" in title for title in found[12:])
    assert titles(index.knowing(synonyms=Synonyms()), "fridges") == []


def test_a_product_counts_once_for_a_word_and_its_synonyms(index: LexicalIndex) -> None:
    assert "Refrigerator" in titles(index, "blue fridge")[0]
    assert "Blue".casefold() in titles(index, "blue fridge")[0].casefold()


def test_several_words_for_one_are_needed_all(index: LexicalIndex) -> None:
    assert len(titles(index, "coh")) == len(SHADES)
    assert index.having(index.analyze("coh")).tolist() == [
        TITLES.index(title) for title in sorted(titles(index, "coh"), key=TITLES.index)
    ]


def test_matches_name_the_word_of_the_query(index: LexicalIndex) -> None:
    assert index.matched(index.analyze("fridge"), [0])[0][0] == Match("title", "fridge")
