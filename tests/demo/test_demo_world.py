"""The loader of written worlds: what it reads, and what it says about mistakes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from whybuy.demo.phrasing import Phrasebook, Scope, load_templates
from whybuy.demo.products import stock
from whybuy.demo.shoppers import mistyped
from whybuy.demo.world import Season, World, load_world, placeholders, read_world
from whybuy.errors import InputError
from whybuy.relations import Relation
from whybuy.text import normalize

SMALL = """
category = ["Home", "Lamps"]
held_out = false
brands = ["Alder", "Birch & Co"]

[[intent]]
relation = "used_for_audience"
tail = "night readers"
wordings = ["night readers", "late readers"]
popularity = 3
season = "winter"

[[type]]
name = "desk lamp"
plural = "desk lamps"
synonyms = ["work lights"]
price = [10, 40]
popularity = 2
lines = ["Glow", "Beam"]
title = ["{brand} {line} {color} {name}"]
blurbs = ["A steady {color} foot.", "Bright and quiet."]
goes_with = ["floor lamp"]
[type.attributes]
color = ["black", "white"]
light = ["warm", "cold"]
[type.says]
"light.warm" = "The light is amber."
[[type.reason]]
intent = "night readers"
relation = "used_for_audience"
needs = { light = ["warm"] }
strength = 0.5
sentence = "Loved by those who read late."

