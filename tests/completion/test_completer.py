"""What a prefix is completed by: against looking at every query, and as a shopper sees it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggestions import vocabulary_of
from whybuy.completion.completer import Completer, CompletionConfig
from whybuy.completion.folding import fold, fold_prefix
from whybuy.errors import ArtifactError
from whybuy.records import Completion, Fit

ASKED = {
    "digital camera": 9.0,
    "nikon camera": 8.0,
    "nike shoes": 7.0,
    "camera bag": 6.0,
    "camper stove": 5.0,
    "crème brûlée torch": 4.0,
    "straße karte": 3.5,
    "デジタル カメラ": 3.0,
    "حذاء رياضي": 2.5,
    "🧦 socks": 2.0,
    "nice": 1.0,
}


def completer_of(asked: dict[str, float], *blocked: str) -> Completer:
    return Completer.build(vocabulary_of(asked), config=CompletionConfig(blocked=blocked))


@pytest.fixture(scope="module")
def completer() -> Completer:
    return completer_of(ASKED)


def texts(found: list[Completion], fit: Fit | None = None) -> list[str]:
    return [one.text for one in found if fit in (None, one.fit)]


# ---------------------------------------------------------------- begins with it
def test_what_begins_with_the_prefix_comes_first_and_the_most_asked_of_it_before(completer: Completer) -> None:
    assert texts(completer.complete("n")) == ["nikon camera", "nike shoes", "nice"]
    assert texts(completer.complete("n", limit=2)) == ["nikon camera", "nike shoes"]
    assert completer.complete("n", limit=0) == []


def test_nothing_typed_is_completed_by_what_is_asked_most(completer: Completer) -> None:
    assert texts(completer.complete("  ", limit=3)) == ["digital camera", "nikon camera", "nike shoes"]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("CAMERA-", "camera bag"),
        ("creme br", "crème brûlée torch"),
        ("Crème  brû", "crème brûlée torch"),
        ("strasse", "straße karte"),
        ("STRAẞE", "straße karte"),
        ("デジ", "デジタル カメラ"),
        ("حذ", "حذاء رياضي"),
        ("🧦", "🧦 socks"),
        ("<b>nike", "nike shoes"),
    ],
)
def test_case_accents_and_punctuation_do_not_matter(completer: Completer, typed: str, first: str) -> None:
    (found, *_) = completer.complete(typed)
    assert (found.text, found.fit) == (first, Fit.PREFIX)


def test_a_space_says_that_the_last_word_is_whole() -> None:
    completer = completer_of({"red": 3.0, "red shoes": 2.0, "redwood": 9.0, "hat red": 1.0})
    assert texts(completer.complete("red")) == ["redwood", "red", "red shoes", "hat red"]
    assert texts(completer.complete("red ")) == ["red shoes"]


words = st.text(alphabet="ab é", min_size=1, max_size=7)


@given(st.dictionaries(words, st.integers(1, 5), max_size=25), words)
def test_the_prefix_stage_is_looking_at_every_query(asked: dict[str, int], typed: str) -> None:
    by_key = {fold(text): (text, weight) for text, weight in asked.items() if fold(text)}
    completer = completer_of({text: float(weight) for text, weight in by_key.values()})
    prefix = fold_prefix(typed)
    meant = [key for key in sorted(by_key) if key.startswith(prefix)]
    best = sorted(meant, key=lambda key: -by_key[key][1])
    assert texts(completer.complete(typed, limit=30), Fit.PREFIX) == [by_key[key][0] for key in best]
    longer = texts(completer.complete(f"{typed}a", limit=30), Fit.PREFIX)
    assert set(longer) <= set(texts(completer.complete(typed, limit=30), Fit.PREFIX))


# ---------------------------------------------------------------- nearly, by its words, shortened
@pytest.mark.parametrize(
    ("typed", "fit", "first"),
    [
        ("dgital", Fit.TYPO, "digital camera"),
        ("dijital", Fit.TYPO, "digital camera"),
        ("diggital", Fit.TYPO, "digital camera"),
        ("idgital", Fit.SHORTER, None),
        ("digtial", Fit.TYPO, "digital camera"),
        ("nkie", Fit.TYPO, "nike shoes"),
        ("camera dig", Fit.WORDS, "digital camera"),
        ("camera ni", Fit.WORDS, "nikon camera"),
        ("stove", Fit.WORDS, "camper stove"),
        ("nikon lens", Fit.SHORTER, "nikon camera"),
    ],
)
def test_what_does_not_begin_so_says_how_it_fits(completer: Completer, typed: str, fit: Fit, first: str | None) -> None:
    found = completer.complete(typed)
    assert texts(found)[:1] == ([first] if first else [])
    assert {one.fit for one in found} <= {fit}


def test_what_has_the_words_comes_before_what_is_mistyped_and_after_what_begins_so(completer: Completer) -> None:
    fits = [one.fit for one in completer.complete("camer")]
    assert fits == sorted(fits, key=list(Fit).index)
    assert texts(completer.complete("came"), Fit.PREFIX) == ["camera bag"]
    assert texts(completer.complete("came"), Fit.WORDS) == ["digital camera", "nikon camera"]


def test_mistakes_are_thought_of_only_where_little_fits_without_one(completer: Completer) -> None:
    assert texts(completer.complete("came"), Fit.TYPO) == ["camper stove"]  # beside three
    many = ASKED | {f"camera {word}": 1.0 for word in ("strap", "lens", "tripod", "film")}
    assert texts(completer_of(many).complete("came"), Fit.TYPO) == []


@pytest.mark.parametrize("typed", ["zzz", "🧦🧦🧦" * 4000, "猫", "\ud800", "x" * 10_000])
def test_what_begins_like_nothing_is_completed_by_nothing_or_by_what_its_first_letters_say(
    completer: Completer, typed: str
) -> None:
    assert all(one.fit is Fit.SHORTER for one in completer.complete(typed))


@given(st.text(max_size=30))
def test_any_text_is_answered(typed: str) -> None:
    completer = completer_of(ASKED)
    for one in completer.complete(typed):
        assert one.fit is not Fit.PREFIX or fold(one.text).startswith(fold_prefix(typed))
        assert all(0 <= low < high <= len(one.text) for low, high in one.typed)


def test_what_was_typed_is_told_by_its_letters(completer: Completer) -> None:
    def marked(typed: str) -> list[str]:
        (one, *_) = completer.complete(typed)
        return [one.text[low:high] for low, high in one.typed]

    assert marked("nik") == ["nik"]
    assert marked("creme bru") == ["crème brû"]
    assert marked("strass") == ["straß"]
    assert marked("camera digi") == ["digi", "camera"]
    assert marked("dgital") == []


# ---------------------------------------------------------------- blocked
def test_what_is_blocked_is_never_shown_and_leaves_no_gap() -> None:
    completer = completer_of(ASKED, "Camera", "nike shoes", "")
    assert texts(completer.complete("n", limit=2)) == ["nice"]
    assert texts(completer.complete("", limit=2)) == ["camper stove", "crème brûlée torch"]
    assert not any(
        "camera" in one.text for typed in ("dig", "camera", "camra", "bag") for one in completer.complete(typed)
    )


def test_a_blocked_word_does_not_block_longer_ones() -> None:
    completer = completer_of({"camper stove": 1.0, "camp stove": 2.0}, "camp")
    assert texts(completer.complete("camp")) == ["camper stove"]


# ---------------------------------------------------------------- files
def test_a_saved_completer_answers_alike(completer: Completer, tmp_path: Path) -> None:
    completer.save(tmp_path)
    opened = Completer.open(tmp_path)
    assert len(opened) == len(ASKED)
    for typed in ("", "n", "came", "dgital", "straß"):
        assert opened.complete(typed) == completer.complete(typed)


def test_nothing_to_suggest_is_fine(tmp_path: Path) -> None:
    completer_of({}).save(tmp_path)
    assert [Completer.open(tmp_path).complete(typed) for typed in ("", "a", "abcdef")] == [[], [], []]


def test_a_damaged_folder_says_what_to_do(completer: Completer, tmp_path: Path) -> None:
    completer.save(tmp_path)
    (tmp_path / "texts.parquet").write_bytes(b"no parquet")
    with pytest.raises(ArtifactError, match=r"holds no readable completions .* Run `whybuy build`"):
        Completer.open(tmp_path)
