"""Signals bring back what earlier searches of the same words led to, best first, and nothing for other words."""

import json
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from tree_shop import PRODUCTS, ROW, TreeShop
from whybuy.errors import ArtifactError
from whybuy.retrieval.finder import Finder, FinderConfig
from whybuy.retrieval.query import AnalyzedQuery
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.signals import SignalIndex
from whybuy.text import bag_of_words, tokenize

QUERIES = ["warm bag", "Bag, warm", "dog leash", "kicks"]
LED_TO = [{"sleeping-0": 2.0, "sleeping-1": 5.0}, {"sleeping-0": 4.0}, {"dog-3": 1.0}, {"slip-on-0": 1.0, "dog-0": 1.0}]
TEXTS = st.lists(st.sampled_from("warm bag dog".split()), min_size=1, max_size=3, unique=True).map(" ".join)
LOG = st.dictionaries(
    TEXTS, st.dictionaries(st.integers(0, 5), st.sampled_from([0.5, 1.0, 3.0]), min_size=1), min_size=1
)


def index_of(queries: list[str], led_to: list[dict[str, float]]) -> SignalIndex:
    entries = [(place, ROW[one], weight) for place, row in enumerate(led_to) for one, weight in row.items()]
    places, rows, weights = zip(*entries, strict=True)
    shape = (len(queries), len(PRODUCTS))
    return SignalIndex.build(queries, csr_matrix((np.array(weights, np.float32), (places, rows)), shape=shape))


@pytest.fixture(scope="module")
def signals() -> SignalIndex:
    return index_of(QUERIES, LED_TO)


@pytest.fixture(scope="module")
def folder(signals: SignalIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "signals"
    signals.save(path)
    return path


def asked(signals: SignalIndex, shop: TreeShop, text: str, depth: int = 60) -> dict[str, float]:
    return named(signals.rank(AnalyzedQuery(text, (), shop.indexes.lexical, None), depth))


def named(ranked: Ranked) -> dict[str, float]:
    return {
        PRODUCTS[row].product_id: score for row, score in zip(ranked.rows.tolist(), ranked.scores.tolist(), strict=True)
    }


# ---------------------------------------------------------------- what is found
def test_searches_of_the_same_words_are_added_up(signals: SignalIndex, shop: TreeShop) -> None:
    assert len(signals) == 3
    for text in ("warm bag", "bag warm", "BAG  warm!"):
        assert list(asked(signals, shop, text).items()) == [("sleeping-0", 6), ("sleeping-1", 5)]


@given(log=LOG, text=TEXTS, depth=st.integers(0, 7))
def test_what_is_found_is_what_plain_python_adds_up(
    shop: TreeShop, log: dict[str, dict[int, float]], text: str, depth: int
) -> None:
    sums: defaultdict[int, float] = defaultdict(float)
    for query, rows in log.items():
        if bag_of_words(query) == bag_of_words(text):
            for row, weight in rows.items():
                sums[row] += weight
    best = sorted(sums, key=lambda row: (-sums[row], row))[:depth]
    signals = index_of(
        list(log), [{PRODUCTS[row].product_id: one for row, one in rows.items()} for rows in log.values()]
    )
    assert list(asked(signals, shop, text, depth).items()) == [(PRODUCTS[row].product_id, sums[row]) for row in best]


def test_of_equals_the_first_of_the_catalog_comes_first(signals: SignalIndex, shop: TreeShop) -> None:
    assert list(asked(signals, shop, "kicks")) == sorted(("slip-on-0", "dog-0"), key=ROW.__getitem__)


@pytest.mark.parametrize("text", ["warm", "dog", "warm sleeping bag", "zzyx"])
def test_other_words_find_nothing(signals: SignalIndex, shop: TreeShop, text: str) -> None:
    assert asked(signals, shop, text) == {}


def test_a_misspelled_query_is_that_of_its_corrected_words(signals: SignalIndex, shop: TreeShop) -> None:
    assert shop.indexes.lexical.analyze("dog lesh").corrected == ["dog", "leash"]
    assert list(asked(signals, shop, "lesh dog")) == ["dog-3"]


def test_what_shoppers_write_comes_before_its_correction(shop: TreeShop) -> None:
    signals = index_of(["dog lesh", "dog leash"], [{"dog-1": 1.0}, {"dog-3": 9.0}])
    assert list(asked(signals, shop, "dog lesh")) == ["dog-1"]


@pytest.mark.parametrize("text", ["", " ", "?!", "\x00"])
def test_a_query_without_a_word_finds_nothing(shop: TreeShop, text: str) -> None:
    assert not tokenize(text)
    assert asked(index_of(["?!", "kicks"], [{"dog-1": 1.0}, {"dog-2": 1.0}]), shop, text) == {}


def test_a_log_without_searches_finds_nothing(shop: TreeShop) -> None:
    signals = SignalIndex.build([], csr_matrix((0, len(PRODUCTS)), dtype=np.float32))
    assert len(signals) == 0
    assert asked(signals, shop, "kicks") == {}


# ---------------------------------------------------------------- beside the other rankers
def test_a_query_that_neither_words_nor_intents_answer_is_answered_by_its_signals(shop: TreeShop) -> None:
    finder = Finder(shop.trained, len(PRODUCTS), FinderConfig())
    assert shop.trained.tree
    signals = index_of(["kicks"], [{"floor-7": 1.0}])  # the tree has learned of shoes
    found = finder.over(shop.trained.tree, signals=signals).find("kicks", ())
    assert named(found.ranked).keys() == {"floor-7"}
    assert finder.find("kicks", ()).ranked.rows.tolist() != found.ranked.rows.tolist()


# ---------------------------------------------------------------- on disk
@given(text=TEXTS)
def test_saved_and_opened_it_answers_the_same(signals: SignalIndex, shop: TreeShop, folder: Path, text: str) -> None:
    opened = SignalIndex.open(folder)
    assert len(opened) == len(signals)
    assert list(asked(opened, shop, text).items()) == list(asked(signals, shop, text).items())


def test_an_empty_index_can_be_saved(shop: TreeShop, tmp_path: Path) -> None:
    SignalIndex.build([], csr_matrix((0, len(PRODUCTS)), dtype=np.float32)).save(tmp_path)
    assert asked(SignalIndex.open(tmp_path), shop, "kicks") == {}


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: (folder / "signals.json").unlink(), r"holds no readable signals .*signals\.json"),
    (lambda folder: (folder / "signals.json").write_text("{}"), r"holds no readable signals"),
    (lambda folder: (folder / "bags.npy").unlink(), r"bags\.npy"),
    (lambda folder: (folder / "scores.npy").write_bytes(b""), r"holds no readable signals"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES, ids=["no manifest", "empty manifest", "no array", "no bytes"])
def test_damage_is_named(folder: Path, tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "signals")
    damage(copy)
    with pytest.raises(ArtifactError, match=message):
        SignalIndex.open(copy)


def test_another_format_is_named(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "signals")
    about = json.loads((copy / "signals.json").read_text())
    (copy / "signals.json").write_text(json.dumps(about | {"format_version": 99}))
    with pytest.raises(ArtifactError, match="format 99"):
        SignalIndex.open(copy)
