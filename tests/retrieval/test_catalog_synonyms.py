"""Other words that a catalog shows by itself, and those of a WordNet database whose senses it chooses."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pytest

from whybuy.errors import ConfigError
from whybuy.records import PRODUCT_SCHEMA, Product
from whybuy.retrieval.catalog_synonyms import WEIGHT, catalog_synonyms
from whybuy.retrieval.lexical import LexicalIndex, build_lexical
from whybuy.retrieval.synonyms import SYNONYM_SCHEMA, Synonyms, with_named
from whybuy.retrieval.wordnet import WordNet

SHADES = "red blue green white black gray".split()
TITLES = (
    *(f"{shade} Leather Sofa {seats} Seats" for shade in SHADES for seats in (2, 3)),
    *(f"{shade} Leather Couch {seats} Seats" for shade in SHADES for seats in (2, 3)),
    *(f"Ambra {shade} Screw Driver" for shade in SHADES),
    "Ambra Screwdriver",
    *(f"Watering Can {liters} liters" for liters in range(1, 7)),
    *(f"Flushing Toilet {height} high" for height in range(1, 7)),
    *(f"Soft {shade} Diaper" for shade in SHADES),
    *(f"Bone China {shade} Cup" for shade in SHADES),
)
TYPES = ("sofa", "couch", "screwdriver", "can", "toilet", "diaper", "cup")
PLANE = (*(f"Coldora Bench Plane {size}" for size in range(6)), *TITLES)


def products(titles: Iterable[str], descriptions: Sequence[str] = ()) -> pa.Table:
    rows = []
    for number, title in enumerate(titles):
        kind = next((kind for kind in TYPES if kind in title.casefold().split()), "")
        text = descriptions[number] if number < len(descriptions) else ""
        rows.append({**asdict(Product(f"p{number}", title, product_type=kind, description=text)), "attributes": []})
    return pa.Table.from_pylist(rows, schema=PRODUCT_SCHEMA)


SENSES = (  # file of the lexicographers, words, and how often texts have each in that sense
    (6, {"sofa": 5, "couch": 3}),
    (6, {"can": 1, "toilet": 4}),
    (6, {"can": 9}),
    (6, {"diaper": 2, "nappy": 1}),
    (6, {"plane": 5, "airplane": 5}),
    (6, {"plane": 1}),
    (18, {"sofa": 1, "toilet": 1}),  # a person
    (6, {"bones": 1, "castanets": 2}),
    (8, {"bone": 9}),
    (6, {"sofa_bed": 1, "couch": 1}),
    (6, {"grayish": 1, "sofa": 0}),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A database of a few nouns, as `wndb(5)` describes it."""
    licence = "  1 This is no licence.  \n"
    data, counts = licence, ""
    senses: dict[str, list[tuple[int, str]]] = {}
    for number, (file, nouns) in enumerate(SENSES):
        listed = " ".join(f"{noun} 0" for noun in nouns)
        data += f"{number:08d} {file:02d} n {len(nouns):02x} {listed} 001 @ 00000000 n 0000 | something; as it is  \n"
        for noun, count in nouns.items():
            senses.setdefault(noun, []).append((count, f"{number:08d}"))
    index = licence
    for noun, ranked in sorted(senses.items()):
        ranked.sort(reverse=True)
        index += f"{noun} n {len(ranked)} 1 @ {len(ranked)} 0 {' '.join(sense for _, sense in ranked)}  \n"
        counts += "".join(f"{noun}%1:06:00:: {at} {count}\n" for at, (count, _) in enumerate(ranked, 1) if count)
    for name, text in {"data.noun": data, "index.noun": index, "cntlist.rev": counts}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def found(table: pa.Table, source: str) -> set[tuple[str, str]]:
    assert table.schema.equals(SYNONYM_SCHEMA)
    return {(row["word"], row["other"]) for row in table.to_pylist() if row["source"] == source}


def test_what_some_titles_write_as_one_word_and_others_as_two_is_a_compound() -> None:
    table = catalog_synonyms(products(TITLES))
    assert found(table, "compounds") == {("screwdriver", "screw driver")}
    assert table["weight"].to_pylist() == pytest.approx([WEIGHT])


def test_one_title_is_too_few_and_a_brand_is_no_compound() -> None:
    rare = [title for title in TITLES if "Screw Driver" not in title] + ["Ambra red Screw Driver"]
    assert found(catalog_synonyms(products(rare)), "compounds") == set()
    brand = [*(f"Coolhouse Fan {size}" for size in range(9)), "Cool House Fan", "Cool House Fan 2"]
    assert found(catalog_synonyms(products(brand)), "compounds") == set()


