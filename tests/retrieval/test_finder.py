"""All rankers behind one question: nobody's place depends on how many are asked for."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tree_shop import KINDS, PRODUCTS, SEARCHES, TreeShop, judged, kinds_of
from whybuy.errors import InputError
from whybuy.retrieval import finder as finder_module
from whybuy.retrieval.finder import Finder, FinderConfig, SearchResult
from whybuy.retrieval.indexes import Indexes
from whybuy.retrieval.query import Vector
from whybuy.retrieval.rankers import RANKER_NAMES, RANKERS, WordRanker
from whybuy.retrieval.ranking.reranker import open_reranker
from whybuy.retrieval.signals import SignalIndex
from whybuy.vectors.ngrams import NgramVectorizer

WORDS = st.sampled_from("Marlowe tarn navy shoe boot tent camping pregnant women for zzyx kicks walkies lamp".split())
TEXTS = st.lists(WORDS, max_size=4).map(" ".join)
DEPTH = 7  # fewer than many queries find


@pytest.fixture(scope="module")
def steps(shop: TreeShop, reranker_folder: Path) -> dict[str, Indexes]:
    """A shop with words and intents alone, with its tree, with what its searches led to, and with its reranker."""
    trained, searches = shop.trained, shop.trainer.searches
    return {
        "plain": shop.indexes,
        "tree": trained,
        "signals": replace(trained, signals=SignalIndex.build(searches.texts, searches.products)),
        "reranker": replace(trained, reranker=open_reranker(reranker_folder)),
    }


def find(shop: TreeShop, finder: Finder, text: str, *, ranker: str = "fused", depth: int = 500) -> SearchResult:
    return finder.find(text, shop.read(text), ranker=ranker, depth=depth)


@pytest.mark.parametrize("step", ["plain", "tree", "signals", "reranker"])
@pytest.mark.parametrize("ranker", RANKER_NAMES)
@given(text=TEXTS)
def test_a_place_does_not_depend_on_how_many_are_asked_for(
    shop: TreeShop, steps: dict[str, Indexes], step: str, ranker: str, text: str
) -> None:
    finder = Finder(steps[step], len(PRODUCTS), FinderConfig(depth=DEPTH))
    few, all_of_them = (find(shop, finder, text, ranker=ranker, depth=depth) for depth in (DEPTH, len(PRODUCTS)))
    assert few.ranked.rows[:DEPTH].tolist() == all_of_them.ranked.rows[:DEPTH].tolist()
    assert set(finder.every_row(few).tolist()) == set(all_of_them.ranked.rows.tolist())
    for found in (few.ranked, all_of_them.ranked):
        assert len(set(found.rows.tolist())) == len(found)
        assert all(left >= right for left, right in pairwise(found.scores.tolist()))


@pytest.mark.parametrize("step", ["plain", "tree", "signals", "reranker"])
def test_an_unknown_ranker_is_named(shop: TreeShop, steps: dict[str, Indexes], step: str) -> None:
    finder = Finder(steps[step], len(PRODUCTS), FinderConfig())
    with pytest.raises(InputError, match=r"Ranker 'bm25' is not one of lexical, intents, tree, signals, fused\."):
        find(shop, finder, "tent", ranker="bm25")


@pytest.mark.parametrize("step", ["tree", "reranker"])
def test_what_words_and_intents_do_not_find_the_tree_does(shop: TreeShop, steps: dict[str, Indexes], step: str) -> None:
    finder = Finder(steps[step], len(PRODUCTS), FinderConfig())
    for text, kind in (("kicks", "slip-on shoe"), ("walkies", "dog leash")):
        found = find(shop, finder, text)
        assert not found.by_stage["nearest_type"]
        assert kinds_of(found.ranked.rows[:4]) == {kind}
        assert found.ranked.rows.tolist() == found.by_stage["tree"].rows.tolist()


def test_a_misspelled_type_comes_before_the_tree(shop: TreeShop, steps: dict[str, Indexes]) -> None:
    found = find(shop, Finder(steps["tree"], len(PRODUCTS), FinderConfig()), "lasch")
    assert kinds_of(found.ranked.rows) == {"dog leash"}
    assert next(stage for stage, ranked in found.by_stage.items() if ranked) == "nearest_type"


def test_without_a_tree_nothing_is_found_by_it(shop: TreeShop, steps: dict[str, Indexes]) -> None:
    finder = Finder(steps["plain"], len(PRODUCTS), FinderConfig())
    assert not find(shop, finder, "dome tent", ranker="tree").ranked
    assert not find(shop, finder, "kicks").ranked


@pytest.mark.parametrize("step", ["plain", "tree", "signals", "reranker"])
def test_words_and_intents_are_found_at_every_step(shop: TreeShop, steps: dict[str, Indexes], step: str) -> None:
    finder = Finder(steps[step], len(PRODUCTS), FinderConfig())
    for kind in KINDS:
        assert kinds_of(find(shop, finder, kind).ranked.rows[:10]) == {kind}
    needed = find(shop, finder, "something for pregnant women").ranked.rows
    assert set(range(10)) <= set(needed.tolist())  # the shoes
    if step != "reranker":  # which may have learned that other features count more
        assert kinds_of(needed[:10]) == {"slip-on shoe"}


def test_a_question_carries_the_answers_of_all_rankers(shop: TreeShop, steps: dict[str, Indexes]) -> None:
    finder = Finder(steps["tree"], len(PRODUCTS), FinderConfig())
    text = "tennt for camping"
    asked = finder.retrieve(text, shop.read(text))
    assert list(asked.query.words.corrected) == ["tent", "for", "camping"]
    assert asked.stages["weighted_sum"].rows.tolist() == find(shop, finder, text).ranked.rows.tolist()
    for stage, ranker in (("lexical", "lexical"), ("intents", "intents"), ("tree", "tree")):
        assert asked.stages[stage].rows.tolist() == find(shop, finder, text, ranker=ranker).ranked.rows.tolist()
    assert 0 < asked.unmet_share <= 1


def test_a_reranker_sees_no_more_of_any_ranking_than_fusion_weighs(shop: TreeShop, steps: dict[str, Indexes]) -> None:
    finder = Finder(steps["tree"], len(PRODUCTS), FinderConfig(depth=DEPTH))
    text = "navy lamp for pregnant women"  # words find lamps and all that is navy, intents find shoes
    stages = finder.retrieve(text, shop.read(text)).stages
    either = {row for name in ("lexical", "intents") for row in stages[name].rows.tolist()}
    assert len(either) > DEPTH
    assert len(stages["weighted_sum"]) == DEPTH
    assert max(map(len, stages.values())) == DEPTH


def test_a_query_is_analyzed_once(shop: TreeShop, steps: dict[str, Indexes], monkeypatch: pytest.MonkeyPatch) -> None:
    vectors: list[str] = []
    vector = NgramVectorizer.vector

    def counted(self: NgramVectorizer, text: str) -> Vector:
        vectors.append(text)
        return vector(self, text)

    monkeypatch.setattr(NgramVectorizer, "vector", counted)
    text, corrected = "sleepng bag for camping by tarn", steps["reranker"].lexical.analyze
    before = corrected.cache_info()
    found = find(shop, Finder(steps["reranker"], len(PRODUCTS), FinderConfig()), text)
    assert found.ranked
    assert found.query.intents
    assert vectors == [text]
    assert (corrected.cache_info().misses, corrected.cache_info().hits) == (before.misses + 1, before.hits)


@pytest.mark.parametrize("ranker", ["intents", "tree"])
def test_rankers_that_read_no_words_correct_none(shop: TreeShop, steps: dict[str, Indexes], ranker: str) -> None:
    text, corrected = f"warm bag for campng by {ranker}", steps["tree"].lexical.analyze
    before = corrected.cache_info()
    find(shop, Finder(steps["tree"], len(PRODUCTS), FinderConfig()), text, ranker=ranker)
    assert corrected.cache_info() == before


def test_a_new_ranker_in_the_list_is_asked_in_fused_searches(
    shop: TreeShop, steps: dict[str, Indexes], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = find(shop, Finder(steps["reranker"], len(PRODUCTS), FinderConfig()), "dome tent")
    monkeypatch.setattr(finder_module, "RANKERS", {**RANKERS, "newest": lambda indexes: WordRanker(indexes.lexical)})
    after = find(shop, Finder(steps["reranker"], len(PRODUCTS), FinderConfig()), "dome tent")
    assert after.by_stage["newest"].rows.tolist() == before.rankings["lexical"].rows.tolist()
    assert after.ranked.rows.tolist() == before.ranked.rows.tolist(), "no features of it were trained"


def test_many_threads_get_the_same_answers(shop: TreeShop, steps: dict[str, Indexes]) -> None:
    finder = Finder(steps["reranker"], len(PRODUCTS), FinderConfig())
    texts = [*judged().texts, *SEARCHES, "lasch", "camping"]
    with ThreadPoolExecutor(4) as pool:
        found = [each.ranked.rows.tolist() for each in pool.map(lambda text: find(shop, finder, text), texts)]
    assert found == [find(shop, finder, text).ranked.rows.tolist() for text in texts]
