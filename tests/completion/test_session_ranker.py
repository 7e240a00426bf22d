"""What was asked before moves what is suggested, and never what may be."""

from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggestions import BRANDS, THINGS, shop_follow_ups, shop_vocabulary, vocabulary_of
from whybuy.completion.completer import Completer, CompletionConfig
from whybuy.completion.limits import LOOKED_BACK
from whybuy.completion.session_ranker import MIN_LOG_SCORE, SessionRanker
from whybuy.completion.session_training import SessionConfig, contexts, session_training_set, train_session_ranker
from whybuy.errors import ArtifactError
from whybuy.records import Fit

VOCABULARY = shop_vocabulary()
KEYS = VOCABULARY["key"].to_pylist()
CONFIG = SessionConfig(leaf_size=3, branching=2, trie_depth=1, threads=1)
WIDE = CompletionConfig(depth=1000, beam=1000)


@cache
def trained() -> SessionRanker:
    found = train_session_ranker(VOCABULARY, shop_follow_ups(), CONFIG, half_life_days=90.0)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def ranker() -> SessionRanker:
    return trained()


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


def test_unknown_previous_queries_change_nothing(completer: Completer) -> None:
    assert texts(completer, "n", "zzz qqq") == texts(completer, "n")
    assert texts(Completer.build(VOCABULARY), "n", "camera") == texts(completer, "n")
    assert all(one.session_score is None for one in completer.complete("n"))


def test_a_query_counts_the_less_the_earlier_it_was(completer: Completer) -> None:
    assert texts(completer, "n", "camera", "tent")[0].endswith("camera")
    assert texts(completer, "n", "tent", "camera")[0].endswith("tent")
    assert texts(completer, "n", "zzz", "camera")[0].endswith("camera")
    assert texts(completer, "n", "zzz", "zzz", "zzz", "camera") == texts(completer, "n")


@given(st.lists(st.sampled_from([*THINGS, "family tent", "family", "zzz", ""]), min_size=1, max_size=4))
def test_the_queries_of_a_session_are_summed_as_in_training(previous: list[str]) -> None:
    ranker = trained()
    row = contexts(ranker._vectorizer, [tuple(previous[:LOOKED_BACK])], ranker._decay)
    columns, values = ranker.context(previous) or ([], [])
    assert row.indices.tolist() == list(columns)
    np.testing.assert_allclose(row.data, values, rtol=1e-5)


@given(
    st.sampled_from(["", "n", "ni", "nik", "c", "ca", "t", "x"]),
    st.lists(st.sampled_from([*THINGS, "family tent", "zzz"]), min_size=1, max_size=3),
)
def test_with_a_beam_without_bounds_the_order_is_that_of_all_that_begins_so(typed: str, previous: list[str]) -> None:
    ranker = trained()
    shown = texts(Completer.build(VOCABULARY, ranker, config=WIDE), typed, *previous, limit=len(KEYS))
    context = ranker.context(previous)
    scores = np.full(len(KEYS), 0.0)
    if context:
        found, logs = ranker.find(context, (0, len(KEYS)), beam=1000, limit=1000)
        scores[:] = MIN_LOG_SCORE
        scores[found] = logs
    total = np.log(VOCABULARY["weight"].to_numpy()) + ranker.weight(typed) * scores
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


def test_each_length_of_prefix_has_its_weight(ranker: SessionRanker) -> None:
    uneven = ranker.with_weights((1.0, 2.0, 0.0))
    assert [uneven.weight("n" * letters) for letters in (0, 1, 3, 4, 6, 7, 20)] == [1, 1, 1, 2, 2, 0, 0]
    assert all(
        one.session_score is None for one in Completer.build(VOCABULARY, uneven).complete("nikon c", previous=["tent"])
    )


# ---------------------------------------------------------------- what it learns from
def test_most_weights_are_zero_where_sessions_tell_nothing() -> None:
    follow_ups, weights = shop_follow_ups(), list[float]()
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(follow_ups.num_rows)
        shuffled = follow_ups.set_column(
            follow_ups.schema.get_field_index("previous_1"), "previous_1", follow_ups["previous_1"].take(order)
        )
        ranker = train_session_ranker(VOCABULARY, shuffled, CONFIG, half_life_days=90.0)
        assert ranker is not None
        weights += ranker.weights
    assert np.count_nonzero(weights) < len(weights) / 2, "what gains within chance is not believed"
    assert trained().weights[0] > 0


