from collections import Counter
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whybuy.catalog.corrections import read_corrections
from whybuy.catalog.titles import own_words, singular, title_parts
from whybuy.catalog.type_scores import evaluate_types
from whybuy.catalog.types import guess_types, infer_types
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


def test_the_own_words_of_a_title_end_before_what_the_thing_is_for() -> None:
    assert own_words("Slim Cases for Nimbus 9700 Phones", "Tavi®") == {"tavi", "slim", "case"}
    assert own_words("Nimbus - 9700 Phone with Charger - Black") == {
        "nimbus",
        "9700",
        "phone",
        "with",
        "charger",
        "black",
    }


def test_a_brand_before_a_dash_and_a_color_after_it_are_no_types() -> None:
    titles = [f'GE - {size}" Self-Cleaning Gas Range - Stainless-Steel' for size in (24, 27, 30)]
    titles += ["Philips - Travel Headphones - Black", "Sony - Studio Headphones - White", "Koss - Headphones - Blue"]
    assert types_of(infer_types(products(titles))) == ["gas range"] * 3 + ["headphone"] * 3


def test_a_color_before_the_head_does_not_make_a_type() -> None:
    titles = ["White Toilet", "Kohler White Toilet", "TOTO White Toilet", "American White Toilet"]
    assert set(types_of(infer_types(products(titles)))) == {"toilet"}


def test_a_title_that_says_no_type_of_others_has_none() -> None:
    inferred = infer_types(products([*SHELF, "Safavieh Braided Area Floorcloth"]))
    assert types_of(inferred)[-1] == ""
    assert inferred["type_confidence"].to_pylist()[-1] == 0


def test_types_that_the_feed_says_stay() -> None:
    table = products(SHELF)
    said = table.set_column(
        table.schema.get_field_index("product_type"), PRODUCT_SCHEMA.field("product_type"), pa.array(["x"] + [""] * 10)
    )
    assert types_of(infer_types(said))[:2] == ["x", "area rug"]


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(SHELF))))
def test_the_order_of_the_feed_does_not_matter(order: list[int]) -> None:
    straight = guess_types(SHELF)
    turned = guess_types([SHELF[row] for row in order])
    assert turned == [straight[row] for row in order]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_text_gets_a_type_and_a_confidence_in_range(titles: list[str]) -> None:
    for name, confidence in guess_types(titles):
        assert 0 <= confidence <= 1
        assert bool(name) == (confidence > 0)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("rugs", "rug"), ("batteries", "battery"), ("knives", "knife"), ("glass", "glass"), ("lighting", "lighting")],
)
def test_only_plurals_are_made_singular(word: str, expected: str) -> None:
    assert singular(word) == expected


def guessed(titles: list[str], brands: list[str] | None = None, texts: list[str] | None = None) -> list[str]:
    return [name for name, _ in guess_types(titles, brands or [], texts or [])]


# ---------------------------------------------------------------- titles
@pytest.mark.parametrize(
    ("title", "brand", "parts"),
    [
        ('Zorb - Laptop / Vex® Q7 Chip / 15.6" Display - Satin Black', "Zorb", ["laptop", "vex # chip", "# display"]),
        ("Alder Water Line 59 in. W Corner Credenza in Black", "", ["alder water line # corner credenza"]),
        ('Reference 10" 4-Ohm Subwoofer', "", ["reference # subwoofer"]),
        ("Pocket MP3 Player (2nd-Generation)", "", ["pocket mp3 player"]),
        ("Tablet (64 GB) + Standing Case + 15W Charger", "", ["tablet", "standing case", "# charger"]),
        ("600-Watt to 1200-Watt Garage Heater - White", "", ["# garage heater"]),
        ("Rope Handles, 30 Count Bag, Variety Pack, Men's XL", "", ["rope handle"]),
        ("Kitchen Trash Can", "", ["kitchen trash can"]),
        ("Stone Countertop Sample", "", ["stone countertop sample"]),
        ("Slip on Shoes with Laces", "", ["slip-on shoe"]),
        ("Bands Compatible with Zorb Watch", "", ["band"]),
        ("Roof Vent-DISCONTINUED", "", ["roof vent"]),
        ("Extra Large 5 in. x 3 in.", "", []),
    ],
)  # fmt: skip
def test_parts_of_titles_end_where_a_thing_is_named(title: str, brand: str, parts: list[str]) -> None:
    assert [" ".join(words) for words in title_parts(title, brand).parts] == parts


def test_a_maker_s_line_is_no_type() -> None:
    titles = [f"{maker} {size} Steel Kettle" for maker in ("Orlo", "Brun", "Tilda") for size in ("Round", "Oval")]
    titles += [f"{maker} Table Lamp" for maker in ("Orlo", "Brun", "Tilda")]
    titles += [f"Orlo {name} Glimmerix" for name in ("Great", "Mid", "Little", "Late")]
    brands = [title.split()[0] for title in titles]
    assert set(guessed(titles, brands)) == {"steel kettle", "table lamp", ""}


