"""What answers a query, and what is only near."""

from pathlib import Path

import pytest

from small_shop import write_rows
from whybuy.behavior.init import init_store
from whybuy.build import build
from whybuy.discovery import Discovery
from whybuy.records import Query, Sort

ROWS = [
    ("tv-1", 'Fennel 46" LCD TV', "lcd tv", "A screen.", "499"),
    ("tv-2", 'Tarn 32" LCD TV', "lcd tv", "A screen.", "299"),
    ("tv-3", 'Marlowe 46" Plasma TV', "plasma tv", "A screen.", "599"),
    ("stand", 'TV Stand for TVs up to 46"', "tv stand", "Holds a TV.", "89"),
    ("mount", "Wall Mount for TV", "wall mount", "Holds a TV.", "39"),
    ("laptop-1", "Fennel Laptop 15 in.", "laptop", "Comes with a sleeve.", "899"),
    ("laptop-2", "Tarn Gaming Laptop", "gaming laptop", "Fast.", "1299"),
    ("sleeve", "Laptop Sleeve", "laptop sleeve", "For a laptop.", "19"),
    ("tent-1", "Dome Tent", "dome tent", "For two.", "120"),
    ("tent-2", "Dome Tent, Red", "dome tent", "For two.", "130"),
    ("pole", "Tent Pole", "tent pole", "Of a tent.", "9"),
    ("bracket-1", "Steel Angle Bracket", "bracket", "Of steel.", "3"),
    ("bracket-2", "Double Angle Brackets", "angle bracket", "Of steel.", "4"),
    ("bracket-3", "Shelf Bracket", "shelf bracket", "Of steel.", "5"),
    ("soap", "Fragrance Free Soap", "soap", "Mild.", "4"),
    ("jam", "Strawberry Jam with Sugar", "jam", "Sweet.", "5"),
    ("jam-2", "Strawberry Jam Sugar Free", "jam", "Sweet.", "6"),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Discovery:
    store: Path = tmp_path_factory.mktemp("answering")
    names = ("id", "title", "product_type", "description", "price")
    rows = [dict(zip(names, row, strict=True)) | {"price": f"{row[-1]}.00 USD"} for row in ROWS]
    init_store(store, [write_rows(store / "products.csv", rows)])
    build(store)
    return Discovery.open(store)


@pytest.mark.parametrize(
    ("query", "answering"),
    [
        ("laptop", {"laptop-1", "laptop-2"}),
        ("laptop sleeve", {"sleeve"}),
        ("tv", {"tv-1", "tv-2", "tv-3"}),
        ("46 inch tv", {"tv-1", "tv-3"}),
        ("tv stand", {"stand"}),
        ("tents", {"tent-1", "tent-2"}),
        ("angle bracket", {"bracket-1", "bracket-2"}),  # whatever the type of one is called
        ("something like a tent", {"tent-1", "tent-2"}),
        ("gluten free", set()),  # a word that no product says
        ("joy", set()),  # of the dictionary, and no misspelled "toy"
        ("lapptop", {"laptop-1", "laptop-2"}),
        ("fast", set()),  # said in a description alone
        ("jam without sugar", {"jam-2"}),
        ("for with", set()),
        ("non gaming laptop", {"laptop-2"}),  # "non" says nothing by itself: "non slip shoes"
    ],
)
def test_the_thing_itself_answers_and_not_what_goes_with_it(shop: Discovery, query: str, answering: set[str]) -> None:
    answer = shop.search(Query(query, limit=20))
    assert {hit.product_id for hit in answer.hits if hit.answers} == answering
    assert answer.total == len(answering)
    assert [hit.answers for hit in answer.hits] == [True] * answer.total + [False] * answer.related_total


def test_an_order_by_price_begins_with_the_cheapest_that_answers(shop: Discovery) -> None:
    hits = shop.search(Query("laptop", sort=Sort.PRICE_UP)).hits
    assert [hit.product_id for hit in hits] == ["laptop-1", "laptop-2", "sleeve"]


def test_facets_count_what_answers(shop: Discovery) -> None:
    types = shop.search(Query("tv")).facets["product_type"]
    assert {one.value: one.count for one in types} == {"lcd tv": 2, "plasma tv": 1}


def test_where_nothing_answers_all_hits_are_near(shop: Discovery) -> None:
    answer = shop.search(Query("gluten free"))
    assert (answer.total, answer.related_total) == (0, len(answer.hits))
    assert {hit.product_id for hit in answer.hits} >= {"soap"}
    assert not any(hit.answers for hit in answer.hits)


def test_what_only_a_description_says_counts_where_nothing_else_does(shop: Discovery) -> None:
    assert [hit.product_id for hit in shop.search(Query("mild soap")).hits if hit.answers] == ["soap"]
