"""What goes with a product, in shops of a few titles and claims."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tiny_shop import of_type, open_graph, product_table, reason
from whybuy.graph import RejectedEdges
from whybuy.recommendation import Complements
from whybuy.records import Head, HeadKind, Hit, Product
from whybuy.relations import Relation

PRODUCTS = [
    Product("phone9700", "Nimbus - 9700 Phone - Black", brand="Nimbus", product_type="phone"),
    Product("phone9800", "Nimbus - 9800 Phone - Black", brand="Nimbus", product_type="phone"),
    Product("orrin", "Orrin - Leaf Phone - Black", brand="Orrin", product_type="phone"),
    Product("case", "Tavi - Slim Case for Nimbus 9700 Phones - Red", brand="Tavi", product_type="slim case"),
    Product("shell", "Elmo - Shell Case for Nimbus 9700 Phones - Red", brand="Elmo", product_type="shell case"),
    Product("film", "Elmo - Screen Film for Nimbus 9700 Phones", brand="Elmo", product_type="screen film"),
    Product("lamp", "Fern - Desk Lamp - Red", brand="Fern", product_type="desk lamp"),
    Product("bulb", "Fern - Light Bulb", brand="Fern", product_type="light bulb"),
]
ROW = {product.product_id: row for row, product in enumerate(PRODUCTS)}
MODEL = "nimbus 9700 phones"
CLAIMS = [
    *((Head(HeadKind.PRODUCT, (product_id,)), MODEL) for product_id in ("case", "shell", "film")),
    (Head(HeadKind.PRODUCT, ("case",)), "nimbus phones"),
    (of_type("desk lamp"), "light bulbs"),
    (of_type("screen film"), "orrin phones"),  # of some films, not of this one
]


@pytest.fixture(scope="module")
def complements(tmp_path_factory: pytest.TempPathFactory) -> Complements:
    claims = [reason(head, Relation.USED_WITH, tail) for head, tail in CLAIMS]
    claims.append(reason(Head(HeadKind.PRODUCT, ("lamp",)), Relation.USED_IN_LOCATION, "phone room"))
    return Complements(product_table(PRODUCTS), open_graph(tmp_path_factory.mktemp("graph"), claims))


def joined(hits: Iterable[Hit]) -> dict[str, str]:
    """Stage by product, of the products that claims join."""
    return {hit.product_id: hit.source for hit in hits if hit.source != "similar"}


def test_a_claim_joins_what_it_names_and_what_goes_with_the_same(complements: Complements) -> None:
    assert joined(complements.of(ROW["case"])) == {"phone9700": "names", "film": "shared"}


def test_what_is_claimed_to_go_with_a_product_goes_with_it(complements: Complements) -> None:
    assert joined(complements.of(ROW["phone9700"])) == {"case": "named", "shell": "named", "film": "named"}
    assert joined(complements.of(ROW["orrin"])) == {}


def test_another_model_is_not_named_though_the_claim_holds_of_its_kind(complements: Complements) -> None:
    assert joined(complements.of(ROW["phone9800"])) == {}


def test_products_of_one_kind_are_no_complements(complements: Complements) -> None:
    found = {hit.product_id for hit in complements.of(ROW["case"], limit=100)}
    assert found
    assert not found & {"case", "shell"}


def test_what_is_claimed_of_a_type_stands_in_for_texts_that_claim_nothing(complements: Complements) -> None:
    assert joined(complements.of(ROW["lamp"])) == {"bulb": "names"}
    assert joined(complements.of(ROW["bulb"])) == {"lamp": "named"}
    assert "orrin" not in joined(complements.of(ROW["film"]))  # whose own text says what it is for


def test_every_join_has_its_reasons(complements: Complements) -> None:
    hits = {hit.product_id: hit for hit in complements.of(ROW["case"])}
    assert [(each.head, each.tail) for each in hits["phone9700"].reasons] == [(PRODUCTS[ROW["case"]].title, MODEL)]
    assert [each.head for each in hits["film"].reasons] == [PRODUCTS[ROW[name]].title for name in ("case", "film")]
    assert [each.head for each in complements.of(ROW["bulb"])[0].reasons] == ["desk lamp"]


def test_titles_decide_among_equal_joins(complements: Complements) -> None:
    hits = complements.of(ROW["phone9700"])
    assert len({hit.scores["named"] for hit in hits}) == 1
    closest = [hit.scores["similar"] for hit in hits]
    assert closest == sorted(set(closest), reverse=True)


def test_what_only_has_a_similar_title_comes_last_and_has_no_reasons(complements: Complements) -> None:
    first, *others = complements.of(ROW["lamp"])
    assert first.product_id == "bulb"
    assert {hit.product_id: hit.source for hit in others} == {"case": "similar", "shell": "similar"}  # red as well
    assert not any(hit.reasons for hit in others)


def test_scores_are_bounded(complements: Complements) -> None:
    for row in range(len(PRODUCTS)):
        for scores in complements.scores(row).values():
            assert scores.shape == (len(PRODUCTS),)
            assert scores.min() >= 0
            assert scores.max() <= 1 + 1e-9


def test_rejected_claims_join_nothing_from_then_on(tmp_path: Path) -> None:
    graph = open_graph(tmp_path, [reason(head, Relation.USED_WITH, tail) for head, tail in CLAIMS])
    rejected = RejectedEdges(graph)
    complements = Complements(product_table(PRODUCTS), graph, rejected=rejected)
    assert "lamp" in joined(complements.of(ROW["bulb"]))
    rejected.replace([(of_type("desk lamp"), Relation.USED_WITH, "light bulbs")])
    assert "lamp" not in joined(complements.of(ROW["bulb"]))


def test_a_shop_without_claims_has_similar_titles_alone(tmp_path: Path) -> None:
    graph = open_graph(tmp_path, [reason(of_type("phone"), Relation.USED_FOR_EVENT, "travel")])
    complements = Complements(product_table(PRODUCTS), graph)
    assert {hit.source for row in range(len(PRODUCTS)) for hit in complements.of(row)} == {"similar"}
