"""One way to clean, normalize, tokenize and compare."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whybuy.text import canonical, clean, lemma, lemmas, ngrams, normalize, tokenize

PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<>&"), max_size=40)


@pytest.mark.parametrize(
    ("dirty", "clean_text"),
    [
        ("<p>Soft <b>knit</b> upper</p>", "Soft knit upper"),
        ("<script>alert('x')</script>Boots<style>p {}</style>", "Boots"),
        ("Salt &amp; pepper &amp;amp; more", "Salt & pepper & more"),
        ("a < b and b > c", "a < b and b > c"),
        ("size <5 in>", "size <5 in>"),
        ("nurseâ€™s shoe", "nurse’s shoe"),
        ("CafÃ© â€“ crÃ¨me", "Café – crème"),
        ("CafÃƒÂ©", "Café"),
        ("Café crème", "Café crème"),
        ("one\r\ntwo\tthree\x00four", "one two three four"),
        ("zero\u200bwidth \ufeffmark", "zero width mark"),
        ("e\u0301", "é"),
        ("  much   space  ", "much space"),
        ("", ""),
    ],
)
def test_clean_takes_away_what_feeds_add(dirty: str, clean_text: str) -> None:
    assert clean(dirty) == clean_text


@given(PLAIN)
@example("\x80Â¡")
def test_cleaning_plain_text_twice_changes_nothing(text: str) -> None:
    once = clean(text)
    assert clean(once) == once


@given(st.text(max_size=60))
def test_clean_text_has_one_line_and_no_control_characters(text: str) -> None:
    cleaned = clean(text)
    assert cleaned == cleaned.strip()
    assert not any(character < " " or "\x7f" <= character < "\xa0" for character in cleaned)


@given(
    st.text(st.characters(max_codepoint=0x4FF, exclude_categories=["Cs", "Cc"], exclude_characters="<>&"), max_size=30)
)
def test_text_that_was_decoded_wrongly_is_repaired(text: str) -> None:
    text = clean(text)
    assert clean(text.encode().decode("latin-1")) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Pregnant  WOMEN ", "pregnant women"),
        ("nurse’s — shoe", "nurse's - shoe"),
        ("ﬁtness", "fitness"),
        ("Straße", "strasse"),
    ],
)
def test_normalize_makes_equal_what_reads_alike(text: str, expected: str) -> None:
    assert normalize(text) == expected


@given(st.text(max_size=40))
def test_normalizing_ascii_twice_changes_nothing(text: str) -> None:
    ascii_text = text.encode("ascii", "ignore").decode()
    once = normalize(ascii_text)
    assert normalize(once) == once


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_ascii_is_normalized_like_all_else(text: str) -> None:
    assert normalize(f"{text} é") == f"{normalize(text)} é".lstrip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Slip-resistant shoe, size 7.5", ["slip", "resistant", "shoe", "size", "7.5"]),
        ("women's & mens' boots", ["women", "mens", "boots"]),
        ("don't stop", ["don't", "stop"]),
        ("snake_case", ["snake", "case"]),
        ("... !!!", []),
    ],
)
def test_tokenize(text: str, words: list[str]) -> None:
    assert tokenize(text) == words


@given(st.text(max_size=60))
def test_words_hold_neither_space_nor_capitals(text: str) -> None:
    for word in tokenize(text):
        assert word
        assert not any(character.isspace() for character in word)
        assert normalize(word) == normalize(normalize(word))


@pytest.mark.parametrize(
    "wordings",
    [
        ("walking the dog", "walk the dogs", "Walks my DOG"),
        ("pregnant women", "a pregnant woman"),
        ("removal of stains", "stain removal"),
        ("children's rooms", "the child room"),
    ],
)
def test_wordings_that_mean_the_same_meet(wordings: tuple[str, ...]) -> None:
    assert len({canonical(wording) for wording in wordings}) == 1


def test_wordings_that_differ_do_not_meet() -> None:
    keys = [canonical(tail) for tail in ("dry skin", "dry hair", "hair", "walk the dog", "walk the cat", "hot dog")]
    assert len(set(keys)) == len(keys)


def test_a_phrase_of_determiners_keeps_its_words() -> None:
    assert canonical("the my") == "the my"
    assert canonical("of") == "of"


@given(st.sampled_from(["walk", "dog", "women", "hiking boots", "stain removal"]), st.sampled_from(["the", "a", "my"]))
def test_canonical_drops_determiners_and_case(phrase: str, determiner: str) -> None:
    assert canonical(f"{determiner} {phrase}".upper()) == canonical(phrase)


def test_lemmas_leave_unknown_words_and_numbers() -> None:
    assert lemmas("Women wear 7.5 zorblax") == ("woman", "wear", "7.5", "zorblax")
    assert lemma("dogs") == "dog"


@given(st.lists(st.integers(), max_size=6), st.integers(1, 4))
def test_ngrams_are_all_runs_longest_first(items: list[int], longest: int) -> None:
    words = [str(item) for item in items]
    spans = list(ngrams(words, longest))
    expected = {(a, b) for a in range(len(words)) for b in range(a + 1, len(words) + 1) if b - a <= longest}
    assert set(spans) == expected
    assert len(spans) == len(expected)
    assert [end - start for start, end in spans] == sorted((end - start for start, end in spans), reverse=True)
