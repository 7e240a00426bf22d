"""What too few asked as a whole is composed of a head and a suffix."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggestions import vocabulary_of
from whybuy.completion.completer import Completer, CompletionConfig
from whybuy.completion.folding import fold
from whybuy.completion.query_log import LINK_SCHEMA, PART_SCHEMA, QueryLog, read_query_log
from whybuy.completion.suffix_building import build_suffixes
from whybuy.completion.suffixes import SMOOTHING, Suffixes, gather, likeliest
from whybuy.completion.vocabulary import ShopLookups, VocabularyConfig
from whybuy.errors import ArtifactError
from whybuy.records import QUERIES, QUERY_SCHEMA, Completion, CompletionSource, Fit, Intent
from whybuy.relations import Relation

NOON = datetime(2026, 1, 1, 12)
HEADS = {"duvet": 9, "duvet covers": 6, "toy train": 4, "crème": 3, "for": 9}
SUFFIXES = {
    "covers": 5,
    "on sale": 20,
    "for sensitive skin": 8,
    "for use with train tracks": 4,
    "for a dorm room": 12,
    "sensitive skin": 8,
    "sale": 20,
}
LINKS = {
    ("duvet", "for a dorm room"): 5,
    ("duvet", "covers"): 5,
    ("covers", "on sale"): 9,
    ("covers", "for a dorm room"): 3,
    ("covers", "for sensitive skin"): 3,
    ("covers", "covers"): 3,
    ("train", "for use with train tracks"): 4,
    ("table", "on sale"): 4,
    ("crème", "covers"): 3,
    ("for", "sensitive skin"): 8,
    ("for ", "sensitive skin"): 8,
    ("duvet", "sensitive skin"): 3,
    ("duvet", "sale"): 3,
    ("covers ", "on sale"): 9,
    ("table ", "on sale"): 4,
    ("table ", "for a dorm room"): 4,
}


def log_of(heads: pa.Table, suffixes: pa.Table, links: pa.Table) -> QueryLog:
    return replace(QueryLog.empty(), heads=heads, suffixes=suffixes, links=links)


def suffixes_of() -> Suffixes:
    def part(texts: dict[str, int]) -> pa.Table:
        rows = [{"text": text, "shoppers": shoppers} for text, shoppers in texts.items()]
        return pa.Table.from_pylist(rows, PART_SCHEMA)

    links = [{"word": word, "suffix": suffix, "shoppers": shoppers} for (word, suffix), shoppers in LINKS.items()]
    skin = Intent(Relation.USED_IN_BODY, "sensitive skin", 0.75, "sensitive skin")
    log = log_of(part(HEADS), part(SUFFIXES), pa.Table.from_pylist(links, LINK_SCHEMA))
    return build_suffixes(
        log,
        language="en",
        intent=lambda text: skin if "skin" in text else None,
    )


def completed(typed: str, *blocked: str, distinct: bool = False) -> list[Completion]:
    vocabulary = vocabulary_of({"Duvet covers": 3.0, "Café table": 2.0, "duvet covers for dorm rooms": 1.0})
    completer = Completer.build(vocabulary, suffixes=suffixes_of(), config=CompletionConfig(blocked=blocked))
    return completer.complete(typed, distinct=distinct)


def composed(typed: str, *blocked: str, distinct: bool = False) -> list[str]:
    found = completed(typed, *blocked, distinct=distinct)
    return [one.text for one in found if one.source is CompletionSource.COMPOSED]


def test_a_suffix_of_others_completes_a_head_after_what_was_asked() -> None:
    found = completed("duvet covers ")
    assert [one.text for one in found][:2] == ["duvet covers for dorm rooms", "duvet covers for a dorm room"]
    assert [one.source for one in found][:2] == [CompletionSource.QUERY_LOG, CompletionSource.COMPOSED]
    assert all((one.fit is Fit.PREFIX and one.typed == ((0, 13 - 1),)) or one.typed == ((0, 13),) for one in found)
    assert all(0 < one.score <= 1 for one in found if one.source is CompletionSource.COMPOSED)


def test_suffixes_that_go_with_the_words_of_the_head_come_first() -> None:
    assert composed("toy train f")[0] == "toy train for use with train tracks"
    assert composed("duvet f")[0] == "duvet for a dorm room"
    assert composed("duvet covers o") == ["duvet covers on sale"]


def test_suffixes_that_go_with_many_heads_go_with_any_behind_what_is_linked() -> None:
    found = {one.text: one.score for one in completed("toy train ") if one.source is CompletionSource.COMPOSED}
    assert list(found) == ["toy train for use with train tracks", "toy train on sale"]
    assert found["toy train on sale"] < found["toy train for use with train tracks"]
    assert composed("toy train for a") == []  # stands behind one word alone


def test_a_query_that_is_asked_is_a_head_and_keeps_its_spelling() -> None:
    assert composed("cafe table on") == ["Café table on sale"]
    assert composed("creme c") == ["crème covers"]


def test_the_last_words_make_a_head_known() -> None:
    assert composed("purple llama duvet covers o") == ["purple llama duvet covers on sale"]
    assert composed("grün café table o") == ["grun Café table on sale"]


def test_behind_a_joining_word_stands_what_has_followed_it() -> None:
    assert composed("duvet for s") == ["duvet for sensitive skin"]  # and not "for sale"


def test_a_suffix_does_not_begin_with_a_word_that_is_there() -> None:
    assert composed("duvet covers c") == []


def test_what_nobody_began_with_has_no_suffix() -> None:
    assert composed("purple llama o") == []
    assert composed("duvet") == []
    assert composed("duvet covers zzz") == []
    assert composed("") == []


def test_blocked_words_are_blocked_across_the_gap_too() -> None:
    assert composed("duvet covers o", "covers on") == []
    assert composed("duvet covers o", "sale") == []
    assert composed("duvet covers o", "duvet on") == ["duvet covers on sale"]


def test_a_composed_one_tells_its_intent() -> None:
    (one,) = (one for one in completed("duvet covers for s") if one.source is CompletionSource.COMPOSED)
    assert one.intent is not None
    assert (one.text, one.intent.tail) == ("duvet covers for sensitive skin", "sensitive skin")


def test_what_was_composed_is_asked_once_enough_ask_it() -> None:
    completer = Completer.build(vocabulary_of({"duvet covers": 3.0}), suffixes=suffixes_of())
    assert [one.source for one in completer.complete("duvet covers o")] == [CompletionSource.COMPOSED]
    completer.refresh(vocabulary_of({"duvet covers on sale": 4.0}))
    (one,) = completer.complete("duvet covers o", distinct=True)
    assert (one.text, one.source, one.score) == ("duvet covers on sale", CompletionSource.QUERY_LOG, 4.0)


def test_of_one_word_key_what_was_asked_is_shown() -> None:
    vocabulary = vocabulary_of({"duvet covers a dorm room for": 3.0, "toy train": 1.0})
    completer = Completer.build(vocabulary, suffixes=suffixes_of())
    shown = [one.text for one in completer.complete("duvet covers ", distinct=True)]
    assert "duvet covers for a dorm room" not in shown
    assert "duvet covers for a dorm room" in [one.text for one in completer.complete("duvet covers ")]


@given(st.text(alphabet="duvetcorsiangm ", max_size=24), st.booleans())
def test_whatever_is_typed_a_composed_one_begins_with_it_and_is_shown_once(typed: str, distinct: bool) -> None:
    found = completed(typed, distinct=distinct)
    assert len({fold(one.text) for one in found}) == len(found)
    for one in found:
        if one.source is CompletionSource.COMPOSED:
            assert fold(one.text).startswith(fold(typed))
            head, suffix = next(
                (fold(one.text)[:at], fold(one.text)[at + 1 :])
                for at, letter in enumerate(fold(one.text))
                if letter == " " and fold(one.text)[at + 1 :] in SUFFIXES
            )
            assert head in {*map(fold, HEADS), "duvet covers", "cafe table", "duvet covers for dorm rooms"}
            assert suffix in SUFFIXES


@given(
    st.lists(st.dictionaries(st.integers(0, 30), st.floats(0, 5, width=32), max_size=12), max_size=5),
    st.integers(0, 2),
    st.integers(0, 31),
    st.integers(0, 31),
)
def test_gathering_is_adding_up(lists: list[dict[int, float]], required: int, low: int, high: int) -> None:
    required = min(required, len(lists))
    rows = np.array([row for one in lists for row in sorted(one)], np.int32)
    gains = np.array([one[row] for one in lists for row in sorted(one)], np.float32)
    ends = np.cumsum([0, *map(len, lists)])
    bounds = np.column_stack([ends[:-1], ends[1:]]).astype(np.int64).reshape(-1, 2)
    found, sums = gather(rows, gains, bounds, required, (low, high))
    every = sorted({row for row in rows.tolist() if low <= row < high})
    kept = [row for row in every if all(row in one for one in lists[len(lists) - required :])]
    assert found.tolist() == kept
    np.testing.assert_allclose(sums, [sum(one.get(row, 0.0) for one in lists) for row in kept], rtol=1e-5)


@given(st.lists(st.floats(-40, 40, width=32), max_size=30), st.integers(0, 12))
def test_the_likeliest_are_those_that_sorting_finds(logarithms: list[float], limit: int) -> None:
    totals = np.array(logarithms, np.float32)
    best, shares = likeliest(totals, limit)
    chances = np.exp(totals.astype(np.float64))
    assert best.tolist() == sorted(range(len(totals)), key=lambda at: (-totals[at], at))[:limit]
    np.testing.assert_allclose(shares, chances[best] / max(chances.sum(), 1e-30), rtol=1e-3, atol=1e-9)


def test_a_suffix_is_as_likely_as_its_shoppers_and_each_word_make_it() -> None:
    suffixes = {"mat": 20, "hose": 5}
    links = {("yoga", "mat"): 12, ("red", "mat"): 3, ("red", "hose"): 4, ("big", "hose"): 30}
    rows = [{"word": word, "suffix": suffix, "shoppers": many} for (word, suffix), many in links.items()]
    heads, tails = (
        pa.Table.from_pylist([{"text": text, "shoppers": many} for text, many in part.items()], PART_SCHEMA)
        for part in ({"red yoga": 3}, suffixes)
    )
    built = build_suffixes(log_of(heads, tails, pa.Table.from_pylist(rows, LINK_SCHEMA)), language="en")
    shares_of_words = {
        word: sum(many for (one, _), many in links.items() if one == word) / 25 for word in ("red", "yoga")
    }

    def likely(suffix: str) -> float:
        gains = [1 + links.get((word, suffix), 0) / (SMOOTHING * shares_of_words[word]) for word in ("red", "yoga")]
        return suffixes[suffix] * float(np.prod(gains)) / (suffixes[suffix] / SMOOTHING + 1) ** 2

    shares = {one.text: one.share for one in built.complete("red yoga ", 9, spelled=lambda text: None)}
    every = likely("mat") + likely("hose")
    assert shares == pytest.approx({"red yoga mat": likely("mat") / every, "red yoga hose": likely("hose") / every})


def test_a_suffix_without_letters_is_one_too() -> None:
    salt, sign = (pa.Table.from_pylist([{"text": text, "shoppers": 3}], PART_SCHEMA) for text in ("salt", "&"))
    links = pa.Table.from_pylist([{"word": "salt", "suffix": "&", "shoppers": 3}], LINK_SCHEMA)
    (one,) = build_suffixes(log_of(salt, sign, links), language="en").complete("salt ", 9, spelled=lambda text: None)
    assert (one.text, one.word_key) == ("salt &", "salt")


def test_nothing_is_composed_of_misspelled_words() -> None:
    spelled = {"swjm": "swim", "inch": "in", "trellises": "trellis"}
    right = ShopLookups(lambda text: True, lambda text: spelled.get(text, text)).spelling_check("en")
    assert [right(word) for word in ("swjm", "swim", "inch", "trellises")] == [False, True, True, True]
    parts = pa.Table.from_pylist([{"text": text, "shoppers": 3} for text in ("swim", "swjm", "caps")], PART_SCHEMA)
    links = [{"word": word, "suffix": "caps", "shoppers": 3} for word in ("swim", "swjm")]
    suffixes = build_suffixes(
        log_of(parts, parts, pa.Table.from_pylist(links, LINK_SCHEMA)), language="en", is_right=right
    )
    assert [one.text for one in suffixes.complete("swim c", 10, spelled=lambda text: None)] == ["swim caps"]
    assert list(suffixes.complete("swjm c", 10, spelled=lambda text: None)) == []


# ---------------------------------------------------------------- counting
def log_from(folder: Path, queries: dict[str, int], least_shoppers: int = 3) -> QueryLog:
    """queries: how many shoppers asked each."""
    rows = [
        {"timestamp": NOON, "query_id": f"{query} {shopper}", "query": query,
         "client_id": f"c{shopper}", "session_id": f"{query} {shopper}", "hits": []}
        for query, shoppers in queries.items() for shopper in range(shoppers)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, QUERY_SCHEMA), folder / QUERIES.file)
    return read_query_log(folder, folder, VocabularyConfig(least_shoppers=least_shoppers), language="en")


def test_parts_are_counted_by_shoppers_and_rare_ones_are_not_told(tmp_path: Path) -> None:
    found = log_from(tmp_path, {"duvet covers on sale": 2, "lamps on sale": 4, "duvet covers": 3, "my name is x": 2})
    shoppers = {
        name: {row["text"]: row["shoppers"] for row in getattr(found, name).to_pylist()}
        for name in ("heads", "suffixes")
    }
    assert shoppers["heads"] == {"duvet": 3, "lamps": 4, "lamps on": 4}
    assert shoppers["suffixes"] == {"covers": 3, "on sale": 4, "sale": 4}
    links = {(row["word"], row["suffix"]): row["shoppers"] for row in found.links.to_pylist()}
    last = {("duvet ", "covers"): 3, ("lamps ", "on sale"): 4, ("on ", "sale"): 4}
    assert links == last | {("duvet", "covers"): 3, ("lamps", "on sale"): 4, ("lamps", "sale"): 4, ("on", "sale"): 4}


# ---------------------------------------------------------------- files
def test_saved_suffixes_compose_the_same(tmp_path: Path) -> None:
    vocabulary = vocabulary_of({"lamp": 1.0})
    completer = Completer.build(vocabulary, suffixes=suffixes_of())
    completer.save(tmp_path)
    opened = Completer.open(tmp_path)
    for typed in ("duvet ", "toy train f", "creme c", "duvet covers for s"):
        assert opened.complete(typed) == completer.complete(typed) != []
    (tmp_path / "suffixes" / "suffixes.parquet").unlink()
    with pytest.raises(ArtifactError, match=r"suffixes holds no readable suffixes .* Run `whybuy build`"):
        Completer.open(tmp_path)


def test_a_log_without_longer_queries_has_no_suffixes(tmp_path: Path) -> None:
    found = log_from(tmp_path, {"lamp": 5})
    suffixes = build_suffixes(found, language="en")
    assert len(suffixes) == 0
    assert list(suffixes.complete("lamp ", 10, spelled=lambda text: text)) == []