def test_letters_in_parentheses_are_spelled_out() -> None:
    told = ["A near field communication (NFC) chip.", "It has Near Field Communication (NFC).", "One (new) for all."]
    table = catalog_synonyms(products(TITLES, told))
    assert found(table, "abbreviations") == {("nfc", "near field communication")}
    assert found(catalog_synonyms(products(TITLES, told[:1])), "abbreviations") == set()


def test_nouns_of_one_sense_that_stand_among_the_same_words_are_synonyms(folder: Path) -> None:
    synonyms = found(catalog_synonyms(products(TITLES), WordNet.open(folder)), "wordnet")
    assert {("sofa", "couch"), ("couch", "sofa")} <= synonyms
    assert not {("can", "toilet"), ("toilet", "can"), ("sofa", "toilet")} & synonyms


def test_a_noun_that_no_title_has_is_known_by_its_main_sense(folder: Path) -> None:
    synonyms = found(catalog_synonyms(products(PLANE), WordNet.open(folder)), "wordnet")
    assert ("nappy", "diaper") in synonyms
    assert ("castanets", "bones") not in synonyms, "bones are mostly of a body"
    assert ("airplane", "plane") not in synonyms, "no type of the shop ends in it"


def test_a_database_without_counts_ranks_senses_by_its_index(folder: Path) -> None:
    (folder / "cntlist.rev").unlink()
    assert ("sofa", "couch") in found(catalog_synonyms(products(TITLES), WordNet.open(folder)), "wordnet")


@pytest.mark.parametrize("name", ["data.noun", "index.noun"])
def test_a_folder_without_a_database_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ConfigError, match=rf"holds no WordNet database: {name} is missing\. Correct \[wordnet\]"):
        WordNet.open(folder)


def test_a_damaged_database_is_named(folder: Path) -> None:
    (folder / "data.noun").write_text("00000001 06 n zz sofa\n")
    with pytest.raises(ConfigError, match="holds no readable WordNet database"):
        WordNet.open(folder)


# ---------------------------------------------------------------- in search
def index(tmp_path: Path, named: pa.Table) -> LexicalIndex:
    build_lexical(products(TITLES), tmp_path / "index")
    return LexicalIndex.open(tmp_path / "index").knowing(synonyms=Synonyms(named))


def titles(index: LexicalIndex, query: str) -> list[str]:
    return [TITLES[row] for row in index.some_words(index.analyze(query), 100).rows]


def test_products_written_otherwise_are_found_behind_those_with_the_word(tmp_path: Path) -> None:
    known = index(tmp_path, catalog_synonyms(products(TITLES)))
    assert titles(known, "screwdriver")[0] == "Ambra Screwdriver"
    assert len(titles(known, "screwdriver")) == 1 + len(SHADES)
    assert titles(known.knowing(synonyms=Synonyms()), "screwdriver") == ["Ambra Screwdriver"]


def test_what_a_query_says_itself_does_not_count_twice(tmp_path: Path) -> None:
    known = index(tmp_path, catalog_synonyms(products(TITLES)))
    plain = known.knowing(synonyms=Synonyms())
    query = "screw driver"
    assert (
        known.some_words(known.analyze(query), 9).scores.tolist()
        == plain.some_words(plain.analyze(query), 9).scores.tolist()
    )


def test_a_word_with_another_is_no_misspelling(tmp_path: Path) -> None:
    named = [{"word": "couck", "other": "diaper", "source": "wordnet", "weight": 0.6, "searches": 0, "share": 0.0}]
    table = pa.Table.from_pylist(named, schema=SYNONYM_SCHEMA)
    known = index(tmp_path, table)
    assert all("Diaper" in title for title in titles(known, "couck"))
    assert "Couch" in titles(known.knowing(synonyms=Synonyms()), "couck")[0]


def test_those_of_a_catalog_stay_beside_those_of_searches() -> None:
    rows = [
        {"word": "a", "other": "b", "source": source, "weight": 0.6, "searches": 0, "share": 0.0}
        for source in ("searches", "compounds")
    ]
    known, learned = (pa.Table.from_pylist(some, schema=SYNONYM_SCHEMA) for some in (rows, rows[:1]))
    assert with_named(known, learned)["source"].to_pylist() == ["searches", "compounds"]
