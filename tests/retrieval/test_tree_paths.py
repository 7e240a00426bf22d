"""The path to a product in words: nodes have names, and words of the query contribute to the steps."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from small_shop import NEEDS, product_rows
from tiny_shop import product_table
from whybuy.records import Product, TreeStep
from whybuy.retrieval.node_names import name_nodes
from whybuy.retrieval.training_set import TrainingSet
from whybuy.retrieval.tree import TreeIndex
from whybuy.retrieval.tree_paths import CONTRIBUTIONS, THIS_PRODUCT, words_by_column
from whybuy.retrieval.tree_training import TreeConfig, TreeTrainer
from whybuy.xmr.label_tree import LabelTree

WORDS = st.lists(st.sampled_from("marlowe sage shoes bots tent camping pregnant women for".split()), min_size=1)


@pytest.fixture(scope="module")
def index() -> TreeIndex:
    """Sixty products under leaves of eight at most; each intent was searched once."""
    rows = list(product_rows())
    kinds = [row["product_type"].split(" > ")[1] for row in rows]
    products = [Product(row["id"], row["title"], product_type=kind) for row, kind in zip(rows, kinds, strict=True)]
    bought = np.array([[float(kind == need) for kind in kinds] for need in NEEDS.values()], np.float32)
    searches = TrainingSet(list(NEEDS), csr_matrix(bought))
    nothing = TrainingSet([], csr_matrix((0, len(rows)), dtype=np.float32))
    return TreeTrainer(product_table(products), searches, nothing, TreeConfig(branching=4, leaf_size=8)).train()


def explain(index: TreeIndex, text: str, rows: list[int]) -> list[tuple[TreeStep, ...]]:
    return index.explain(text, index.vectorizer.vector(text), rows)


def binary_tree(leaves: int, each: int) -> LabelTree:
    """Two children per node above the leaves, and so many labels in each leaf, in order."""
    levels = leaves.bit_length()
    above = np.arange(leaves - 1) * 2 + 1
    below = 2 * leaves - 1 + each * np.arange(leaves + 1)
    starts = 2 ** np.arange(levels + 1) - 1
    labels = np.arange(leaves * each, dtype=np.int32)
    return LabelTree(np.concatenate([above, below]).astype(np.int32), starts.astype(np.int32), labels)


def named(tree: LabelTree, said: Sequence[tuple[str, str]], department: str = "") -> list[str]:
    """Names for products of (type, title)."""
    products = [
        Product(str(row), title, product_type=kind, category=(department,) if department else ())
        for row, (kind, title) in enumerate(said)
    ]
    return name_nodes(tree, product_table(products))


# ---------------------------------------------------------------- names
def test_a_node_is_named_by_its_types_and_told_apart_from_the_one_above_by_words_of_titles() -> None:
    boots = [("boot", "Tarn leather boot"), ("boot", "Marlowe leather boot"), *[("boot", "Rubber boot")] * 2]
    others = [("lamp", "A lamp"), ("lamp", "Lamp"), ("tent", "Tent"), ("bag", "Bag")]
    names = named(binary_tree(4, 2), boots + others)
    assert names == ["", "boot", "lamp & tent", "boot: leather, tarn", "boot: rubber", "lamp", "tent & bag"]


def test_a_rare_type_does_not_name_a_node() -> None:
    names = named(binary_tree(2, 8), [("boot", "")] * 8 + [("lamp", "")] * 7 + [("bag", "")])
    assert names[1:] == ["boot", "lamp"]


def test_a_node_of_many_types_is_named_by_its_departments_where_there_are_any() -> None:
    many = [(f"type {number}", "") for number in range(24)]
    assert named(binary_tree(2, 12), many) == ["", "type 0 & type 1", "type 12 & type 13"]
    assert named(binary_tree(2, 12), many, "Outdoors") == ["", "Outdoors", "Outdoors"]


def test_products_without_types_are_named_by_words_that_many_titles_share() -> None:
    names = named(binary_tree(2, 4), [("", "red boot of the north"), *[("", "boot")] * 3, *[("", "2 in 1 lamp")] * 4])
    assert names == ["", "boot, red", "lamp"]


def test_products_that_say_nothing_leave_nodes_without_a_name() -> None:
    assert named(binary_tree(2, 1), [("", ""), ("", "?")]) == ["", "", ""]


def test_a_node_without_products_is_named_like_the_one_above() -> None:
    tree = LabelTree(np.array([1, 3, 4, 4], np.int32), np.array([0, 1, 3], np.int32), np.zeros(1, np.int32))
    assert named(tree, [("boot", "Leather boot")]) == ["", "boot", ""]


def test_a_tree_of_one_node_has_one_empty_name() -> None:
    assert named(binary_tree(1, 3), [("boot", "")] * 3) == [""]


# ---------------------------------------------------------------- contributions
def test_letters_stand_for_the_first_word_that_has_them(index: TreeIndex) -> None:
    words = words_by_column(index.vectorizer, "hiking boots for muddy trails boots")
    assert set(words) == set(index.vectorizer.vector("hiking boots for muddy trails boots")[0].tolist())
    by_words = set(words.values())
    assert {"hiking", "boots", "muddy trails", "boots for muddy"} <= by_words
    assert not any("-" in said or '"' in said for said in by_words)


def test_a_misspelled_word_still_contributes_by_its_letters(index: TreeIndex) -> None:
    text = "sleping"
    row = int(index.rank(*index.vectorizer.vector(text), 1).rows[0])
    (*_, last) = explain(index, text, [row])[0]
    assert [each.words for each in last.contributions] == ["sleping"]
    assert last.contributions[0].amount > 0


@given(words=WORDS)
def test_contributions_and_scores_are_those_of_the_tree(index: TreeIndex, words: list[str]) -> None:
    text = " ".join(words)
    ids, values = index.vectorizer.vector(text)
    found = index.rank(ids, values, 5)
    for row, score, path in zip(found.rows, found.scores, explain(index, text, found.rows.tolist()), strict=True):
        assert path[-1].name == THIS_PRODUCT
        assert path[-1].score == pytest.approx(score, rel=6e-3)
        assert all(above.score >= below.score for above, below in pairwise(path))
        exact = index.tree.explain(ids, values, int(row)).path[-1]
        assert len(path[-1].contributions) <= CONTRIBUTIONS
        if len(path[-1].contributions) in range(1, CONTRIBUTIONS):  # none is left out
            assert sum(each.amount for each in path[-1].contributions) == pytest.approx(
                exact.margin - exact.bias, abs=0.01
            )
        sizes = [abs(each.amount) for each in path[-1].contributions]
        assert sizes == sorted(sizes, reverse=True)


def test_a_product_that_the_search_leaves_out_has_a_path_too(index: TreeIndex) -> None:
    text = "floor lamp"
    found = set(index.rank(*index.vectorizer.vector(text), 10).rows.tolist())
    other = next(row for row in range(60) if row not in found)
    (path,) = explain(index, text, [other])
    assert path[-1].score < float(index.rank(*index.vectorizer.vector(text), 1).scores[0])


def test_a_query_without_a_known_ngram_has_no_path(index: TreeIndex) -> None:
    assert explain(index, "", [0, 1]) == [(), ()]
    assert explain(index, "\U0001f9e6", [3]) == [()]


def test_a_trained_tree_has_names_and_keeps_them(index: TreeIndex, tmp_path: Path) -> None:
    row = int(index.rank(*index.vectorizer.vector("floor lamp"), 1).rows[0])
    (path,) = explain(index, "floor lamp", [row])
    assert len(path) == index.tree.tree.levels > 2
    assert "floor lamp" in path[-2].name
    assert "lamp" in {each.words for each in path[-2].contributions}
    index.save(tmp_path / "tree")
    assert explain(TreeIndex.open(tmp_path / "tree"), "floor lamp", [row]) == [path]