[[type]]
name = "floor lamp"
plural = "floor lamps"
price = [20, 20]
popularity = 1
lines = ["Post"]
title = ["{brand} {line} {name}"]
blurbs = ["Tall."]
[type.attributes]
color = ["brass", "black"]
[[type.reason]]
intent = "night readers"
relation = "used_for_audience"
needs = {}
strength = 1
"""


def written(folder: Path, *changes: tuple[str, str], name: str = "lamps.toml") -> Path:
    text = SMALL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def small(tmp_path: Path) -> World:
    return read_world(written(tmp_path))


def test_world_that_comes_along_fits_together() -> None:
    world = load_world()
    assert len({kind.name for kind in world.types}) == len(world.types)
    assert {reason.intent.relation for reason in world.reasons} == set(Relation)


def test_file_is_read_into_records(small: World) -> None:
    (category,) = small.categories
    assert category.name == "Home > Lamps"
    assert [kind.name for kind in small.types] == ["desk lamp", "floor lamp"]
    assert [reason.latent.sentence for reason in small.reasons] == ["Loved by those who read late.", ""]
    assert small.reasons[0].intent.season is Season.WINTER
    assert small.reasons[0].latent.answered_by({"light": "warm", "color": "black"})
    assert not small.reasons[0].latent.answered_by({"light": "cold"})


AUDIENCE = 'relation = "used_for_audience"\n'
MISTAKES = [
    (
        "strength = 0.5",
        "strenght = 0.5",
        r"'desk lamp', reason 'night readers' .*'strenght'\. Did you mean 'strength'",
    ),
    ("strength = 0.5", "strength = 1.5", r"reason 'night readers' strength = 1\.5: Input should be less than"),
    ('plural = "desk lamps"\n', "", r"type 'desk lamp' lacks 'plural'"),
    ("held_out = false", "", r"the file lacks 'held_out'"),
    (AUDIENCE, 'relation = "used_for"\n', r"intent 'night readers' relation = 'used_for'"),
    (
        'intent = "night readers"',
        'intent = "nigth readers"',
        r"'nigth readers'.*no intent of this file\. Did you mean 'night readers'",
    ),
    ('goes_with = ["floor lamp"]', 'goes_with = ["flor lamp"]', r"goes with 'flor lamp'.*Did you mean 'floor lamp'"),
    ("{line} {color}", "{line} {colour}", r"uses \{colour\}.*Did you mean 'color'"),
    ('light = ["warm"]', 'light = ["wram"]', r"needs light = 'wram' for .*Did you mean 'light\.warm'"),
    ('"light.warm" =', '"light.hot" =', r"says something for 'light\.hot'"),
    ('name = "floor lamp"', 'name = "desk lamp"', r"type 'desk lamp' stands 2 times \(lamps\.toml\)"),
    ('wordings = ["night readers", ', "wordings = [", r"'night readers' must come first among its wordings"),
    ("price = [10, 40]", "price = [40, 10]", r"type 'desk lamp' has the price range \[40\.0, 10\.0\]"),
    ('["black", "white"]', '["black", "off:white"]', r"'off:white'; names and values may not hold a comma"),
    ('category = ["Home", "Lamps"]', 'category = ["Home"', r"is not valid TOML"),
]


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES)
def test_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        read_world(written(tmp_path, (old, new)))
    assert "lamps.toml" in str(raised.value)


def test_type_of_two_files_is_named_with_both(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(InputError, match=r"type 'desk lamp' stands 2 times \(lamps\.toml, more\.toml\)"):
        read_world(written(tmp_path, name="more.toml"))


def test_unused_intent_is_a_mistake(tmp_path: Path) -> None:
    gift = '[[intent]]\nrelation = "is_a"\ntail = "gift"\nwordings = ["gift"]\npopularity = 1\n'
    with pytest.raises(InputError, match=r"intent 'gift' \(is_a\) is the reason of no type"):
        read_world(written(tmp_path, ("[[type]]", f"{gift}\n[[type]]")))


def test_empty_folder_is_no_world(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no world: no \*\.toml file"):
        read_world(tmp_path)


# ---------------------------------------------------------------- products and phrasing
def test_products_are_made_of_their_type(small: World) -> None:
    assortment = stock(small, seed=1)
    assert [product.product_id for product in assortment.products] == [
        f"P{number:06d}" for number in range(1, len(assortment.products) + 1)
    ]
    for product, kind in zip(assortment.products, assortment.type_of, strict=True):
        made_of = small.types[kind]
        assert product.product_type == made_of.name
        assert made_of.price[0] <= (product.price or 0) <= made_of.price[1] + 1
        assert all(value in made_of.attributes[name] for name, value in product.attributes)
        assert product.brand in product.title
    desk = [product for product in assortment.products if product.product_type == "desk lamp"]
    assert any("amber" in product.description for product in desk)
    assert all(("amber" in product.description) == (("light", "warm") in product.attributes) for product in desk)
    assert any("Desk Lamp" in product.title for product in desk)


def test_products_of_a_type_do_not_depend_on_other_types(small: World, tmp_path: Path) -> None:
    renamed = (('goes_with = ["floor lamp"]', 'goes_with = ["arc lamp"]'), ('name = "floor lamp"', 'name = "arc lamp"'))
    other = read_world(written(tmp_path, *renamed))
    before, after = (
        {product.title for product in stock(world, seed=1).products if product.product_type == "desk lamp"}
        for world in (small, other)
    )
    assert before == after


def test_popularity_is_skewed_within_a_type(small: World) -> None:
    assortment = stock(small, seed=1)
    demand = np.sort(assortment.popularity[assortment.type_of == 0])
    assert demand[-1] > 4 * demand[0] > 0


def test_need_is_worded_by_type_by_head_noun_and_alone(small: World) -> None:
    phrases = Phrasebook(small, load_templates()).phrases[0]
    texts = {phrase.text: phrase.scope for phrase in phrases}
    assert texts["desk lamps for night readers"] is Scope.TYPE
    assert texts["work lights for late readers"] is Scope.TYPE
    assert texts["lamps for night readers"] is Scope.HEAD
    assert texts["things for night readers"] is Scope.ANY
    assert sum(phrase.weight for phrase in phrases) == pytest.approx(1, abs=0.05)


def test_every_relation_has_three_to_six_templates_that_hold_the_need() -> None:
    templates = load_templates()
    assert set(templates.intent) == set(Relation)
    for relation, worded in templates.intent.items():
        assert 3 <= len(worded.named) <= 6, relation
        for template in worded.named:
            assert placeholders(template) & {"type", "types"}
        for template in (*worded.named, *worded.bare):
            assert placeholders(template) & {"wording", "a_wording"}


def test_phrases_of_the_world_are_normalized() -> None:
    world = load_world()
    for phrases in Phrasebook(world, load_templates()).phrases[::20]:
        assert all(phrase.text == normalize(phrase.text) and phrase.wording in phrase.text for phrase in phrases)


@given(st.lists(st.text("abcdefghij", min_size=1, max_size=9), min_size=1, max_size=4), st.integers(0, 1000))
def test_typo_is_one_slip(words: list[str], seed: int) -> None:
    text = " ".join(words)
    typo = mistyped(text, np.random.default_rng(seed))
    assert Levenshtein.distance(text, typo) <= 2
    assert abs(len(text) - len(typo)) <= 1
    assert typo.count(" ") == text.count(" ")