def test_few_pairs_train_nothing() -> None:
    few = shop_follow_ups(times=1)
    assert few.num_rows < CONFIG.least_pairs
    assert train_session_ranker(VOCABULARY, few, CONFIG, half_life_days=90.0) is None


def test_pairs_of_one_moment_train_nothing() -> None:
    follow_ups = shop_follow_ups()
    place = follow_ups.schema.get_field_index("seconds")
    at_once = follow_ups.set_column(place, "seconds", pa.array([5] * follow_ups.num_rows))
    assert train_session_ranker(VOCABULARY, at_once, CONFIG, half_life_days=90.0) is None


def test_how_often_something_is_asked_later_is_not_known_before() -> None:
    """A suggestion asked in the last fifth alone: its weight must not help to guess those very queries."""
    follow_ups = shop_follow_ups()
    late = follow_ups.num_rows * 9 // 10
    query = pa.array([*follow_ups["query"].to_pylist()[:late], *["nike tent"] * (follow_ups.num_rows - late)])
    place = follow_ups.schema.get_field_index("query")
    ranker = train_session_ranker(VOCABULARY, follow_ups.set_column(place, "query", query), CONFIG, half_life_days=90.0)
    assert ranker is not None
    assert ranker.weights[0] > 0


def test_a_score_of_some_suggestions_is_that_of_the_search(ranker: SessionRanker) -> None:
    context = ranker.context(["trail shoes"])
    assert context is not None
    rows, scores = ranker.find(context, (0, len(KEYS)), beam=1000, limit=1000)
    np.testing.assert_allclose(ranker.score(context, rows), scores, rtol=1e-4, atol=1e-4)


def test_words_in_any_order_and_mistyped_ones_follow_the_session_too(ranker: SessionRanker) -> None:
    completer = Completer.build(VOCABULARY, ranker.with_weights((2.0, 2.0, 2.0)))
    assert texts(completer, "shoes n", "running shoes")[0] in {"nike shoes", "norda shoes", "nikon shoes"}
    words = completer.complete("shoes n", previous=("camera",)) + completer.complete("nkon", previous=("camera",))
    assert {one.fit for one in words} == {Fit.WORDS, Fit.TYPO}
    assert all(one.session_score is not None for one in words)
    assert texts(completer, "nkon", "camera")[0] == "nikon camera"
    assert texts(completer, "nkon", "tent")[0] == "nikon tent"


def test_training_sets_are_pairs_whose_second_may_be_suggested_in_the_order_of_time() -> None:
    rows = [
        {"session": "s", "seconds": 10, "query": "boots", "previous_1": None},
        {"session": "t", "seconds": 20, "query": "nikon camera", "previous_1": "camera"},
        {"session": "s", "seconds": 30, "query": "Nike  Shoes", "previous_1": "shoes", "previous_2": "boots"},
        {"session": "t", "seconds": 40, "query": "nobody asks this", "previous_1": "nikon camera"},
    ]
    names = ["session", "seconds", "query", "previous_1", "previous_2", "previous_3"]
    table = pa.table({name: [row.get(name) for row in rows] for name in names})
    pairs = session_training_set(table, KEYS)
    assert pairs.previous == [("camera",), ("shoes", "boots")]
    assert [KEYS[row] for row in pairs.rows] == ["nikon camera", "nike shoes"]


# ---------------------------------------------------------------- what else a completion says
def test_of_one_word_key_the_best_is_shown() -> None:
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


def test_a_completion_tells_its_intent_and_where_it_leads() -> None:
    completer = Completer.build(vocabulary_of({"shoes for nurses": 2.0, "lamp": 1.0}, {"shoes for nurses": "nurses"}))
    (shoes, lamp) = (completer.complete(typed)[0] for typed in ("sh", "la"))
    assert shoes.intent is not None
    assert (shoes.intent.tail, shoes.category) == ("nurses", "Shoes")
    assert (lamp.intent, lamp.category) == (None, "")
