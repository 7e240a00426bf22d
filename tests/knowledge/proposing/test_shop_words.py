"""What a shop's texts show of words."""

from hypothesis import given
from hypothesis import strategies as st

from whybuy.knowledge.proposing.patterns.shop_words import ShopWords, read_shop_words

TITLES = [f"{name} Sliding Door {number}" for number, name in enumerate(["Oak", "Ash", "Elm", "Fir"])]
TEXT = "It fits the Orrin well. We love our Orrin a lot. They sell an Orrin here. It is a wide door. A wide door it is."


def words(titles: list[str], brands: list[str], kinds: list[str], texts: list[str]) -> ShopWords:
    return read_shop_words(titles, brands, kinds, texts, "en")


def test_names_are_capitalized_wherever_they_stand() -> None:
    found = words([], [], [], [TEXT, "Use it. Clean The Door. Now The Door shines, The best."])
    assert "orrin" in found.names
    assert not {"door", "wide", "it"} & found.names


def test_what_several_titles_name_is_sold() -> None:
    found = words(TITLES, [""] * 4, [""] * 4, [])
    assert {"door", "slide door"} <= found.sold
    assert "oak" not in found.sold


def test_a_brand_of_several_kinds_is_a_maker_and_one_of_a_single_kind_a_line_of_goods() -> None:
    brands = ["Fernhill"] * 3 + ["Podlet"] * 3
    kinds = ["lamp", "case", "cable", "player", "player", "player"]
    assert words([f"Thing {number}" for number in range(6)], brands, kinds, []).makers == {"fernhill"}


def test_without_brands_the_word_that_opens_titles_is_the_maker() -> None:
    titles = ["Fernhill lamp", "Fernhill shade", "Fernhill bulb", "Lamp of brass", "Lamp of tin", "Lamp of wood"]
    found = words(titles, [""] * 6, ["lamp", "shade", "bulb", "lamp", "lamp", "lamp"], [])
    assert found.makers == {"fernhill"}
    assert found.maker_of("", "Fernhill lamp", "en") == found.maker_of("", "Fernhill bulb", "en") == "fernhill"
    assert found.maker_of("", "Lamp of brass", "en") != found.maker_of("", "Lamp of tin", "en")
    assert found.maker_of("Orrin", "Fernhill lamp", "en") == "orrin"


def test_words_that_others_follow_end_no_phrase() -> None:
    texts = [f"It has a select {thing}, and a {thing}." for thing in "door lid jar box cup pan pot mug".split()]
    found = words([], [], [], texts)
    assert "select" in found.unfinished & found.modifiers
    assert not {"door", "lid"} & found.modifiers


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=6), st.text(max_size=6), st.text(max_size=60))))
def test_any_texts_are_read(rows: list[tuple[str, str, str, str]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []]
    found = words(*columns)
    assert found.unfinished <= found.modifiers
