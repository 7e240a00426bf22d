"""A tree of products, trained on searches, texts and reasons; it says how much of a query it has seen."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_shop import pair_table, product_table
from tree_shop import PRODUCTS, ROW, SEARCHES, TreeShop, kinds_of
from whybuy.catalog.product_text import product_texts
from whybuy.errors import ArtifactError
from whybuy.records import Product
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.training_set import search_training_set
from whybuy.retrieval.tree import TreeIndex
from whybuy.retrieval.tree_training import TreeConfig, TreeTrainer

WORDS = st.sampled_from("marlowe sage shoe boot tent camping pregnant women for zzyx kicks walkies lamp".split())
TEXTS = st.lists(WORDS, max_size=4).map(" ".join)


@pytest.fixture(scope="module")
def tree(shop: TreeShop) -> TreeIndex:
    return shop.trainer.train()


@pytest.fixture(scope="module")
def folder(tree: TreeIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "tree"
    tree.save(path)
    return path


def asked(tree: TreeIndex, text: str, limit: int = 60) -> Ranked:
    return tree.rank(*tree.vectorizer.vector(text), limit)


# ---------------------------------------------------------------- what it was trained on
@pytest.mark.parametrize("kind", ["floor lamp", "hiking boot"])
def test_a_product_that_was_never_bought_is_found_by_its_own_words(tree: TreeIndex, kind: str) -> None:
    for row, product in enumerate(PRODUCTS):
        if product.product_type == kind:
            assert not tree.logs.searches[row]
            assert row in asked(tree, f"{product.title} {product.attributes[0][1]}", 3).rows


@pytest.mark.parametrize(("text", "ids"), SEARCHES.items())
def test_a_word_of_searches_leads_to_what_was_bought_after_it(tree: TreeIndex, text: str, ids: str) -> None:
    bought = {ROW[ids.format(number)] for number in range(4)}
    assert set(asked(tree, text, 4).rows.tolist()) == bought


def test_an_intent_leads_to_what_answers_it_where_reasons_train(shop: TreeShop, tree: TreeIndex) -> None:
    assert kinds_of(asked(tree, "pregnant women", 10).rows) == {"slip-on shoe"}
    assert kinds_of(asked(tree, "camping", 10).rows) == {"dome tent", "sleeping bag"}
    nothing = shop.trainer.reasons.only(np.zeros(len(shop.trainer.reasons), bool))
    untrained = replace(shop.trainer, reasons=nothing).train()
    assert kinds_of(asked(untrained, "pregnant women", 10).rows) != {"slip-on shoe"}


def test_it_counts_the_searches_that_led_to_each_product(tree: TreeIndex) -> None:
    counts = {product.product_id: tree.logs.searches[row] for row, product in enumerate(PRODUCTS)}
    assert (counts["slip-on-0"], counts["sleeping-3"], counts["sleeping-4"], counts["floor-0"]) == (2, 1, 0, 0)
    assert sum(counts.values()) == 4 * len(SEARCHES)


def test_it_knows_how_much_of_a_query_stood_in_searches(tree: TreeIndex) -> None:
    known = [tree.known(*tree.vectorizer.vector(text)) for text in ("comfy kicks", "kicks by tarn", "floor lamp")]
    assert known[0] == pytest.approx(1)
    assert known[0] > known[1] > known[2]
    assert tree.known(*tree.vectorizer.vector("")) == 0


def test_similarity_is_the_cosine_of_the_texts(tree: TreeIndex) -> None:
    own = tree.vectorizer.transform(product_texts(product_table(PRODUCTS))).toarray()
    cosines = own @ tree.vectorizer.transform(["tarn tent"]).toarray()[0]
    found = tree.similar(*tree.vectorizer.vector("tarn tent"), 60)
    assert dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True)) == pytest.approx(
        {row: cosine for row, cosine in enumerate(cosines.tolist()) if cosine > 0}, rel=1e-5
    )


# ---------------------------------------------------------------- what always holds
@given(text=TEXTS, limit=st.integers(0, 60))
def test_fewer_are_the_first_of_more_and_scores_never_rise(tree: TreeIndex, text: str, limit: int) -> None:
    more, fewer = asked(tree, text), asked(tree, text, limit)
    assert fewer.rows.tolist() == more.rows[:limit].tolist()
    assert len(set(more.rows.tolist())) == len(more)
    assert all(left >= right for left, right in pairwise(more.scores.tolist()))
    assert all(0 < score <= 1 for score in more.scores.tolist())


@pytest.mark.parametrize("text", ["", "?!", "\x00", "ωψ"])
def test_what_has_no_known_letters_finds_nothing(tree: TreeIndex, text: str) -> None:
    vector = tree.vectorizer.vector(text)
    assert (len(tree.rank(*vector, 10)), len(tree.similar(*vector, 10)), tree.known(*vector)) == (0, 0, 0)


def test_a_shop_of_one_product_has_a_tree() -> None:
    table = product_table([Product("1", "Brass lamp")])
    nothing = search_training_set(pair_table([]), table)
    tree = TreeTrainer(table, nothing, nothing, TreeConfig()).train()
    assert asked(tree, "lamp").rows.tolist() == [0]


def test_two_threads_train_the_same_tree(shop: TreeShop, tree: TreeIndex) -> None:
    other = replace(shop.trainer, config=replace(shop.trainer.config, threads=2)).train()
    for text in (*SEARCHES, "pregnant women", "tarn tent in sage"):
        assert asked(other, text).rows.tolist() == asked(tree, text).rows.tolist()
        np.testing.assert_array_equal(asked(other, text).scores, asked(tree, text).scores)


def test_many_threads_get_the_same_answers(tree: TreeIndex) -> None:
    texts = [*SEARCHES, "pregnant women", "camping", "lamp"] * 5
    with ThreadPoolExecutor(4) as pool:
        found = [ranked.rows.tolist() for ranked in pool.map(lambda text: asked(tree, text), texts)]
    assert found == [asked(tree, text).rows.tolist() for text in texts]


# ---------------------------------------------------------------- on disk
@given(text=TEXTS)
def test_saved_and_opened_it_answers_the_same(tree: TreeIndex, folder: Path, text: str) -> None:
    opened = TreeIndex.open(folder)
    vector = tree.vectorizer.vector(text)
    for mine, other in ((tree.rank, opened.rank), (tree.similar, opened.similar)):
        np.testing.assert_array_equal(mine(*vector, 20).rows, other(*vector, 20).rows)
        np.testing.assert_array_equal(mine(*vector, 20).scores, other(*vector, 20).scores)
    assert opened.known(*vector) == tree.known(*vector)


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: (folder / "search.json").unlink(), r"holds no readable product tree .*search\.json"),
    (lambda folder: (folder / "search.json").write_text("{}"), r"holds no readable product tree .*'beam'"),
    (lambda folder: (folder / "searches.npy").write_bytes(b""), r"searches\.npy is missing or damaged"),
    (lambda folder: (folder / "seen.npy").unlink(), r"seen\.npy is missing or damaged"),
    (lambda folder: (folder / "tree" / "tree.json").unlink(), r"is no whole label tree"),
    (lambda folder: (folder / "tree" / "labels.npy").unlink(), r"labels\.npy is missing or damaged"),
    (lambda folder: shutil.rmtree(folder / "vectors"), r"is no whole vectorizer"),
    (lambda folder: shutil.rmtree(folder / "ngrams"), r"holds no readable n-gram index"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_damage_is_named(folder: Path, tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "tree")
    damage(copy)
    with pytest.raises(ArtifactError, match=message):
        TreeIndex.open(copy)


def test_another_format_is_named(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "tree")
    about = json.loads((copy / "tree" / "tree.json").read_text())
    (copy / "tree" / "tree.json").write_text(json.dumps(about | {"format_version": 99}))
    with pytest.raises(ArtifactError, match="in format 99"):
        TreeIndex.open(copy)
