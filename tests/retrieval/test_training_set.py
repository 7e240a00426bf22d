"""What a tree is trained on: searches and what was bought, texts and their products, intents and what answers them."""

from collections import defaultdict
from collections.abc import Mapping
from math import log1p
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


def with_evidence(found: Mapping[tuple[str, str], float], column: str) -> pa.Table:
    """Search-buy pairs whose other columns of evidence say that nothing was learned."""
    table = pair_table((Behavior.SEARCH_BUY, *pair, 0) for pair in found)
    values = pa.array(list(found.values()), pa.float64())
    return table.set_column(table.schema.get_field_index(column), table.schema.field(column), values)


def as_dict(examples: TrainingSet) -> dict[str, dict[int, float]]:
    assert len(set(examples.texts)) == len(examples) == examples.products.shape[0]
    return {
        text: dict(zip(row.indices.tolist(), row.data.tolist(), strict=True))
        for text, row in zip(examples.texts, examples.products, strict=True)
    }


# ---------------------------------------------------------------- searches
PAIRS = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from([*list(ROW)[:4], "gone"])), st.sampled_from([0, 0.04, 1, 2.5, 40])
)


def by_query(found: Mapping[tuple[str, str], float]) -> dict[str, dict[int, float]]:
    """What the shop has and something speaks for."""
    expected: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for (query, product), value in found.items():
        if product in ROW and value:
            expected[query][ROW[product]] = value
    return dict(expected)


@given(found=PAIRS, column=st.sampled_from(["evidence", "recent", "earlier", "late"]))
def test_a_product_counts_by_the_evidence_that_is_asked_for(found: dict[tuple[str, str], float], column: str) -> None:
    examples = search_training_set(with_evidence(found, column), TABLE, evidence=column)
    weights, expected = as_dict(examples), by_query(found)
    assert weights.keys() == expected.keys()
    assert all(row == pytest.approx(expected[query], rel=1e-6) for query, row in weights.items())


def test_recent_evidence_counts_where_nothing_else_is_said() -> None:
    assert len(search_training_set(with_evidence({("a", "dog-0"): 1}, "recent"), TABLE)) == 1
    assert len(search_training_set(with_evidence({("a", "dog-0"): 1}, "evidence"), TABLE)) == 0


@given(found=PAIRS)
def test_weights_are_taken_over_the_best_of_their_text_damped_or_not(found: dict[tuple[str, str], float]) -> None:
    examples = search_training_set(with_evidence(found, "recent"), TABLE)
    before = as_dict(examples)
    for changed, damp in ((examples.relative(), float), (examples.damped(), log1p)):
        weights = as_dict(changed)
        assert weights.keys() == before.keys()
        for query, row in before.items():
            best = max(map(damp, row.values()))
            assert weights[query] == pytest.approx(
                {place: damp(value) / best for place, value in row.items()}, rel=1e-5
            )
            assert max(weights[query].values()) == 1
    assert as_dict(examples) == before, "the set itself is as it was"


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
