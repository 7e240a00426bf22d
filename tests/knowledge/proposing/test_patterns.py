"""Every relation can be read where a query or a text words it."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.errors import ConfigError
from whybuy.knowledge.proposing import patterns
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.knowledge.proposing.patterns.tails import LONGEST_TAIL
from whybuy.relations import Relation, TailKind
from whybuy.text import canonical, normalize, tokenize

ENGLISH = load_patterns("en")

QUERIES = {
    Relation.USED_FOR_FUNCTION: ("lotion for stain removal", "stain removal", "lotion"),
    Relation.USED_FOR_EVENT: ("tent for camping", "camping", "tent"),
    Relation.USED_FOR_AUDIENCE: ("shoes for pregnant women", "pregnant women", "shoes"),
    Relation.CAPABLE_OF: ("boots that keep feet dry", "keep feet dry", "boots"),
    Relation.USED_TO: ("drill to hang shelves", "hang shelves", "drill"),
    Relation.USED_AS: ("stool to use as nightstand", "nightstand", "stool"),
    Relation.IS_A: ("jacket that is a raincoat", "raincoat", "jacket"),
    Relation.USED_ON: ("boots for rainy days", "rainy days", "boots"),
    Relation.USED_IN_LOCATION: ("lamp in kids room", "kids room", "lamp"),
    Relation.USED_IN_BODY: ("cream for dry skin", "dry skin", "cream"),
    Relation.USED_WITH: ("lens compatible with canon", "canon", "lens"),
    Relation.USED_BY: ("shoes nurses wear", "nurses", "shoes"),
    Relation.X_INTERESTED_IN: ("mug for gardening lovers", "gardening", "mug"),
    Relation.X_IS_A: ("i am a teacher need bag", "teacher", "bag"),
    Relation.X_WANT: ("shoes i want to run a marathon", "run a marathon", "shoes"),
}
TEXTS = {
    Relation.USED_FOR_FUNCTION: ("Great for stain removal.", "stain removal"),
    Relation.USED_FOR_EVENT: ("Perfect for <camping>.", "camping"),
    Relation.USED_FOR_AUDIENCE: ("Light upper. Ideal for pregnant women.", "pregnant women"),
    Relation.CAPABLE_OF: ("It can hold snacks.", "hold snacks"),
    Relation.USED_TO: ("Designed to hang shelves without tools.", "hang shelves"),
    Relation.USED_AS: ("Doubles as a blanket.", "blanket"),
    Relation.IS_A: ("This is a travel essential.", "travel essential"),
    Relation.USED_ON: ("Made for rainy days.", "rainy days"),
    Relation.USED_IN_LOCATION: ("Ideal for the kitchen.", "the kitchen"),
    Relation.USED_IN_BODY: ("Suitable for dry skin.", "dry skin"),
    Relation.USED_WITH: ("Works well with canon lenses.", "canon lenses"),
    Relation.USED_BY: ("Loved by nurses.", "nurses"),
    Relation.X_INTERESTED_IN: ("A pot for gardening lovers.", "gardening"),
    Relation.X_IS_A: ("Whether you're a teacher or not.", "teacher"),
    Relation.X_WANT: ("For anyone who wants to run a marathon.", "run a marathon"),
}


def test_every_relation_can_be_read_from_a_query_or_text() -> None:
    assert QUERIES.keys() == TEXTS.keys() == set(Relation)


@pytest.mark.parametrize("relation", Relation)
def test_a_query_that_words_a_relation_is_read_with_its_product(relation: Relation) -> None:
    query, tail, type_words = QUERIES[relation]
    (phrase,) = ENGLISH.in_query(query)
    assert (phrase.relation, phrase.tail, phrase.type_words) == (relation, tail, type_words)


@pytest.mark.parametrize("relation", Relation)
def test_a_text_that_words_a_relation_is_read(relation: Relation) -> None:
    text, tail = TEXTS[relation]
    found = {(phrase.relation, canonical(phrase.tail)) for phrase in ENGLISH.in_text(text)}
    assert (relation, canonical(tail)) in found


@pytest.mark.parametrize("query", ["shoes", "red running shoes", "", "for", "for 12", "shoes for everyone"])
def test_a_query_without_a_need_has_none(query: str) -> None:
    assert ENGLISH.in_query(query) == []


def test_a_list_names_several_needs() -> None:
    found = [phrase.tail for phrase in ENGLISH.in_text("Perfect for camping, hiking and fishing. Nothing else.")]
    assert found == ["camping", "hiking", "fishing"]


@pytest.mark.parametrize("text", ["", "A red shoe with laces.", "Ideal for everyone.", "Great for any purpose."])
def test_a_text_without_a_need_has_none(text: str) -> None:
    assert list(ENGLISH.in_text(text)) == []


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        ("pregnant women", TailKind.AUDIENCE),
        ("dining room", TailKind.LOCATION),
        ("wedding guests", TailKind.AUDIENCE),
        ("drying hair", TailKind.FUNCTION),
        ("walking the dog", TailKind.EVENT),
        ("christmas", TailKind.TIME),
        ("flat feet", TailKind.BODY),
        ("aching wrists", TailKind.BODY),
        ("working mothers", TailKind.AUDIENCE),
        ("teething babies", TailKind.AUDIENCE),
        ("beekeepers", TailKind.AUDIENCE),
        ("mother of the bride", TailKind.AUDIENCE),
        ("running a marathon", TailKind.EVENT),
        ("cleaning the windows", TailKind.FUNCTION),
        ("a noise reduction", TailKind.FUNCTION),
        ("keeping drinks cold", TailKind.FUNCTION),
        ("repelling rabbits", TailKind.FUNCTION),
        ("building muscle", TailKind.FUNCTION),
        ("marathon training", TailKind.EVENT),
        ("back-to-school season", TailKind.TIME),
        ("humidifiers", None),
        ("qwerty", None),
        ("the", None),
    ],
)
def test_a_tail_is_of_the_kind_that_its_head_word_names(tail: str, kind: TailKind | None) -> None:
    assert ENGLISH.kind(tail) is kind


@pytest.mark.parametrize(
    ("query", "relation", "tail"),
    [
        ("pillows for people who overheat", Relation.USED_FOR_AUDIENCE, "people who overheat"),
        ("made for nurses who stand all day", Relation.USED_FOR_AUDIENCE, "nurses who stand all day"),
        ("pillow for people who love camping", Relation.X_INTERESTED_IN, "camping"),
        ("fountain for encouraging cats to drink", Relation.USED_FOR_FUNCTION, "encouraging cats to drink"),
        ("to go with gaming console", Relation.USED_WITH, "gaming console"),
        ("spf lotion as a makeup primer", Relation.USED_AS, "makeup primer"),
        ("bag as a teacher", Relation.X_IS_A, "teacher"),
    ],
)
def test_wordings_that_look_like_others_are_told_apart(query: str, relation: Relation, tail: str) -> None:
    (phrase,) = ENGLISH.in_query(query)
    assert (phrase.relation, phrase.tail) == (relation, tail)


def test_a_number_is_nothing_to_do() -> None:
    assert Relation.USED_TO not in {phrase.relation for phrase in ENGLISH.in_query("up to 8 pounds swaddle blanket")}


def test_a_bare_mention_says_its_relation_only_where_its_kind_is_sure() -> None:
    assert ENGLISH.bare("pregnant women") is Relation.USED_FOR_AUDIENCE
    assert ENGLISH.bare("rainy days") is Relation.USED_ON
    assert ENGLISH.bare("beekeepers") is None
    assert ENGLISH.bare("foot") is None
    assert ENGLISH.bare("") is None


def test_what_the_shop_sells_is_a_thing_and_no_person() -> None:
    in_shop = ENGLISH.with_product_types(["Leaf Blowers", "ceiling fan", ""])
    assert ENGLISH.kind("leaf blower") is TailKind.AUDIENCE
    assert in_shop.kind("leaf blower") is None
    assert in_shop.kind("pregnant women") is TailKind.AUDIENCE
    assert ENGLISH.kind("leaf blower") is TailKind.AUDIENCE
    (phrase,) = in_shop.in_query("bag for leaf blower")
    assert phrase.relation is Relation.USED_WITH


def test_goods_that_are_called_as_enthusiasts_are_show_no_interest() -> None:
    (phrase,) = ENGLISH.in_query("light for ceiling fans")
    assert (phrase.relation, phrase.tail) == (Relation.X_INTERESTED_IN, "ceiling")
    in_shop = ENGLISH.with_product_types(["ceiling fan"])
    assert Relation.X_INTERESTED_IN not in {one.relation for one in in_shop.in_query("light for ceiling fans")}
    (phrase,) = in_shop.in_query("mug for gardening lovers")
    assert phrase.relation is Relation.X_INTERESTED_IN


@pytest.mark.parametrize(
    ("wording", "in_title", "in_text"),
    [
        ("Stand, perfect for nurses and teachers", ["nurses", "teachers"], ["nurses", "teachers"]),
        ("Lamp for the kitchen", ["kitchen"], []),
        ("Lamp designed to hang shelves", [], ["hang shelves"]),
        ("Doubles as a blanket", [], ["blanket"]),
    ],
)
def test_titles_are_read_for_the_plainest_wording_only(wording: str, in_title: list[str], in_text: list[str]) -> None:
    assert [phrase.tail for phrase in ENGLISH.in_title(wording)] == in_title
    assert [phrase.tail for phrase in ENGLISH.in_text(wording)] == in_text


def language_files() -> list[Path]:
    return sorted(Path(patterns.__file__).parent.glob("*.toml"))


def test_english_has_a_pattern_file() -> None:
    assert "en" in {file.stem for file in language_files()}


@pytest.mark.parametrize("file", language_files(), ids=lambda file: file.stem)
def test_a_pattern_file_is_well_formed(file: Path) -> None:
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    assert load_patterns(file.stem).language == file.stem
    for entry in [*table["query"], *table["text"], *table["title"]]:
        assert entry.keys() <= {"pattern", "relation", "by", "whole", "kind", "ends", "things", "alone"}, entry
        assert ("relation" in entry) != ("by" in entry), entry
        assert entry.get("by", "for") in table["by"], entry
        assert len(re.findall(r"\{tail(?:_verb)?\}", entry["pattern"])) == 1, entry
        assert set(re.findall(r"\{(\D\w*)\}", entry["pattern"])) <= {"tail", "tail_verb", "type"}, entry
        assert normalize(entry["pattern"]) == entry["pattern"].replace("(?P<", "(?p<"), entry  # as the texts are
    assert not any("{type}" in entry["pattern"] for entry in [*table["text"], *table["title"]])


@pytest.mark.parametrize("file", language_files(), ids=lambda file: file.stem)
def test_the_tables_of_a_pattern_file_are_complete(file: Path) -> None:
    table, english = (tomllib.loads(path.read_text(encoding="utf-8")) for path in (file, file.with_name("en.toml")))
    assert table.keys() == english.keys()
    assert table["by"].keys() == english["by"].keys()
    assert table["kinds"].keys() == english["kinds"].keys()
    assert all(words.split() for words in table["kinds"].values())
    assert all(
        words == normalize(words).strip() for words in (" ".join(one.split()) for one in table["kinds"].values())
    )


@given(st.text(max_size=80))
def test_any_text_yields_short_tails_of_its_own_words(text: str) -> None:
    words = set(tokenize(text))
    for phrase in [*ENGLISH.in_text(text), *ENGLISH.in_query(normalize(text))]:
        tail = tokenize(phrase.tail)
        assert 0 < len(tail) <= LONGEST_TAIL
        assert set(tail) <= words


@given(st.lists(st.sampled_from("ideal for perfect to keep your dog and the kids , . in with as a use nurses".split())))
def test_any_order_of_telling_words_yields_short_tails(words: list[str]) -> None:
    for phrase in ENGLISH.in_text(" ".join(words)):
        assert 0 < len(tokenize(phrase.tail)) <= LONGEST_TAIL


def test_a_language_without_patterns_says_what_to_add() -> None:
    with pytest.raises(
        ConfigError, match=r"no surface patterns for language 'xx'; there are for en\. Add knowledge/proposing/patt"
    ):
        load_patterns("xx")
