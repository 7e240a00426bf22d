from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whybuy.catalog.corrections import read_corrections
from whybuy.catalog.type_scores import evaluate_types
from whybuy.catalog.types import TypeConfig, guess_types, infer_types, singular
from whybuy.errors import InputError
from whybuy.records import PRODUCT_SCHEMA, Product

SHELF = [
    "Acme 5 ft. x 8 ft. Indoor Area Rug in Red",
    "Braided Oval Area Rugs (2-Pack)",
    "Northern Lights Blue Area Rug with Fringe",
    "Safavieh 27 in. Ivory Area Rug",
    "60-Watt Soft White A19 LED Light Bulb (4-Pack)",
    "Globe Light Bulb, 40W Equivalent, Clear",
    "Vintage Edison Light Bulbs for Pendant Lamps",
    "Candle Light Bulb - White",
    "BEHR Premium 1-gal. #SC-141 Tugboat Wood Coating",
    "Roof Coating in White, 5 gal.",
    "Textured Deck Coating - Gray",
]


def products(titles: list[str], brands: list[str] | None = None) -> pa.Table:
    rows = [
        asdict(Product(f"p{number}", title, brand=brand)) | {"attributes": []}
        for number, (title, brand) in enumerate(zip(titles, brands or [""] * len(titles), strict=True))
    ]
    return pa.Table.from_pylist(rows, PRODUCT_SCHEMA)


def types_of(table: pa.Table) -> list[str]:
    names: list[str] = table["product_type"].to_pylist()
    return names


def test_the_head_noun_of_the_first_part_is_the_type() -> None:
    inferred = infer_types(products(SHELF))
    assert types_of(inferred) == ["area rug"] * 4 + ["light bulb"] * 4 + ["coating"] * 3
    assert inferred.schema.equals(PRODUCT_SCHEMA)


def test_a_brand_before_a_dash_and_a_color_after_it_are_no_types() -> None:
    titles = [f'GE - {size}" Self-Cleaning Gas Range - Stainless-Steel' for size in (24, 27, 30)]
    titles += ["Philips - Travel Headphones - Black", "Sony - Studio Headphones - White", "Koss - Headphones - Blue"]
    assert types_of(infer_types(products(titles))) == ["gas range"] * 3 + ["headphone"] * 3


def test_a_color_before_the_head_does_not_make_a_type() -> None:
    titles = ["White Toilet", "Kohler White Toilet", "TOTO White Toilet", "American White Toilet"]
    assert set(types_of(infer_types(products(titles)))) == {"toilet"}


def test_a_rare_ending_takes_the_type_that_its_words_speak_for() -> None:
    titles = [*SHELF, "Safavieh Braided Area Floorcloth"]
    inferred = infer_types(products(titles))
    assert types_of(inferred)[-1] == "area rug"
    confidences = inferred["type_confidence"].to_pylist()
    assert 0 < confidences[-1] < min(confidences[:-1])


def test_types_that_the_feed_says_stay() -> None:
    table = products(SHELF)
    said = table.set_column(
        table.schema.get_field_index("product_type"), PRODUCT_SCHEMA.field("product_type"), pa.array(["x"] + [""] * 10)
    )
    assert types_of(infer_types(said))[:2] == ["x", "area rug"]


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(SHELF))))
def test_the_order_of_the_feed_does_not_matter(order: list[int]) -> None:
    straight = guess_types(SHELF, [""] * len(SHELF), TypeConfig())
    turned = guess_types([SHELF[row] for row in order], [""] * len(SHELF), TypeConfig())
    assert turned == [straight[row] for row in order]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_text_gets_a_type_and_a_confidence_in_range(titles: list[str]) -> None:
    for name, confidence in guess_types(titles, [""] * len(titles), TypeConfig()):
        assert 0 <= confidence <= 1
        assert bool(name) == (confidence > 0)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("rugs", "rug"), ("batteries", "battery"), ("knives", "knife"), ("glass", "glass"), ("lighting", "lighting")],
)
def test_only_plurals_are_made_singular(word: str, expected: str) -> None:
    assert singular(word) == expected


# ---------------------------------------------------------------- corrections
def test_corrections_rule_a_product_over_a_title_over_a_type(tmp_path: Path) -> None:
    path = tmp_path / "types.toml"
    path.write_text(
        '[product]\np0 = "Persian Rug"\n[title]\n"^braided" = "braided rug"\n[type]\n"Area Rug" = "carpet"\n'
    )
    inferred = infer_types(products(SHELF), path)
    assert types_of(inferred)[:4] == ["persian rug", "braided rug", "carpet", "carpet"]
    assert inferred["type_confidence"].to_pylist()[:4] == [1.0] * 4


def test_corrections_in_csv_say_the_same(tmp_path: Path) -> None:
    path = tmp_path / "types.csv"
    path.write_text("by,key,type\nproduct,p0,persian rug\ntitle,^braided,braided rug\ntype,area rug,carpet\n")
    assert types_of(infer_types(products(SHELF), path))[:3] == ["persian rug", "braided rug", "carpet"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("types.toml", "[product", "are not valid TOML"),
        ("types.toml", 'products = "x"', r"'products' must be a table\. Did you mean 'product'"),
        ("types.toml", "[type]\nrug = 3", r"\[type\] 'rug' = 3 must be a type in quotes"),
        ("types.toml", '[titel]\nrug = "x"', "Did you mean 'title'"),
        ("types.toml", '[title]\n"(rug" = "x"', r"title pattern '\(rug' is no regular expression"),
        ("types.csv", "id,type\n1,rug\n", r"have the columns \['id', 'type'\]; they need `by`"),
        ("types.txt", "rug", r"end in '\.txt'; write them as \.toml or \.csv"),
    ],
)
def test_corrections_that_cannot_be_understood_say_why(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_corrections(path)


def test_missing_corrections_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.toml cannot be read.*Write a UTF-8"):
        read_corrections(tmp_path / "gone.toml")


# ---------------------------------------------------------------- scores
def slow_pairs(inferred: list[str], truth: list[str]) -> tuple[float, float]:
    both = [(inferred[a] == inferred[b], truth[a] == truth[b]) for a, b in combinations(range(len(truth)), 2)]
    shared = sum(guess and true for guess, true in both)
    return shared / max(sum(guess for guess, _ in both), 1), shared / max(sum(true for _, true in both), 1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=1, max_size=20))
def test_scores_agree_with_counting_pairs(rows: list[tuple[str, str]]) -> None:
    inferred, truth = [guess for guess, _ in rows], [true for _, true in rows]
    scores = evaluate_types(inferred, truth)
    assert (scores.pair_precision, scores.pair_recall) == pytest.approx(slow_pairs(inferred, truth))
    assert 0 <= scores.nmi <= 1
    assert 0 < scores.purity <= 1


def test_the_same_grouping_scores_one_and_an_unrelated_one_zero() -> None:
    same = evaluate_types(list("aabb"), list("xxyy"))
    unrelated = evaluate_types(list("abab"), list("xxyy"))
    assert (same.nmi, same.purity, same.pair_f1) == pytest.approx((1, 1, 1))
    assert (unrelated.nmi, unrelated.purity, unrelated.pair_f1) == pytest.approx((0, 0.5, 0))
    assert evaluate_types(list("aab"), ["x", "x", ""]).products == 2


def test_scores_refuse_what_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="1 inferred types and 2 true ones"):
        evaluate_types(["a"], ["x", "y"])
    with pytest.raises(InputError, match="No product has a true type"):
        evaluate_types(["a"], [""])
