"""What was asked before moves what is suggested, and never what may be."""

from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggestions import BRANDS, THINGS, shop_lessons, shop_vocabulary, vocabulary_of
from whybuy.completion.completer import Completer, CompletionConfig
from whybuy.completion.session_ranker import LOWEST, Lessons, SessionConfig, SessionRanker
from whybuy.completion.teaching import lessons_from, teach_session
from whybuy.errors import ArtifactError
from whybuy.records import Fit

VOCABULARY = shop_vocabulary()
KEYS = VOCABULARY["key"].to_pylist()
CONFIG = SessionConfig(leaf_size=3, branching=2, trie_depth=1, threads=1)
WIDE = CompletionConfig(depth=1000, beam=1000)


@cache
def taught() -> SessionRanker:
    found = teach_session(VOCABULARY, shop_lessons(KEYS), CONFIG)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def ranker() -> SessionRanker:
    return taught()


@pytest.fixture(scope="module")
def completer(ranker: SessionRanker) -> Completer:
    return Completer.build(VOCABULARY, ranker)


def texts(completer: Completer, typed: str, *previous: str, limit: int = 10) -> list[str]:
    return [one.text for one in completer.complete(typed, previous=previous, limit=limit)]


@pytest.mark.parametrize("thing", THINGS)
def test_what_goes_with_the_session_comes_first(completer: Completer, thing: str) -> None:
    for previous in (thing, f"{THINGS[thing][0]} {thing}", thing.upper() + "!"):
        shown = texts(completer, "n", previous)
        assert set(shown[:3]) == {f"{brand} {thing}" for brand in BRANDS if brand[0] == "n"}
        assert sorted(shown) == sorted(texts(completer, "n"))
        assert texts(completer, "", previous, limit=6) != texts(completer, "", limit=6)


def test_a_session_that_says_nothing_changes_nothing(completer: Completer) -> None:
    assert texts(completer, "n", "zzz qqq") == texts(completer, "n")
    assert texts(Completer.build(VOCABULARY), "n", "camera") == texts(completer, "n")
    assert all(one.likely is None for one in completer.complete("n"))


def test_a_query_counts_the_less_the_earlier_it_was(completer: Completer) -> None:
    assert texts(completer, "n", "camera", "tent")[0].endswith("camera")
    assert texts(completer, "n", "tent", "camera")[0].endswith("tent")
    assert texts(completer, "n", "zzz", "camera")[0].endswith("camera")
    assert texts(completer, "n", "zzz", "zzz", "zzz", "camera") == texts(completer, "n")


@given(
    st.sampled_from(["", "n", "ni", "nik", "c", "ca", "t", "x"]),
    st.lists(st.sampled_from([*THINGS, "family tent", "zzz"]), min_size=1, max_size=3),
)
def test_with_a_beam_without_bounds_the_order_is_that_of_all_that_begins_so(typed: str, previous: list[str]) -> None:
    ranker = taught()
    shown = texts(Completer.build(VOCABULARY, ranker, config=WIDE), typed, *previous, limit=len(KEYS))
    context = ranker.context(previous)
    scores = np.full(len(KEYS), 0.0)
    if context:
        found, logs = ranker.find(context, (0, len(KEYS)), beam=1000, limit=1000)
        scores[:] = LOWEST
        scores[found] = logs
    total = np.log(VOCABULARY["weight"].to_numpy()) + ranker.weight * scores
    matching = [row for row, key in enumerate(KEYS) if key.startswith(typed)]
    slow = [KEYS[row] for row in sorted(matching, key=lambda row: (-total[row], row))]
    assert [text for text in shown if text.startswith(typed)] == slow


def test_longer_prefixes_show_no_more_and_blocked_words_nothing(ranker: SessionRanker) -> None:
    completer = Completer.build(VOCABULARY, ranker, config=CompletionConfig(blocked=("nikon",)))
    for length in range(5):
        every = completer.complete("nike"[:length], previous=("camera",), limit=100)
        assert not any("nikon" in one.text for one in every)
        after = completer.complete("nike"[: length + 1], previous=("camera",), limit=100)
        assert {one.text for one in after if one.fit is Fit.PREFIX} <= {one.text for one in every}


def test_a_saved_ranker_answers_alike(completer: Completer, tmp_path: Path) -> None:
    completer.save(tmp_path)
    opened = Completer.open(tmp_path)
    for typed in ("", "n", "ca"):
        assert opened.complete(typed, previous=("tent",)) == completer.complete(typed, previous=("tent",))
    (tmp_path / "session" / "session.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"session holds no readable session ranker .* Run `whybuy build`"):
        Completer.open(tmp_path)


# ---------------------------------------------------------------- what it learns from
def test_the_weight_is_none_where_sessions_tell_nothing() -> None:
    lessons = shop_lessons(KEYS)
    order = np.random.default_rng(1).permutation(len(lessons.rows))
    shuffled = Lessons([lessons.previous[at] for at in order], lessons.rows)
    told = teach_session(VOCABULARY, shuffled, CONFIG)
    assert told is not None
    assert told.weight < taught().weight


def test_few_pairs_teach_nothing() -> None:
    assert teach_session(VOCABULARY, Lessons([("camera",)] * 10, np.zeros(10, np.int64)), CONFIG) is None


def test_lessons_are_pairs_whose_second_may_be_suggested_in_the_order_of_time() -> None:
    rows = [
        {"session": "s", "seconds": 30, "query": "Nike  Shoes", "previous_1": "shoes", "previous_2": "boots"},
        {"session": "s", "seconds": 10, "query": "boots", "previous_1": None},
        {"session": "t", "seconds": 20, "query": "nikon camera", "previous_1": "camera"},
        {"session": "t", "seconds": 40, "query": "nobody asks this", "previous_1": "nikon camera"},
    ]
    names = ["session", "seconds", "query", "previous_1", "previous_2", "previous_3"]
    table = pa.table({name: [row.get(name) for row in rows] for name in names})
    lessons = lessons_from(table, KEYS)
    assert lessons.previous == [("camera",), ("shoes", "boots")]
    assert [KEYS[row] for row in lessons.rows] == ["nikon camera", "nike shoes"]


# ---------------------------------------------------------------- what else a completion says
def test_of_one_meaning_the_best_is_shown() -> None:
    asked = {"hiking boots": 5.0, "hiking boot": 4.0, "boots hiking": 3.0, "hiking socks": 2.0}
    completer = Completer.build(vocabulary_of(asked))
    shown = [one.text for one in completer.complete("hik", distinct=True)]
    assert shown == ["hiking boots", "hiking socks"]
    assert [one.text for one in completer.complete("hik")] == [
        "hiking boots",
        "hiking boot",
        "hiking socks",
        "boots hiking",
    ]
    assert [one.text for one in completer.complete("boots h", distinct=True)] == ["boots hiking"]


def test_a_completion_tells_its_need_and_where_it_leads() -> None:
    completer = Completer.build(vocabulary_of({"shoes for nurses": 2.0, "lamp": 1.0}, {"shoes for nurses": "nurses"}))
    (shoes, lamp) = (completer.complete(typed)[0] for typed in ("sh", "la"))
    assert shoes.need is not None
    assert (shoes.need.tail, shoes.category) == ("nurses", "Shoes")
    assert (lamp.need, lamp.category) == (None, "")
