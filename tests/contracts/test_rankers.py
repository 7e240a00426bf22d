"""What every ranker keeps to: one battery, every ranker."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whybuy.discovery import Discovery
from whybuy.records import Query
from whybuy.retrieval.rankers import RANKER_NAMES

WORDS = st.sampled_from("marlowe sage shoe boots tent camping winter pregnant women for zzyx sleping".split())
TEXTS = st.one_of(st.lists(WORDS, max_size=6).map(" ".join), st.text(max_size=30))
KNOWN = "shoes for pregnant women"

pytestmark = pytest.mark.parametrize("ranker", RANKER_NAMES)


@pytest.fixture(scope="module", params=["small_store", "judged_store"])
def store(request: pytest.FixtureRequest) -> Path:
    """A shop without and with a reranker."""
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def shop(store: Path) -> Discovery:
    return Discovery.open(store)


@given(text=TEXTS)
@settings(max_examples=40, deadline=None)
def test_scores_never_rise_and_products_come_once(shop: Discovery, ranker: str, text: str) -> None:
    hits = shop.search(Query(text, limit=1000, ranker=ranker)).hits
    assert all(left.score >= right.score for left, right in pairwise(hits))
    assert len({hit.product_id for hit in hits}) == len(hits)


@given(text=TEXTS, limit=st.integers(0, 70))
@settings(max_examples=40, deadline=None)
def test_fewer_are_the_first_of_more(shop: Discovery, ranker: str, text: str, limit: int) -> None:
    more = shop.rank(text, limit=10_000, ranker=ranker)
    assert shop.rank(text, limit=limit, ranker=ranker) == more[:limit]
    assert len(more) <= 60


@pytest.mark.parametrize("text", ["", " ", "\t\n", "--", "\x00"])
def test_a_query_without_a_word_finds_nothing(shop: Discovery, ranker: str, text: str) -> None:
    assert shop.rank(text, limit=10, ranker=ranker) == []


@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
@settings(max_examples=20, deadline=None)
def test_an_answer_does_not_depend_on_what_was_asked_before(shop: Discovery, ranker: str, texts: list[str]) -> None:
    before = shop.rank(KNOWN, limit=20, ranker=ranker)
    assert before
    for text in texts:
        shop.rank(text, limit=20, ranker=ranker)
    assert shop.rank(KNOWN, limit=20, ranker=ranker) == before


def test_a_copied_store_answers_alike(store: Path, shop: Discovery, ranker: str, tmp_path: Path) -> None:
    moved = Discovery.open(shutil.copytree(store, tmp_path / "moved"))
    for text in (KNOWN, "tent", "sleping bag", "winter camping"):
        asked = Query(text, ranker=ranker)
        assert moved.search(asked).hits == shop.search(asked).hits


def test_many_threads_get_the_same_answers(shop: Discovery, ranker: str) -> None:
    texts = [KNOWN, "tent", "sleping bag", "winter camping", "marlowe lamp"] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: shop.rank(text, limit=20, ranker=ranker), texts))
    assert found == [shop.rank(text, limit=20, ranker=ranker) for text in texts]