def test_units_and_fragments_do_not_join_a_head() -> None:
    makers = ["Orlo", "Brun", "Tilda"] * 4
    titles = [f"{maker} {count}-Cup Coffeemaker" for count, maker in enumerate(makers)]
    titles += [
        f"{maker} {place} Oak Folding Garden Door Bench" for place, maker in zip("ABCDEFGHIJKL", makers, strict=True)
    ]
    assert set(guessed(titles)) == {"coffeemaker", "door bench"}
    titles += [
        f"{maker} {place} Oak Sliding Barn Door Stand" for place, maker in zip("ABCDEFGHIJKL", makers, strict=True)
    ]
    assert "barn door stand" not in guessed(titles)


def test_spec_strings_behind_a_one_word_type_are_no_types() -> None:
    titles = [
        f"{maker} - Laptop / Vex Processor / {size} in. Display"
        for maker, size in zip("ABC", (13, 14, 15), strict=True)
    ]
    titles += [f"{maker} - {kind} Laptop" for maker, kind in zip("ABC", ("Slim", "Light", "Wide"), strict=True)]
    brands = [title[0] for title in titles]
    assert set(guessed(titles, brands)) == {"laptop"}


WORKS = [first + last for first in ("al", "be", "co", "du", "em", "fi") for last in ("rix", "nar", "tol", "vand")]


def test_a_part_behind_names_that_do_not_repeat_is_the_type_and_a_color_is_not() -> None:
    titles = [f"The {name} - Wide - Disc" for name in WORKS]
    titles += [f"{maker} - Wall Clock - Ebony" for maker in WORKS]
    types = guessed(titles, [""] * 24 + WORKS)
    assert set(types[:24]) == {"disc"}
    assert set(types[24:]) == {"wall clock"}


def test_descriptions_name_what_a_platform_carries() -> None:
    titles = [f"The {name} - Playbox" for name in WORKS]
    texts = ["Ride on. This game takes you far."] * len(titles)
    titles += [f"{maker} Board Game" for maker in WORKS]
    texts += ["This game is for four."] * len(WORKS)
    assert set(guessed(titles, texts=texts)) == {"playbox game", "board game"}
    assert set(guessed(titles, texts=["This way up."] * len(titles))) == {"", "board game"}


def test_what_a_description_calls_its_product_goes_before_the_order_of_the_title() -> None:
    titles = [f"{maker} Garden Hose, Oak Bench" for maker in ("Orlo", "Brun", "Tilda")]
    titles += [f"{maker} {thing}" for maker in ("Orlo", "Brun", "Tilda") for thing in ("Garden Hose", "Oak Bench")]
    texts = ["Sit on this oak bench for years."] * 3 + [""] * 6
    assert guessed(titles, texts=texts)[:3] == ["oak bench"] * 3
    assert guessed(titles)[:3] == ["garden hose"] * 3


def test_a_part_that_begins_with_a_measure_is_a_spec_whatever_the_description_points_at() -> None:
    titles = [f"{maker} - Slim Laptop / 15.6 in. Display" for maker in ("Orlo", "Brun", "Tilda")]
    titles += [f"{maker} - Wall Display" for maker in ("Orlo", "Brun", "Tilda")]
    brands = [title.split()[0] for title in titles]
    assert guessed(titles, brands, ['This 15.6" display is bright.'] * 6) == ["slim laptop"] * 3 + ["wall display"] * 3


def test_a_title_without_a_known_head_takes_what_its_description_calls_it() -> None:
    titles = [f"{maker} Oak Bench" for maker in ("Orlo", "Brun", "Tilda")] + ["Zorb Restofix"]
    texts = ["", "", "", "Rest on this oak bench."]
    names = guess_types(titles, descriptions=texts)
    assert names[-1][0] == "oak bench"
    assert names[-1][1] < names[0][1]


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


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from("xyz")), min_size=1, max_size=20))
def test_accuracy_asks_the_other_products_of_a_type(rows: list[tuple[str, str]]) -> None:
    typed = [number for number, (guess, _) in enumerate(rows) if guess]
    if not typed:
        return
    right = 0
    for number in typed:
        others = Counter(
            true for place, (guess, true) in enumerate(rows) if guess == rows[number][0] and place != number
        )
        right += bool(others) and others[rows[number][1]] == max(others.values())
    scores = evaluate_types([guess for guess, _ in rows], [true for _, true in rows])
    assert scores.accuracy == pytest.approx(right / len(typed))
    assert scores.typed == pytest.approx(len(typed) / len(rows))


def test_products_without_a_type_cost_recall_alone() -> None:
    scores = evaluate_types(["a", "a", "", ""], ["x", "x", "x", "y"])
    assert (scores.products, scores.typed, scores.types, scores.true_types) == (4, 0.5, 1, 2)
    assert (scores.accuracy, scores.purity, scores.pair_precision) == (1, 1, 1)
    assert scores.pair_recall == pytest.approx(1 / 3)


def test_scores_refuse_what_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="1 inferred types and 2 true ones"):
        evaluate_types(["a"], ["x", "y"])
    with pytest.raises(InputError, match="No product has a true type"):
        evaluate_types(["a"], [""])
    with pytest.raises(InputError, match="No product has an inferred type"):
        evaluate_types([""], ["x"])
