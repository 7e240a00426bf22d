"""What a tree is trained on: searches and what was bought, texts and their products, intents and what answers them."""

from collections import defaultdict
from math import log
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_shop import of_type, open_graph, pair_table, product_table, reason
from tree_shop import PRODUCTS, ROW, TreeShop, kinds_of, pairs
from whybuy.catalog.product_text import product_texts
from whybuy.records import Behavior, Head, HeadKind, Product
from whybuy.relations import Relation
from whybuy.retrieval.expansion import build_expansion
from whybuy.retrieval.training_set import (
    TrainingSet,
    reason_training_set,
    search_training_set,
    text_training_set,
)

TABLE = product_table(PRODUCTS)


def with_counts(rows: list[tuple[str, str, int, int]]) -> pa.Table:
    """Search-buy pairs from (query, product, purchases, clicks)."""
    table = pair_table((Behavior.SEARCH_BUY, query, product, bought) for query, product, bought, _ in rows)
    clicks = pa.array([clicked for *_, clicked in rows], pa.int64())
    return table.set_column(table.schema.get_field_index("clicks"), table.schema.field("clicks"), clicks)


def as_dict(examples: TrainingSet) -> dict[str, dict[int, float]]:
    assert len(set(examples.texts)) == len(examples) == examples.products.shape[0]
    return {
        text: dict(zip(row.indices.tolist(), row.data.tolist(), strict=True))
        for text, row in zip(examples.texts, examples.products, strict=True)
    }


# ---------------------------------------------------------------- searches
COUNTS = st.tuples(st.integers(0, 5), st.integers(0, 5))
PAIRS = st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from([*list(ROW)[:4], "gone"])), COUNTS)


@given(found=PAIRS)
def test_a_product_counts_by_the_logarithms_of_purchases_and_clicks(
    found: dict[tuple[str, str], tuple[int, int]],
) -> None:
    expected: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for (query, product), (bought, clicked) in found.items():
        if product in ROW and bought + clicked:
            expected[query][ROW[product]] = log(1 + bought) + log(1 + clicked) / 4
    table = with_counts([(*pair, *counts) for pair, counts in found.items()])
    examples = as_dict(search_training_set(table, TABLE))
    assert examples.keys() == expected.keys()
    for query, weights in examples.items():
        best = max(expected[query].values())
        assert weights == pytest.approx({row: weight / best for row, weight in expected[query].items()}, rel=1e-5)


def test_what_was_bought_together_is_no_search() -> None:
    table = pair_table([(Behavior.CO_BUY, "dog-0", "dog-1", 5)])
    assert len(search_training_set(table, TABLE)) == 0


# ---------------------------------------------------------------- texts
def test_the_own_text_of_a_product_leads_to_it_alone() -> None:
    examples = text_training_set(["red lamp", "tent"])
    assert examples.texts == ["red lamp", "tent"]
    assert examples.products.toarray().tolist() == [[1, 0], [0, 1]]


# ---------------------------------------------------------------- reasons
def test_an_intent_leads_to_what_answers_it_alone_and_with_each_type(shop: TreeShop) -> None:
    examples = as_dict(shop.trainer.reasons)
    assert examples.keys() == {
        *("pregnant women", "slip-on shoe for pregnant women"),
        *("camping", "dome tent for camping", "sleeping bag for camping"),
    }
    assert kinds_of(np.array(list(examples["camping"]))) == {"dome tent", "sleeping bag"}
    assert kinds_of(np.array(list(examples["sleeping bag for camping"]))) == {"sleeping bag"}
    assert len(examples["camping"]) == 20
    for weights in examples.values():
        assert max(weights.values()) == 1
        assert min(weights.values()) > 0


@pytest.mark.parametrize("limit", [1, 3])
def test_an_intent_is_trained_with_the_products_that_answer_it_best(tmp_path: Path, limit: int) -> None:
    best = Head(HeadKind.PRODUCT, ("dome-7",))
    found = [reason(of_type("dome tent"), Relation.USED_FOR_EVENT, "camping")]
    graph = open_graph(tmp_path / "graph", [*found, reason(best, Relation.USED_FOR_EVENT, "camping")])
    build_expansion(graph, TABLE, tmp_path)
    examples = as_dict(reason_training_set(graph, tmp_path, [one.product_type for one in PRODUCTS], limit=limit))
    assert {len(weights) for weights in examples.values()} == {limit}
    assert all(weights[ROW["dome-7"]] == 1 for weights in examples.values())


def test_products_without_a_type_are_trained_by_the_reason_alone(tmp_path: Path) -> None:
    table = product_table([Product("1", "Thing"), Product("2", "Tent", product_type="tent")])
    heads = [Head(HeadKind.PRODUCT, ("1",)), of_type("tent")]
    graph = open_graph(tmp_path / "graph", [reason(head, Relation.USED_FOR_EVENT, "camping") for head in heads])
    build_expansion(graph, table, tmp_path)
    examples = as_dict(reason_training_set(graph, tmp_path, ["", "tent"]))
    assert {text: set(weights) for text, weights in examples.items()} == {"camping": {0, 1}, "tent for camping": {1}}


def test_without_reasons_nothing_is_trained(tmp_path: Path) -> None:
    graph = open_graph(tmp_path / "graph", [])
    build_expansion(graph, TABLE, tmp_path)
    examples = reason_training_set(graph, tmp_path, [one.product_type for one in PRODUCTS])
    assert (len(examples), examples.products.shape) == (0, (0, 60))


# ---------------------------------------------------------------- together
def test_training_texts_are_chosen_and_joined_with_their_products() -> None:
    searches, texts = search_training_set(pairs(), TABLE), text_training_set(product_texts(TABLE))
    kept = searches.only(np.array([text != "kicks" for text in searches.texts]))
    whole = kept.followed_by(texts)
    assert whole.texts == [text for text in searches.texts if text != "kicks"] + texts.texts
    assert as_dict(kept) == {text: row for text, row in as_dict(searches).items() if text != "kicks"}
    assert whole.products[len(kept) :].toarray().tolist() == texts.products.toarray().tolist()
